//! Batches that a producer should not send, by name, with the error that Kafka 4.3.1 answers.
//!
//! The expectations were compared with Kafka's own validation (`ProduceRequest.validateRecords`, the checks of `UnifiedLog`,
//! `LogValidator`); `DUMP_BAD_BATCHES=<file>` writes the cases for such a comparison. Where Mekong is stricter, the name says so.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write;

use base::{LeaderEpoch, Offset, ProducerId};
use bytes::Bytes;
use records::{
    Attributes, Batch, BatchHeader, Compression, CompressionType, HEADER_SIZE, Kind, TimestampType,
    ValidBatches, Validation, compress,
};

const NOW: i64 = 1_700_000_000_000;

/// One record; all numbers must lie within one byte of varint, lengths are worked out.
#[derive(Clone)]
struct Rec {
    timestamp_delta: i64,
    offset_delta: i8,
    key: Option<&'static [u8]>,
    value: Option<&'static [u8]>,
    tail: Vec<u8>,
    attributes: u8,
}

fn rec(offset_delta: i8) -> Rec {
    Rec { timestamp_delta: 0, offset_delta, key: Some(b"k"), value: Some(b"v"), tail: vec![0], attributes: 0 }
}

fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    varint(out, field.map_or(-1, |bytes| bytes.len() as i64));
    out.extend_from_slice(field.unwrap_or_default());
}

impl Rec {
    fn body(&self) -> Vec<u8> {
        let mut body = vec![self.attributes];
        varint(&mut body, self.timestamp_delta);
        varint(&mut body, self.offset_delta.into());
        field(&mut body, self.key);
        field(&mut body, self.value);
        body.extend_from_slice(&self.tail);
        body
    }
}

fn records(list: &[Rec]) -> Vec<u8> {
    list.iter().fold(Vec::new(), |mut out, record| {
        let body = record.body();
        varint(&mut out, body.len() as i64);
        out.extend_from_slice(&body);
        out
    })
}

/// A right header for `count` records.
fn header(count: i32) -> BatchHeader {
    BatchHeader {
        base_offset: Offset(0),
        batch_length: 0,
        partition_leader_epoch: LeaderEpoch(-1),
        magic: 2,
        crc: 0,
        attributes: Attributes(0),
        last_offset_delta: count - 1,
        base_timestamp: NOW,
        max_timestamp: NOW,
        producer_id: ProducerId(-1),
        producer_epoch: -1,
        base_sequence: -1,
        records_count: count,
    }
}

fn sealed(mut header: BatchHeader, body: &[u8]) -> Vec<u8> {
    header.batch_length = (HEADER_SIZE - 12 + body.len()) as i32;
    header.crc = header.compute_crc(body);
    [&header.encode()[..], body].concat()
}

fn packed(codec: CompressionType, mut header: BatchHeader, body: &[u8]) -> Vec<u8> {
    header.attributes = header.attributes.with_compression(codec);
    let mut out = Vec::new();
    compress(Compression::of(codec), body, &mut out);
    sealed(header, &out)
}

fn three() -> Vec<u8> {
    records(&[rec(0), rec(1), rec(2)])
}

fn good() -> Vec<u8> {
    sealed(header(3), &three())
}

fn with(change: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut header = header(3);
    change(&mut header);
    sealed(header, &three())
}

fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut batch = good();
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    batch
}

fn one(change: impl FnOnce(&mut Rec)) -> Vec<u8> {
    let mut record = rec(0);
    change(&mut record);
    sealed(header(1), &records(&[record]))
}

enum Expect {
    Accepted,
    Refused(Kind),
    Listed(Kind, &'static [i32]),
    /// Kafka takes it, or names it otherwise.
    Stricter(Kind),
}
use Expect::{Accepted, Listed, Refused, Stricter};
use Kind::{
    CorruptMessage, InvalidRecord, InvalidTimestamp, MessageTooLarge, UnknownServerError,
    UnsupportedCompressionType,
};

struct Case {
    name: String,
    rules: Validation,
    bytes: Vec<u8>,
    expect: Expect,
}

struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, name: &str, bytes: Vec<u8>, expect: Expect) {
        self.under(Validation::default(), name, bytes, expect);
    }

    fn under(&mut self, rules: Validation, name: &str, bytes: Vec<u8>, expect: Expect) {
        self.0.push(Case { name: name.replace(' ', "-"), rules, bytes, expect });
    }
}

fn framing(cases: &mut Cases) {
    cases.add("good", good(), Accepted);
    cases.add("no bytes", Vec::new(), Refused(InvalidRecord));
    cases.add("eleven bytes", good()[..11].to_vec(), Refused(InvalidRecord));
    cases.add("sixteen bytes", good()[..16].to_vec(), Refused(InvalidRecord));
    cases.add("header only", good()[..61].to_vec(), Refused(InvalidRecord));
    cases.add("last byte missing", good()[..good().len() - 1].to_vec(), Refused(InvalidRecord));
    cases.add("length zero", patched(8, &[0; 4]), Refused(CorruptMessage));
    cases.add("length thirteen", patched(8, &13_i32.to_be_bytes()), Refused(CorruptMessage));
    cases.add("length fourteen", patched(8, &14_i32.to_be_bytes())[..26].to_vec(), Refused(CorruptMessage));
    cases.add(
        "length below header",
        patched(8, &48_i32.to_be_bytes())[..60].to_vec(),
        Refused(CorruptMessage),
    );
    cases.add(
        "length of exactly a header",
        patched(8, &49_i32.to_be_bytes())[..61].to_vec(),
        Refused(CorruptMessage),
    );
    cases.add("length negative", patched(8, &(-1_i32).to_be_bytes()), Refused(CorruptMessage));
    cases.add("length greatest", patched(8, &i32::MAX.to_be_bytes()), Stricter(InvalidRecord));
    cases.add("magic zero", patched(16, &[0]), Refused(InvalidRecord));
    cases.add("magic one", patched(16, &[1]), Refused(InvalidRecord));
    cases.add("magic three", patched(16, &[3]), Refused(CorruptMessage));
    cases.add("magic negative", patched(16, &[0xff]), Refused(CorruptMessage));
    cases.add("two batches", [good(), good()].concat(), Refused(InvalidRecord));
    cases.add("second batch torn", [good(), good()[..70].to_vec()].concat(), Accepted);
    cases.add(
        "second batch with bad length",
        [good(), patched(8, &[0; 4])].concat(),
        Refused(CorruptMessage),
    );
    cases.add("second batch of magic nine", [good(), patched(16, &[9])].concat(), Refused(CorruptMessage));
    cases.add("a few bytes behind", [good(), vec![0; 11]].concat(), Accepted);
}

fn headers(cases: &mut Cases) {
    cases.add("crc flipped", patched(17, &[0, 1, 2, 3]), Refused(CorruptMessage));
    cases.add("record byte flipped", patched(70, &[0xee]), Refused(CorruptMessage));
    cases.add("base offset one", patched(7, &[1]), Refused(InvalidRecord));
    cases.add(
        "base offset negative and crc wrong",
        [&[0xff_u8; 8], &patched(17, &[9; 4])[8..]].concat(),
        Refused(InvalidRecord),
    );
    cases.add("leader epoch set", patched(12, &[0, 0, 0, 9]), Accepted);
    cases.add("count zero", with(|h| h.records_count = 0), Refused(InvalidRecord));
    cases.add("count negative", with(|h| h.records_count = -3), Refused(InvalidRecord));
    cases.add("count too low", with(|h| h.records_count = 2), Refused(InvalidRecord));
    cases.add("count too high", with(|h| h.records_count = 4), Refused(InvalidRecord));
    cases.add("delta negative", with(|h| h.last_offset_delta = -1), Refused(InvalidRecord));
    cases.add("delta greatest", with(|h| h.last_offset_delta = i32::MAX), Refused(InvalidRecord));
    let count = |count: i32| {
        with(|h| {
            h.records_count = count;
            h.last_offset_delta = count - 1;
        })
    };
    cases.add("one record fewer than there", count(2), Refused(InvalidRecord));
    cases.add("one record more than there", count(4), Refused(InvalidRecord));
    cases.add("greatest count", count(i32::MAX), Refused(InvalidRecord));
    cases.add("control", with(|h| h.attributes = Attributes(0x20)), Refused(InvalidRecord));
    cases.add("control in a transaction", with(|h| h.attributes = Attributes(0x30)), Refused(InvalidRecord));
    cases.add("transactional without id", with(|h| h.attributes = Attributes(0x10)), Accepted);
    cases.add("delete horizon from a client", with(|h| h.attributes = Attributes(0x40)), Accepted);
    cases.add("undefined attribute bits", with(|h| h.attributes = Attributes(0x0080)), Accepted);
    for codec in 5..8 {
        cases.add(
            &format!("codec {codec}"),
            with(|h| h.attributes = Attributes(codec)),
            Refused(UnknownServerError),
        );
    }
    let producer = |id, epoch, sequence| {
        with(|h| {
            h.producer_id = ProducerId(id);
            h.producer_epoch = epoch;
            h.base_sequence = sequence;
        })
    };
    cases.add("producer", producer(7, 0, 0), Accepted);
    cases.add("producer without sequence", producer(7, 0, -1), Refused(InvalidRecord));
    cases.add("producer with least sequence", producer(7, 0, i32::MIN), Refused(InvalidRecord));
    cases.add("producer without epoch", producer(7, -1, 0), Accepted);
    cases.add("sequence without producer", producer(-1, -1, 5), Accepted);
    cases.add("max timestamp wrong", with(|h| h.max_timestamp = 5), Accepted);
    cases.add("max timestamp from the future", with(|h| h.max_timestamp = i64::MAX), Accepted);
}

fn bodies(cases: &mut Cases) {
    let body = |body: &[u8]| sealed(header(1), body);
    cases.add("no records at all", body(&[]), Refused(InvalidRecord));
    cases.add("record length negative", body(&[1]), Refused(InvalidRecord));
    cases.add("record length zero", body(&[0]), Refused(InvalidRecord));
    cases.add("record length beyond", body(&[100, 0]), Refused(InvalidRecord));
    cases.add("record length endless", body(&[0xff; 11]), Stricter(InvalidRecord));
    cases.add("record length greatest", body(&[0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0]), Refused(InvalidRecord));
    cases.add(
        "byte behind the last record",
        [&records(&[rec(0)])[..], &[0]].concat().pipe(|b| body(&b)),
        Refused(InvalidRecord),
    );
    cases.add("record attributes set", one(|r| r.attributes = 0x7f), Accepted);
    cases.add("headers negative", one(|r| r.tail = vec![1]), Refused(InvalidRecord));
    cases.add("headers missing", one(|r| r.tail = vec![4, 2, b'a', 1]), Refused(InvalidRecord));
    cases.add("headers many", one(|r| r.tail = vec![0xfe, 0xff, 0xff, 0xff, 0x0f]), Refused(InvalidRecord));
    cases.add("header key null", one(|r| r.tail = vec![2, 1, 1]), Refused(InvalidRecord));
    cases.add("header value null", one(|r| r.tail = vec![2, 2, b'a', 1]), Accepted);
    cases.add("header value beyond", one(|r| r.tail = vec![2, 2, b'a', 90]), Refused(InvalidRecord));
    cases.add("header count missing", one(|r| r.tail = vec![]), Refused(InvalidRecord));
    cases.add("byte behind the headers", one(|r| r.tail = vec![0, 0]), Refused(InvalidRecord));
    cases.add("key and value null", one(|r| (r.key, r.value) = (None, None)), Accepted);
    let key = |length: u8| body(&[14, 0, 0, 0, length, 0, 0, 0]);
    cases.add("key beyond the record", key(80), Refused(InvalidRecord));
    cases.add("key length minus two", body(&[12, 0, 0, 0, 3, 1, 0]), Accepted);
    cases.add("value beyond the record", body(&[12, 0, 0, 0, 1, 80, 0]), Refused(InvalidRecord));
}

fn offsets(cases: &mut Cases) {
    let orders = [
        ("deltas repeat", [0, 0, 2]),
        ("deltas with a gap", [0, 1, 9]),
        ("deltas backwards", [2, 1, 0]),
        ("deltas from one", [1, 2, 3]),
        ("deltas negative", [-3, -2, -1]),
    ];
    for (name, deltas) in orders {
        let body = records(&deltas.map(rec));
        for codec in CompressionType::ALL {
            cases.add(&format!("{codec} {name}"), packed(codec, header(3), &body), Stricter(InvalidRecord));
        }
    }
}

fn timestamps(cases: &mut Cases) {
    let at = |deltas: [i64; 3]| {
        let list: Vec<Rec> =
            (0..).zip(deltas).map(|(at, delta)| Rec { timestamp_delta: delta, ..rec(at) }).collect();
        sealed(header(3), &records(&list))
    };
    let hour = 3_600_000;
    cases.add("an hour ahead", at([0, hour, 0]), Accepted);
    cases.add("more than an hour ahead", at([0, hour + 1, 0]), Listed(InvalidTimestamp, &[1]));
    cases.add("two of three too far ahead", at([hour + 1, 0, hour * 2]), Listed(InvalidTimestamp, &[0, 2]));
    cases.add("no timestamp", at([-NOW - 1, 0, 0]), Accepted);
    cases.add("before 1970", at([-NOW - 2, 0, 0]), Accepted);
    let rules = Validation { timestamp_before_max_ms: 1000, ..Validation::default() };
    cases.under(rules, "a second behind", at([-1000, 0, 0]), Accepted);
    cases.under(rules, "more than a second behind", at([-1001, 0, -5000]), Listed(InvalidTimestamp, &[0, 2]));
    cases.under(rules, "no timestamp under a lower bound", at([-NOW - 1, 0, 0]), Accepted);
    let append = Validation { timestamp_type: TimestampType::LogAppendTime, ..Validation::default() };
    cases.under(append, "append time takes any", at([0, hour * 9, -NOW]), Accepted);
    let claims = with(|h| h.attributes = Attributes(8));
    cases.under(append, "append time claimed", claims.clone(), Listed(InvalidTimestamp, &[0, 1, 2]));
    cases.add("append time claimed where created", claims, Accepted);
    let claims_none = with(|h| (h.attributes, h.max_timestamp) = (Attributes(8), -1));
    cases.add("append time claimed without time", claims_none, Listed(InvalidTimestamp, &[0, 1, 2]));
    let far = with(|h| h.base_timestamp = i64::MIN);
    cases.add("least base timestamp", far, Listed(InvalidTimestamp, &[0, 1, 2]));
    for codec in CompressionType::ALL.into_iter().skip(1) {
        let plain = at([0, hour + 1, 0]);
        let batch = packed(codec, header(3), &plain[HEADER_SIZE..]);
        cases.add(&format!("{codec} ahead"), batch, Listed(InvalidTimestamp, &[1]));
    }
}

fn keys(cases: &mut Cases) {
    let rules = Validation { compacted: true, ..Validation::default() };
    let keyless = Rec { key: None, ..rec(1) };
    let late = Rec { timestamp_delta: 9_000_000, ..rec(2) };
    let batch = |list: &[Rec]| sealed(header(list.len() as i32), &records(list));
    cases.under(rules, "compacted with keys", good(), Accepted);
    cases.under(
        rules,
        "compacted without a key",
        batch(&[rec(0), keyless.clone()]),
        Listed(InvalidRecord, &[1]),
    );
    cases.under(rules, "compacted with an empty key", one(|r| r.key = Some(b"")), Accepted);
    cases.under(
        rules,
        "key and timestamp",
        batch(&[rec(0), keyless.clone(), late]),
        Listed(InvalidTimestamp, &[1, 2]),
    );
    let both = Rec { timestamp_delta: 9_000_000, ..keyless.clone() };
    cases.under(rules, "key before timestamp", batch(&[rec(0), both]), Listed(InvalidRecord, &[1]));
    let broken = Rec { tail: vec![1], ..rec(2) };
    cases.under(
        rules,
        "broken record after a keyless one",
        batch(&[rec(0), keyless.clone(), broken]),
        Refused(InvalidRecord),
    );
    let lz4 = packed(CompressionType::Lz4, header(2), &records(&[rec(0), keyless]));
    cases.under(rules, "lz4 compacted without a key", lz4, Listed(InvalidRecord, &[1]));
}

fn sizes(cases: &mut Cases) {
    let limit = |bytes| Validation { max_message_bytes: bytes, ..Validation::default() };
    let size = good().len();
    cases.under(limit(size), "as large as allowed", good(), Accepted);
    cases.under(limit(size - 1), "a byte too large", good(), Refused(MessageTooLarge));
    cases.under(limit(size - 1), "too large and corrupt", patched(17, &[0; 4]), Refused(MessageTooLarge));
    cases.under(limit(size - 1), "too large and base offset", patched(7, &[1]), Refused(InvalidRecord));
    let body = records(&[Rec { value: Some(&[b'x'; 4000]), ..rec(0) }]);
    let small = packed(CompressionType::Lz4, header(1), &body);
    let rules = Validation { compression: Some(Compression::None), ..limit(1000) };
    cases.under(rules, "too large once decompressed for the topic", small, Refused(MessageTooLarge));
}

fn codecs(cases: &mut Cases) {
    let body = three();
    for codec in CompressionType::ALL.into_iter().skip(1) {
        let whole = packed(codec, header(3), &body);
        let attributes = Attributes(0).with_compression(codec);
        let inner = &whole[HEADER_SIZE..];
        let raw = |bytes: &[u8]| sealed(BatchHeader { attributes, ..header(3) }, bytes);
        let nothing =
            Refused(if codec == CompressionType::Zstd { InvalidRecord } else { UnknownServerError });
        cases.add(&format!("{codec}"), whole.clone(), Accepted);
        cases.add(&format!("{codec} of nothing"), raw(&[]), nothing);
        cases.add(&format!("{codec} uncompressed inside"), raw(&body), Refused(UnknownServerError));
        cases.add(
            &format!("{codec} cut in the middle"),
            raw(&inner[..inner.len() / 2]),
            Refused(UnknownServerError),
        );
        cases.add(
            &format!("{codec} one record short"),
            packed(codec, header(3), &records(&[rec(0), rec(1)])),
            Refused(InvalidRecord),
        );
        let four = records(&[rec(0), rec(1), rec(2), rec(3)]);
        cases.add(
            &format!("{codec} one record over"),
            packed(codec, header(3), &four),
            Refused(InvalidRecord),
        );
        let control = BatchHeader { attributes: attributes.with_control(true), ..header(3) };
        cases.add(&format!("{codec} control"), sealed(control, inner), Refused(InvalidRecord));
        let nested = records(&[Rec { tail: vec![1], ..rec(0) }]);
        cases.add(
            &format!("{codec} headers negative"),
            packed(codec, header(1), &nested),
            Refused(InvalidRecord),
        );
        let loose = records(&[Rec { tail: vec![0, 0, 0], ..rec(0) }]);
        cases.add(
            &format!("{codec} bytes behind the headers"),
            packed(codec, header(1), &loose),
            Refused(InvalidRecord),
        );
        for target in CompressionType::ALL {
            let rules = Validation { compression: Some(Compression::of(target)), ..Validation::default() };
            cases.under(rules, &format!("{codec} to {target}"), whole.clone(), Accepted);
        }
    }
    let rules =
        Validation { compression: Some(Compression::of(CompressionType::Zstd)), ..Validation::default() };
    cases.under(rules, "none to zstd", good(), Accepted);
    let old = Validation { zstd_allowed: false, ..Validation::default() };
    cases.under(
        old,
        "zstd too early",
        packed(CompressionType::Zstd, header(3), &body),
        Refused(UnsupportedCompressionType),
    );
    cases.under(old, "lz4 is never too early", packed(CompressionType::Lz4, header(3), &body), Accepted);
}

/// Not Kafka's: it has no limit on what comes out of a codec.
fn bombs(cases: &mut Cases) {
    let body = records(&[Rec { value: Some(&[0; 3_000_000]), ..rec(0) }]);
    let rules = Validation { decompressed_bytes_max: 1_000_000, ..Validation::default() };
    for codec in CompressionType::ALL.into_iter().skip(1) {
        cases.under(
            rules,
            &format!("{codec} bomb"),
            packed(codec, header(1), &body),
            Stricter(MessageTooLarge),
        );
    }
}

trait Pipe: Sized {
    fn pipe<T>(self, f: impl FnOnce(Self) -> T) -> T {
        f(self)
    }
}
impl Pipe for Vec<u8> {}

fn all() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    for part in [framing, headers, bodies, offsets, timestamps, keys, sizes, codecs, bombs] {
        part(&mut cases);
    }
    cases.0
}

/// A fold over all that a consumer would see, as the comparison with Java computes it.
fn digest(batch: &Batch<'_>) -> i64 {
    let bytes = |field: Option<&[u8]>| {
        field.map_or(7, |bytes| {
            bytes.iter().fold(11_i64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte as i8).into()))
        })
    };
    let plain = batch.decompress(1 << 24).unwrap();
    batch.records(&plain).fold(1_125_899_906_842_597, |sum: i64, record| {
        let record = record.unwrap();
        [
            record.offset.0,
            record.timestamp,
            bytes(record.key),
            bytes(record.value),
            record.headers.len() as i64,
        ]
        .into_iter()
        .fold(sum, |sum, part| sum.wrapping_mul(31).wrapping_add(part))
    })
}

fn outcome(case: &Case) -> String {
    let mut line = case.name.clone();
    match ValidBatches::check(&Bytes::from(case.bytes.clone()), &case.rules, NOW) {
        Ok(valid) => {
            let bytes = valid.to_bytes();
            let batch = Batch::parse(&bytes).unwrap();
            batch.check_crc().unwrap();
            assert_eq!(batch.bytes.len(), bytes.len());
            let h = batch.header;
            let kind = i32::from(h.attributes.timestamp_type() == TimestampType::LogAppendTime);
            let (base, last, codec) = (h.base_offset, h.last_offset(), h.attributes.compression_id());
            let producer = format!("{}/{}/{}", h.producer_id, h.producer_epoch, h.base_sequence);
            let transactional = h.attributes.is_transactional();
            let (count, max, digest) = (h.records_count, h.max_timestamp, digest(&batch));
            write!(
                line,
                " OK {base}/{last}/{count}/{max}/{kind}/{codec}/{producer}/{transactional}/{digest}"
            )
            .unwrap();
        }
        Err(error) => {
            let name = match error.kind() {
                InvalidRecord => "INVALID_RECORD",
                InvalidTimestamp => "INVALID_TIMESTAMP",
                CorruptMessage => "CORRUPT_MESSAGE",
                MessageTooLarge => "MESSAGE_TOO_LARGE",
                UnsupportedCompressionType => "UNSUPPORTED_COMPRESSION_TYPE",
                UnknownServerError => "UNKNOWN_SERVER_ERROR",
            };
            write!(line, " {name}").unwrap();
            for record in error.record_errors() {
                write!(line, " {}", record.batch_index).unwrap();
            }
            assert!(!error.to_string().is_empty());
        }
    }
    line
}

#[test]
fn each_gets_the_error_of_kafka() {
    let mut wrong = Vec::new();
    for case in all() {
        let result = ValidBatches::check(&Bytes::from(case.bytes.clone()), &case.rules, NOW);
        let right = match (&case.expect, &result) {
            (Accepted, Ok(_)) => true,
            (Refused(kind) | Stricter(kind), Err(error)) => {
                error.kind() == *kind && error.record_errors().is_empty()
            }
            (Listed(kind, indexes), Err(error)) => {
                let listed = error.record_errors().iter().map(|record| record.batch_index);
                error.kind() == *kind && listed.eq(indexes.iter().copied())
            }
            _ => false,
        };
        if !right {
            wrong.push(format!("{}: {result:?}", case.name));
        }
        outcome(&case);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_given_once() {
    let mut names: Vec<String> = all().into_iter().map(|case| case.name).collect();
    names.sort();
    let before = names.len();
    names.dedup();
    assert_eq!(before, names.len());
    assert!(before >= 100, "{before} cases");
}

#[test]
fn header_only_checks_no_record_but_all_else() {
    let rules = Validation { mode: records::Mode::HeaderOnly, ..Validation::default() };
    let broken = sealed(header(1), &[1, 2, 3]);
    assert!(ValidBatches::check(&Bytes::from(broken), &rules, NOW).is_ok());
    for name in
        ["crc-flipped", "control", "two-batches", "count-too-low", "codec-5", "producer-without-sequence"]
    {
        let case = all().into_iter().find(|case| case.name == name).unwrap();
        assert!(ValidBatches::check(&Bytes::from(case.bytes), &rules, NOW).is_err(), "{name}");
    }
}

#[test]
fn dump_for_a_comparison_with_kafka() {
    let Ok(path) = std::env::var("DUMP_BAD_BATCHES") else { return };
    let (mut cases, mut outcomes) = (String::new(), String::new());
    for case in all() {
        let rules = &case.rules;
        let codec = rules.compression.map_or(-1, |target| i32::from(target.codec().id()));
        let kind = i32::from(rules.timestamp_type == TimestampType::LogAppendTime);
        let bounds = format!("{} {}", rules.timestamp_before_max_ms, rules.timestamp_after_max_ms);
        let version = if rules.zstd_allowed { 9 } else { 6 };
        let compacted = i32::from(rules.compacted);
        let size = rules.max_message_bytes;
        let hex: String = case.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(cases, "{} {codec} {compacted} {kind} {bounds} {size} {version} {NOW} {hex}", case.name)
            .unwrap();
        writeln!(outcomes, "{}", outcome(&case)).unwrap();
    }
    std::fs::write(&path, cases).unwrap();
    std::fs::write(format!("{path}.outcomes"), outcomes).unwrap();
}
