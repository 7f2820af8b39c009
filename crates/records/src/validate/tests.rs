//! What is built is valid; codecs and timestamps of the topic are applied. The refusals are in `tests/bad_batches`.

use base::{LeaderEpoch, Offset};
use bytes::Bytes;

use super::*;
use crate::{Batch, BatchBuilder, BatchOptions, CompressionType, NewRecord};

const NOW: i64 = 1_700_000_000_000;

fn batch(compression: Compression, records: usize) -> ValidBatch {
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
    for index in 0..records {
        let key = format!("key-{index}");
        let value = vec![b'v'; index % 300];
        let record = NewRecord {
            timestamp: NOW - index as i64,
            key: Some(key.as_bytes()),
            value: Some(&value),
            headers: &[],
        };
        builder.append(record).unwrap();
    }
    builder.build()
}

#[test]
fn what_the_builder_builds_is_valid() {
    for codec in CompressionType::ALL {
        for records in [1, 2, 1000] {
            let bytes = batch(Compression::of(codec), records).to_bytes();
            let mut valid = ValidBatches::check(&bytes, &Validation::default(), NOW).unwrap();
            assert_eq!(valid.to_bytes(), bytes, "{codec}");
            assert_eq!(valid.assign(Offset(100), LeaderEpoch(4)), Offset(100 + records as i64));
            let stored = valid.to_bytes();
            let stored = Batch::parse(&stored).unwrap();
            stored.check_crc().unwrap();
            let plain = stored.decompress(1 << 20).unwrap();
            assert_eq!(stored.records(&plain).map(Result::unwrap).count(), records);
        }
    }
}

#[test]
fn another_codec_of_the_topic_is_applied() {
    for source in CompressionType::ALL {
        for target in CompressionType::ALL {
            let bytes = batch(Compression::of(source), 500).to_bytes();
            let rules = Validation { compression: Some(Compression::of(target)), ..Validation::default() };
            let valid = ValidBatches::check(&bytes, &rules, NOW).unwrap().to_bytes();
            let stored = Batch::parse(&valid).unwrap();
            stored.check_crc().unwrap();
            assert_eq!(stored.header.attributes.compression(), Some(target));
            let original = Batch::parse(&bytes).unwrap();
            assert_eq!(stored.decompress(1 << 20).unwrap(), original.decompress(1 << 20).unwrap());
        }
    }
}

#[test]
fn append_time_is_stamped_and_sealed() {
    let bytes = batch(Compression::None, 3).to_bytes();
    let rules = Validation { timestamp_type: TimestampType::LogAppendTime, ..Validation::default() };
    let valid = ValidBatches::check(&bytes, &rules, NOW + 5).unwrap().to_bytes();
    let stored = Batch::parse(&valid).unwrap();
    stored.check_crc().unwrap();
    assert!(stored.records(stored.body()).all(|record| record.unwrap().timestamp == NOW + 5));
}

#[test]
fn no_bytes_are_no_batch() {
    assert_eq!(ValidBatches::check(&Bytes::new(), &Validation::default(), NOW), Err(Rejected::NoBatch));
}
