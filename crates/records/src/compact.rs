//! A batch with some of its records removed, as the cleaner wants it.
//!
//! Offsets never change: base offset, last offset delta, producer fields and leader epoch are those of the original, so that a
//! reader sees gaps and the producer's state can still be read off the log. A batch of which nothing is left may be kept as an
//! empty one for the same reason.

use std::borrow::Cow;

use crate::lookup::LookupError;
use crate::{
    Attributes, Batch, BatchBuilder, BatchHeader, BatchOptions, Compression, Malformed, NO_TIMESTAMP,
    ProducerFields, Record, TimestampType, ValidBatch,
};

/// What becomes of a batch of which no record is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhenEmpty {
    /// It goes.
    Drop,
    /// Its header stays: it is the last batch of a live producer, or the last of a run that the log must not lose.
    Keep,
}

/// A batch after compaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Compacted {
    /// All records stay and nothing about the batch changes: its own bytes do.
    Unchanged,
    /// Written anew.
    Rewritten(ValidBatch),
    /// Nothing stays.
    Dropped,
}

/// Keeps those records of `batch` for which `retain` says so.
///
/// With `delete_horizon_ms`, the batch is rewritten to carry that time (KIP-534) unless it already carries one. At most `limit`
/// bytes are decompressed.
pub fn rebuild(
    batch: &Batch<'_>,
    delete_horizon_ms: Option<i64>,
    when_empty: WhenEmpty,
    limit: usize,
    mut retain: impl FnMut(&Record<'_>) -> bool,
) -> Result<Compacted, LookupError> {
    let header = &batch.header;
    let body: Cow<'_, [u8]> = batch.decompress(limit).map_err(LookupError::Decompress)?;
    let new_horizon = delete_horizon_ms.filter(|_| header.delete_horizon_ms().is_none());
    let horizon = header.delete_horizon_ms().or(new_horizon);
    let mut builder = BatchBuilder::unchecked(options(header, horizon));
    let mut all = true;
    let mut next = header.base_offset;
    for record in batch.records(&body) {
        let record = record.map_err(LookupError::Malformed)?;
        if record.offset < next || record.offset > header.last_offset() {
            return Err(LookupError::Malformed(Malformed { index: 0, what: "its offset is out of order" }));
        }
        next = record.offset.plus(1);
        if retain(&record) {
            builder.append_record(record.offset, &record).map_err(|_| too_large(limit))?;
        } else {
            all = false;
        }
    }
    Ok(match (builder.is_empty(), when_empty) {
        (true, WhenEmpty::Drop) => Compacted::Dropped,
        (true, WhenEmpty::Keep) if header.records_count == 0 => Compacted::Unchanged,
        (true, WhenEmpty::Keep) => Compacted::Rewritten(empty(header)),
        (false, _) if all && new_horizon.is_none() => Compacted::Unchanged,
        (false, _) => Compacted::Rewritten(builder.build_spanning(header.last_offset_delta)),
    })
}

/// `header`'s batch without records: no compression, base timestamp -1, the max timestamp kept, no delete horizon.
pub fn empty(header: &BatchHeader) -> ValidBatch {
    let attributes = Attributes::default()
        .with_timestamp_type(header.attributes.timestamp_type())
        .with_transactional(header.attributes.is_transactional())
        .with_control(header.attributes.is_control());
    let header = BatchHeader { attributes, base_timestamp: NO_TIMESTAMP, records_count: 0, ..*header };
    ValidBatch::seal(header, bytes::Bytes::new())
}

fn options(header: &BatchHeader, delete_horizon_ms: Option<i64>) -> BatchOptions {
    let attributes = header.attributes;
    let append_time = attributes.timestamp_type() == TimestampType::LogAppendTime;
    BatchOptions {
        base_offset: header.base_offset,
        leader_epoch: header.partition_leader_epoch,
        compression: Compression::of(attributes.compression().unwrap_or_default()),
        log_append_time: append_time.then_some(header.max_timestamp),
        producer: ProducerFields {
            id: header.producer_id,
            epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
        },
        transactional: attributes.is_transactional(),
        control: attributes.is_control(),
        delete_horizon_ms,
    }
}

fn too_large(limit: usize) -> LookupError {
    LookupError::Decompress(crate::DecompressError::TooLarge { limit })
}
