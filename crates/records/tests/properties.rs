//! What holds for all batches: they come back as they went in, through every codec and through compaction.

use base::{LeaderEpoch, Offset, ProducerId};
use proptest::collection::vec;
use proptest::prelude::*;
use records::compact::{Compacted, Horizon, WhenEmpty, rebuild};
use records::lookup::{first_at_or_after, of_max_timestamp};
use records::{
    Batch, BatchBuilder, BatchOptions, Batches, BreakKind, Compression, CompressionType, Header, NewRecord,
    ProducerFields, ValidBatches, Validation, record_size,
};

const LIMIT: usize = 1 << 24;

type Field = Option<Vec<u8>>;

#[derive(Clone, Debug)]
struct Owned {
    timestamp: i64,
    key: Field,
    value: Field,
    headers: Vec<(Vec<u8>, Field)>,
}

fn field(size: usize) -> impl Strategy<Value = Field> {
    prop_oneof![1 => Just(None), 4 => vec(any::<u8>(), 0..size).prop_map(Some)]
}

fn owned() -> impl Strategy<Value = Owned> {
    let headers = vec((vec(any::<u8>(), 0..9), field(20)), 0..4);
    (0..1_000_000_i64, field(20), field(3000), headers).prop_map(|(timestamp, key, value, headers)| Owned {
        timestamp,
        key,
        value,
        headers,
    })
}

fn codec() -> impl Strategy<Value = CompressionType> {
    prop::sample::select(CompressionType::ALL.to_vec())
}

fn build(options: BatchOptions, list: &[Owned]) -> records::ValidBatch {
    let mut builder = BatchBuilder::new(options);
    let mut size = builder.uncompressed_size();
    for (delta, record) in (0..).zip(list) {
        let headers: Vec<Header<'_>> =
            record.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect();
        let Owned { timestamp, key, value, .. } = record;
        let new = NewRecord {
            timestamp: *timestamp,
            key: key.as_deref(),
            value: value.as_deref(),
            headers: &headers,
        };
        size += record_size(&new, list.first().map_or(0, |first| first.timestamp), delta);
        assert_eq!(builder.append(new), Ok(options.base_offset.plus(i64::from(delta))));
        assert_eq!(builder.uncompressed_size(), size);
    }
    builder.build()
}

fn same(record: &records::Record<'_>, owned: &Owned) -> bool {
    let headers = record.headers.map(|header| (header.key.to_vec(), header.value.map(<[u8]>::to_vec)));
    record.timestamp == owned.timestamp
        && record.key == owned.key.as_deref()
        && record.value == owned.value.as_deref()
        && headers.eq(owned.headers.iter().cloned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_come_back_through_every_codec(list in vec(owned(), 1..60), source in codec(), target in codec()) {
        let producer = ProducerFields { id: ProducerId(5), epoch: 1, base_sequence: 7 };
        let options = BatchOptions { compression: Compression::of(source), producer, ..BatchOptions::default() };
        let sent = build(options, &list).to_bytes();
        let rules = Validation { compression: Some(Compression::of(target)), max_message_bytes: LIMIT, ..Validation::default() };
        let mut valid = ValidBatches::check(&sent, &rules, 1_000_000).unwrap();
        valid.assign(Offset(1000), LeaderEpoch(8));
        let stored = valid.to_bytes();
        let batch = Batch::parse(&stored).unwrap();
        batch.check_crc().unwrap();
        prop_assert_eq!(batch.header.attributes.compression(), Some(target));
        let plain = batch.decompress(LIMIT).unwrap();
        for (index, (record, owned)) in batch.records(&plain).zip(&list).enumerate() {
            let record = record.unwrap();
            prop_assert_eq!(record.offset, Offset(1000 + index as i64));
            prop_assert!(same(&record, owned));
        }
    }

    #[test]
    fn look_ups_are_exact_to_the_record(list in vec(owned(), 1..40), codec in codec(), target in 0..1_000_000_i64, from in 0..45_i64) {
        let options = BatchOptions { compression: Compression::of(codec), base_offset: Offset(3), ..BatchOptions::default() };
        let bytes = build(options, &list).to_bytes();
        let batch = Batch::parse(&bytes).unwrap();
        let stamps: Vec<(i64, i64)> = (3..).zip(&list).map(|(offset, record)| (record.timestamp, offset)).collect();
        let wanted = stamps.iter().find(|(time, offset)| *time >= target && *offset >= from).copied();
        let found = first_at_or_after(&batch, target, Offset(from), LIMIT).unwrap();
        prop_assert_eq!(found.map(|found| (found.timestamp, found.offset.0)), wanted);
        let latest = stamps.iter().map(|(time, _)| *time).max().unwrap();
        let wanted = stamps.iter().find(|(time, _)| *time == latest).copied();
        let found = of_max_timestamp(&batch, LIMIT).unwrap();
        prop_assert_eq!(found.map(|found| (found.timestamp, found.offset.0)), wanted);
    }

    #[test]
    fn compaction_keeps_places_and_producers(list in vec(owned(), 1..40), codec in codec(), keep in any::<u64>(), marker in any::<bool>()) {
        let producer = ProducerFields { id: ProducerId(5), epoch: 1, base_sequence: 7 };
        let options = BatchOptions { compression: Compression::of(codec), base_offset: Offset(100), leader_epoch: LeaderEpoch(2), producer, ..BatchOptions::default() };
        let bytes = build(options, &list).to_bytes();
        let batch = Batch::parse(&bytes).unwrap();
        let horizon = Horizon { delete_horizon_ms: 77_000, for_marker: marker };
        let stays = |offset: i64| keep >> (offset % 64) & 1 == 1;
        let compacted = rebuild(&batch, horizon, WhenEmpty::Keep, LIMIT, |record| stays(record.offset.0)).unwrap();
        let wanted: Vec<(i64, &Owned)> = (100..).zip(&list).filter(|(offset, _)| stays(*offset)).collect();
        let tombstones = wanted.iter().any(|(_, record)| record.value.is_none());
        let rewritten = match compacted {
            Compacted::Unchanged => {
                prop_assert!(wanted.len() == list.len() && !tombstones && !marker);
                return Ok(());
            }
            Compacted::Rewritten(batch) => batch,
            Compacted::Dropped => return Err(TestCaseError::fail("asked to keep it")),
        };
        let bytes = rewritten.to_bytes();
        let after = Batch::parse(&bytes).unwrap();
        after.check_crc().unwrap();
        let (old, new) = (batch.header, after.header);
        prop_assert_eq!((old.base_offset, old.last_offset_delta, old.partition_leader_epoch), (new.base_offset, new.last_offset_delta, new.partition_leader_epoch));
        prop_assert_eq!((old.producer_id, old.producer_epoch, old.base_sequence), (new.producer_id, new.producer_epoch, new.base_sequence));
        prop_assert_eq!(new.delete_horizon_ms(), (!wanted.is_empty() && (tombstones || marker)).then_some(77_000));
        let plain = after.decompress(LIMIT).unwrap();
        let got: Vec<_> = after.records(&plain).map(Result::unwrap).collect();
        prop_assert_eq!(got.len(), wanted.len());
        for (record, (offset, owned)) in got.iter().zip(&wanted) {
            prop_assert!(record.offset.0 == *offset && same(record, owned));
        }
        let again = rebuild(&after, horizon, WhenEmpty::Keep, LIMIT, |_| true).unwrap();
        prop_assert_eq!(again, Compacted::Unchanged);
    }

    #[test]
    fn batches_in_a_row_are_told_from_a_torn_tail(sizes in vec(1..5_usize, 1..6), cut in any::<prop::sample::Index>()) {
        let one = Owned { timestamp: 1, key: None, value: Some(vec![7; 30]), headers: Vec::new() };
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for size in sizes {
            bytes.extend_from_slice(&build(BatchOptions::default(), &vec![one.clone(); size]).to_bytes());
            ends.push(bytes.len());
        }
        let cut = cut.index(bytes.len() + 1);
        bytes.truncate(cut);
        let mut batches = Batches::new(&bytes);
        let whole = batches.by_ref().take_while(Result::is_ok).count();
        let end = ends.iter().rev().find(|end| **end <= cut).copied().unwrap();
        prop_assert_eq!(batches.position(), end);
        prop_assert_eq!(ends.get(whole), Some(&end));
        let broken = Batches::new(&bytes).find_map(Result::err);
        prop_assert_eq!(broken.is_some(), end != cut);
        if let Some(broken) = broken {
            prop_assert_eq!(broken.position, end);
            let torn = matches!(broken.kind, BreakKind::Torn { .. });
            prop_assert!(torn);
        }
    }
}
