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

/// When tombstones and markers of a batch may go (KIP-534).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Horizon {
    /// The time from which they may, for a batch that carries none yet.
    pub delete_horizon_ms: i64,
    /// Whether the batch gets it even without tombstones: it holds the marker of a transaction of which nothing is left.
    pub for_marker: bool,
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
/// A batch that keeps a tombstone, or a marker as `horizon` says, is rewritten to carry the horizon unless it already carries
/// one. At most `limit` bytes are decompressed.
pub fn rebuild(
    batch: &Batch<'_>,
    horizon: Horizon,
    when_empty: WhenEmpty,
    limit: usize,
    mut retain: impl FnMut(&Record<'_>) -> bool,
) -> Result<Compacted, LookupError> {
    let header = &batch.header;
    let body: Cow<'_, [u8]> = batch.decompress(limit).map_err(LookupError::Decompress)?;
    let kept = choose(batch, &body, &mut retain)?;
    let wants_horizon = (kept.tombstones || horizon.for_marker) && header.delete_horizon_ms().is_none();
    Ok(match (kept.count, when_empty) {
        (0, WhenEmpty::Drop) => Compacted::Dropped,
        (0, WhenEmpty::Keep) if header.records_count == 0 => Compacted::Unchanged,
        (0, WhenEmpty::Keep) => Compacted::Rewritten(empty(header)),
        (count, _) if count == kept.seen && !wants_horizon => Compacted::Unchanged,
        _ => {
            let new_horizon = wants_horizon.then_some(horizon.delete_horizon_ms);
            let options = options(header, header.delete_horizon_ms().or(new_horizon));
            Compacted::Rewritten(write(batch, &body, &kept, options)?)
        }
    })
}

/// Which records stay.
struct Kept {
    seen: usize,
    count: usize,
    tombstones: bool,
    /// One bit per record, in order.
    bits: Vec<u64>,
}

fn choose(
    batch: &Batch<'_>,
    body: &[u8],
    retain: &mut impl FnMut(&Record<'_>) -> bool,
) -> Result<Kept, LookupError> {
    let mut kept = Kept { seen: 0, count: 0, tombstones: false, bits: Vec::new() };
    for record in batch.records(body) {
        let record = record.map_err(LookupError::Malformed)?;
        let retained = retain(&record);
        let bit = kept.seen % 64;
        if bit == 0 {
            kept.bits.push(0);
        }
        if let Some(word) = kept.bits.last_mut() {
            *word |= u64::from(retained) << bit;
        }
        kept.seen += 1;
        kept.count += usize::from(retained);
        kept.tombstones |= retained && record.value.is_none();
    }
    Ok(kept)
}

fn write(
    batch: &Batch<'_>,
    body: &[u8],
    kept: &Kept,
    options: BatchOptions,
) -> Result<ValidBatch, LookupError> {
    let header = &batch.header;
    let mut builder = BatchBuilder::unchecked(options);
    let mut next = header.base_offset;
    for (index, record) in batch.records(body).enumerate() {
        let record = record.map_err(LookupError::Malformed)?;
        if kept.bits.get(index / 64).is_none_or(|word| word >> (index % 64) & 1 == 0) {
            continue;
        }
        let malformed = |what| LookupError::Malformed(Malformed { index: index as i32, what });
        if record.offset < next || record.offset > header.last_offset() {
            return Err(malformed("its offset is out of order"));
        }
        next = record.offset.plus(1);
        builder.append_record(record.offset, &record).map_err(|_| malformed("the batch grows too large"))?;
    }
    Ok(builder.build_spanning(header.last_offset_delta))
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
