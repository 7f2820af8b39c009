//! Batches that a producer should not send, by name, with the error that Kafka 4.3.1 answers.
//!
//! The expectations were compared with Kafka's own validation (`ProduceRequest.validateRecords`, the checks of `UnifiedLog`,
//! `LogValidator`); `DUMP_BAD_BATCHES=<file>` writes the cases for such a comparison. Where Mekong is stricter, the name says so.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod cases;
mod craft;

use std::fmt::Write;

use bytes::Bytes;
use records::{Batch, Kind, TimestampType, ValidBatches, Validation};

use cases::Expect::{Accepted, Listed, Refused, Stricter};
use cases::{Case, all};
use craft::{NOW, header, sealed};

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
                Kind::InvalidRecord => "INVALID_RECORD",
                Kind::InvalidTimestamp => "INVALID_TIMESTAMP",
                Kind::CorruptMessage => "CORRUPT_MESSAGE",
                Kind::MessageTooLarge => "MESSAGE_TOO_LARGE",
                Kind::UnsupportedCompressionType => "UNSUPPORTED_COMPRESSION_TYPE",
                Kind::UnknownServerError => "UNKNOWN_SERVER_ERROR",
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
