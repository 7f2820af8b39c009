//! Batches written by Java, read and written again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use base::{LeaderEpoch, Offset, ProducerId};
use records::control::EndTransactionMarker;
use records::{
    Batch, BatchBuilder, BatchOptions, Compression, CompressionType, Header, NewRecord, ProducerFields,
    Record, TimestampType, compact,
};

const GOLDEN: &str = include_str!("data/java-4.3.1.txt");
const TIME: i64 = 1_700_000_000_000;

struct Golden {
    name: &'static str,
    bytes: Vec<u8>,
    records: Vec<&'static str>,
}

fn golden() -> Vec<Golden> {
    let mut all: Vec<Golden> = Vec::new();
    for line in GOLDEN.lines() {
        if let Some(batch) = line.strip_prefix("batch ") {
            let (name, hex) = batch.split_once(' ').unwrap();
            let bytes = (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect();
            all.push(Golden { name, bytes, records: Vec::new() });
        } else {
            all.last_mut().unwrap().records.push(line.strip_prefix("record ").unwrap());
        }
    }
    all
}

fn find(name: &str) -> Golden {
    golden().into_iter().find(|golden| golden.name == name).unwrap()
}

fn field(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "-".into(),
        Some([]) => "''".into(),
        Some(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn line(record: &Record<'_>) -> String {
    let mut line =
        format!("{} {} {} {}", record.offset, record.timestamp, field(record.key), field(record.value));
    for header in record.headers {
        write!(line, " {}={}", field(Some(header.key)), field(header.value)).unwrap();
    }
    line
}

#[test]
fn batches_of_java_are_read_to_the_last_header() {
    for golden in golden() {
        let batch = Batch::parse(&golden.bytes).unwrap();
        batch.check_crc().unwrap();
        assert_eq!(batch.bytes.len(), golden.bytes.len());
        let plain = batch.decompress(1 << 20).unwrap();
        let lines: Vec<String> = batch.records(&plain).map(|record| line(&record.unwrap())).collect();
        if !golden.name.ends_with("-many") {
            assert_eq!(lines, golden.records, "{}", golden.name);
        }
    }
}

fn few(builder: &mut BatchBuilder) {
    let headers = [
        Header { key: b"a", value: Some(b"1") },
        Header { key: b"a", value: None },
        Header { key: b"", value: Some(b"") },
    ];
    let record = |timestamp, key, value| NewRecord { timestamp, key, value, headers: &[] };
    builder.append(record(TIME, Some(&b"k1"[..]), Some(&b"v1"[..]))).unwrap();
    builder.append(record(TIME - 5, None, Some(b"no key"))).unwrap();
    builder.append(record(TIME + 7, Some(b"gone"), None)).unwrap();
    builder.append(record(-1, Some(b""), Some(b""))).unwrap();
    builder.append(NewRecord { headers: &headers, ..record(TIME + 1, Some(b"h"), Some(b"v")) }).unwrap();
}

#[test]
fn what_we_build_has_the_bytes_of_java() {
    let transactional = BatchOptions {
        base_offset: Offset(5),
        leader_epoch: LeaderEpoch(2),
        producer: ProducerFields { id: ProducerId(4001), epoch: 0, base_sequence: 0 },
        transactional: true,
        ..BatchOptions::default()
    };
    let idempotent = BatchOptions {
        base_offset: Offset(1_234_567),
        leader_epoch: LeaderEpoch(9),
        producer: ProducerFields { id: ProducerId(4000), epoch: 3, base_sequence: i32::MAX - 1 },
        ..BatchOptions::default()
    };
    let append_time = BatchOptions {
        base_offset: Offset(77),
        leader_epoch: LeaderEpoch(6),
        log_append_time: Some(TIME + 99),
        ..BatchOptions::default()
    };
    let cases = [
        ("none-few", BatchOptions::default()),
        ("none-idempotent", idempotent),
        ("none-transactional", transactional),
        ("none-append-time", append_time),
    ];
    for (name, options) in cases {
        let mut builder = BatchBuilder::new(options);
        few(&mut builder);
        let size = builder.estimated_size();
        let bytes = builder.build().to_bytes();
        assert_eq!(bytes, find(name).bytes, "{name}");
        assert_eq!(bytes.len(), size);
    }
}

#[test]
fn frames_begin_as_in_java() {
    for (name, codec) in [("lz4-idempotent", CompressionType::Lz4), ("snappy-few", CompressionType::Snappy)] {
        let golden = find(name);
        let ours = {
            let batch = Batch::parse(&golden.bytes).unwrap();
            let plain = batch.decompress(1 << 20).unwrap();
            let mut packed = Vec::new();
            records::compress(Compression::of(codec), &plain, &mut packed);
            packed
        };
        let theirs = &golden.bytes[records::HEADER_SIZE..];
        assert_eq!(ours[..7], theirs[..7], "{name}: the frame's head");
        assert_eq!(records::decompress(codec, theirs, 1 << 20), records::decompress(codec, &ours, 1 << 20));
    }
}

#[test]
fn large_batches_of_java_hold_what_was_put_in() {
    for codec in CompressionType::ALL.into_iter().skip(1) {
        let golden = find(&format!("{codec}-many"));
        let batch = Batch::parse(&golden.bytes).unwrap();
        let plain = batch.decompress(1 << 20).unwrap();
        for (index, record) in batch.records(&plain).enumerate() {
            let record = record.unwrap();
            assert_eq!(record.timestamp, TIME + index as i64);
            assert_eq!(record.key.unwrap(), format!("key-{}", index % 17).as_bytes());
            assert_eq!(
                record.value.unwrap(),
                format!("value number {index} ").repeat(1 + index % 13).as_bytes()
            );
        }
    }
}

#[test]
fn markers_of_java_are_ours() {
    for (name, offset, committed, coordinator_epoch) in
        [("commit-marker", 42, true, 11), ("abort-marker", 43, false, 12)]
    {
        let marker = EndTransactionMarker { committed, coordinator_epoch };
        let ours = marker.into_batch(Offset(offset), LeaderEpoch(3), (ProducerId(4001), 2), TIME);
        assert_eq!(ours.to_bytes(), find(name).bytes, "{name}");
    }
}

#[test]
fn empty_batches_of_java_are_ours() {
    let producer = ProducerFields { id: ProducerId(4001), epoch: 2, base_sequence: 30 };
    let options = BatchOptions {
        base_offset: Offset(100),
        leader_epoch: LeaderEpoch(3),
        producer,
        transactional: true,
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    for _ in 0..10 {
        builder.append(NewRecord { timestamp: TIME, ..NewRecord::default() }).unwrap();
    }
    let full = builder.build();
    assert_eq!(compact::empty(full.header()).to_bytes(), find("empty").bytes);
}

#[test]
fn a_delete_horizon_of_java_is_ours() {
    let golden = find("none-delete-horizon");
    let batch = Batch::parse(&golden.bytes).unwrap();
    assert_eq!(batch.header.delete_horizon_ms(), Some(TIME + 86_400_000));
    let options = BatchOptions {
        base_offset: Offset(10),
        leader_epoch: LeaderEpoch(1),
        delete_horizon_ms: Some(TIME + 86_400_000),
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    let record = |timestamp, key, value| NewRecord { timestamp, key: Some(key), value, headers: &[] };
    builder.append_at(Offset(11), record(TIME, b"k1", Some(b"v1"))).unwrap();
    builder.append_at(Offset(14), record(TIME + 7, b"gone", None)).unwrap();
    assert_eq!(builder.build_spanning(6).to_bytes(), golden.bytes);
}

#[test]
fn append_time_of_java_is_seen() {
    for codec in CompressionType::ALL {
        let golden = find(&format!("{codec}-append-time"));
        let batch = Batch::parse(&golden.bytes).unwrap();
        assert_eq!(batch.header.attributes.timestamp_type(), TimestampType::LogAppendTime);
    }
}
