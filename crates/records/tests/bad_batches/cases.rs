//! The cases, by what is wrong.

use base::ProducerId;
use records::{
    Attributes, BatchHeader, Compression, CompressionType, HEADER_SIZE, Kind, TimestampType, Validation,
};

use crate::craft::{NOW, Pipe, Rec, good, header, one, packed, patched, rec, records, sealed, three, with};

pub enum Expect {
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

pub struct Case {
    pub name: String,
    pub rules: Validation,
    pub bytes: Vec<u8>,
    pub expect: Expect,
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

/// All cases.
pub fn all() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    for part in [framing, headers, bodies, offsets, timestamps, keys, sizes, codecs, bombs] {
        part(&mut cases);
    }
    cases.0
}
