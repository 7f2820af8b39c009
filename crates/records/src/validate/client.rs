//! A producer's batch, checked in the order in which Kafka checks it.

use core::ops::ControlFlow;

use base::Offset;
use bytes::Bytes;

use super::error::RecordErrors;
use super::{Mode, RecordFault, Rejected, ValidBatch, ValidBatches, Validation};
use crate::compression::Stream;
use crate::header::CRC_COVERS_FROM;
use crate::walk::{Shape, WalkError, walk};
use crate::{
    BatchHeader, Compression, CompressionType, CrcMismatch, HEADER_SIZE, LOG_OVERHEAD, MAGIC, NO_TIMESTAMP,
    TimestampType, compress, decompress,
};

/// The smallest length field of any format, as Kafka's reader knows it.
const LENGTH_FLOOR: i32 = 14;
/// Bytes up to and including the magic.
const SIZE_UP_TO_MAGIC: usize = 17;

impl ValidBatches {
    /// Checks what a producer sent for one partition, at `now_ms` of the broker's clock, against what the topic asks.
    ///
    /// The batch comes back with the timestamp type and codec that the topic wants, its max timestamp corrected, and offsets
    /// that count from 0. Bytes behind the batch that are no whole batch are dropped, as Kafka does.
    pub fn check(payload: &Bytes, rules: &Validation, now_ms: i64) -> Result<Self, Rejected> {
        let (bytes, rest) = split_first(payload)?;
        let header = only_batch(&bytes, &rest, rules)?;
        check_bytes(&bytes, &header, rules)?;
        let codec = check_header(&header)?;
        let body = bytes.slice(HEADER_SIZE..);
        let target = rules.compression.filter(|target| target.codec() != codec);
        let batch = match (target, rules.mode) {
            (None, Mode::HeaderOnly) => {
                stamped(ValidBatch::trusted(header, body), header.max_timestamp, rules, now_ms)
            }
            (None, Mode::Strict) => in_place(header, codec, body, rules, now_ms)?,
            (Some(target), _) => recompressed(header, codec, &body, target, rules, now_ms)?,
        };
        within_limit(batch.size(), rules)?;
        Ok(batch.into())
    }
}

/// The first batch's bytes, and what follows it.
fn split_first(payload: &Bytes) -> Result<(Bytes, Bytes), Rejected> {
    let size = first_size(payload)?.ok_or(Rejected::NoBatch)?;
    Ok((payload.slice(..size), payload.slice(size..)))
}

/// How long the batch at the front of `bytes` is; `None` when no whole one is there.
fn first_size(bytes: &[u8]) -> Result<Option<usize>, Rejected> {
    let Some(length) = bytes.get(8..LOG_OVERHEAD).and_then(|field| field.first_chunk()) else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*length);
    if length < LENGTH_FLOOR {
        return Err(Rejected::LengthBelowMinimum { length });
    }
    let Some(magic) = bytes.get(SIZE_UP_TO_MAGIC - 1).map(|byte| *byte as i8) else { return Ok(None) };
    if !(0..=MAGIC).contains(&magic) {
        return Err(Rejected::UnknownMagic { magic });
    }
    let size = LOG_OVERHEAD + usize::try_from(length).unwrap_or_default();
    Ok((size <= bytes.len()).then_some(size))
}

/// What Kafka's request handler checks before the log sees the batch.
fn only_batch(bytes: &[u8], rest: &[u8], rules: &Validation) -> Result<BatchHeader, Rejected> {
    let magic = bytes.get(SIZE_UP_TO_MAGIC - 1).map_or(MAGIC, |byte| *byte as i8);
    if magic != MAGIC {
        return Err(Rejected::OldMagic { magic });
    }
    // A batch shorter than its header is refused later; its fields read as zero until then.
    let header = BatchHeader::parse(bytes).or_else(|| BatchHeader::parse(&padded(bytes)));
    let header = header.ok_or(Rejected::SmallerThanHeader { size: bytes.len() })?;
    if !rules.zstd_allowed && header.attributes.compression() == Some(CompressionType::Zstd) {
        return Err(Rejected::ZstdTooEarly);
    }
    if first_size(rest)?.is_some() {
        return Err(Rejected::SeveralBatches);
    }
    Ok(header)
}

fn padded(bytes: &[u8]) -> [u8; HEADER_SIZE] {
    let mut header = [0; HEADER_SIZE];
    header.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    header
}

/// What Kafka's log checks before the validator sees the batch.
fn check_bytes(bytes: &[u8], header: &BatchHeader, rules: &Validation) -> Result<(), Rejected> {
    if header.base_offset != Offset(0) {
        return Err(Rejected::BaseOffsetNotZero { base_offset: header.base_offset.0 });
    }
    within_limit(bytes.len(), rules)?;
    if bytes.len() < HEADER_SIZE {
        return Err(Rejected::SmallerThanHeader { size: bytes.len() });
    }
    let computed = crc_fast::crc32_iscsi(bytes.get(CRC_COVERS_FROM..).unwrap_or_default());
    if computed != header.crc {
        return Err(Rejected::Crc(CrcMismatch { stored: header.crc, computed }));
    }
    Ok(())
}

fn within_limit(size: usize, rules: &Validation) -> Result<(), Rejected> {
    let limit = rules.max_message_bytes;
    if size > limit { Err(Rejected::TooLarge { size, limit }) } else { Ok(()) }
}

/// What the validator reads off the header.
fn check_header(header: &BatchHeader) -> Result<CompressionType, Rejected> {
    let id = header.attributes.compression_id();
    let codec = CompressionType::from_id(id).ok_or(Rejected::UnknownCompression { id })?;
    let (last_offset_delta, count) = (header.last_offset_delta, header.records_count);
    if last_offset_delta < 0 {
        return Err(Rejected::OffsetRange { last_offset_delta });
    }
    if count <= 0 {
        return Err(Rejected::Count { count });
    }
    if i64::from(last_offset_delta) + 1 != i64::from(count) {
        return Err(Rejected::CountIsNotRange { last_offset_delta, count });
    }
    if header.attributes.is_control() {
        return Err(Rejected::Control);
    }
    if header.has_producer_id() && header.base_sequence < 0 {
        return Err(Rejected::Sequence {
            base_sequence: header.base_sequence,
            producer_id: header.producer_id.0,
        });
    }
    Ok(codec)
}

/// The same bytes again, once their records are seen to be right.
fn in_place(
    header: BatchHeader,
    codec: CompressionType,
    body: Bytes,
    rules: &Validation,
    now_ms: i64,
) -> Result<ValidBatch, Rejected> {
    let max_timestamp = inspect(&header, codec, &body, rules, now_ms)?;
    Ok(stamped(ValidBatch::trusted(header, body), max_timestamp, rules, now_ms))
}

/// The records under another codec.
fn recompressed(
    header: BatchHeader,
    codec: CompressionType,
    body: &[u8],
    target: Compression,
    rules: &Validation,
    now_ms: i64,
) -> Result<ValidBatch, Rejected> {
    let plain = decompress(codec, body, rules.decompressed_bytes_max).map_err(Rejected::Decompress)?;
    let max_timestamp = inspect(&header, CompressionType::None, &plain, rules, now_ms)?;
    let mut packed = Vec::with_capacity(plain.len() / 2);
    compress(target, &plain, &mut packed);
    let attributes = header.attributes.with_compression(target.codec());
    let batch = ValidBatch::seal(BatchHeader { attributes, ..header }, Bytes::from(packed));
    Ok(stamped(batch, max_timestamp, rules, now_ms))
}

/// Timestamp type and max timestamp as the topic has them.
fn stamped(mut batch: ValidBatch, max_timestamp: i64, rules: &Validation, now_ms: i64) -> ValidBatch {
    match rules.timestamp_type {
        TimestampType::CreateTime => batch.stamp(TimestampType::CreateTime, max_timestamp),
        TimestampType::LogAppendTime => batch.stamp(TimestampType::LogAppendTime, now_ms),
    }
    batch
}

/// Looks at every record; returns the greatest timestamp.
fn inspect(
    header: &BatchHeader,
    codec: CompressionType,
    body: &[u8],
    rules: &Validation,
    now_ms: i64,
) -> Result<i64, Rejected> {
    let mut stream = Stream::new(codec, body, rules.decompressed_bytes_max).map_err(Rejected::Decompress)?;
    let bounds = Bounds::new(header, rules, now_ms);
    let mut max_timestamp = NO_TIMESTAMP;
    let mut errors = RecordErrors::default();
    let mut displaced = None;
    walk(header, &mut stream, |index, shape| {
        let timestamp = header.timestamp_of(shape.timestamp_delta);
        max_timestamp = max_timestamp.max(timestamp);
        if shape.offset_delta != index && displaced.is_none() {
            displaced = Some(Rejected::OffsetDelta { index, offset_delta: shape.offset_delta });
        }
        if let Some(fault) = bounds.fault(shape, timestamp) {
            errors.push(index, fault);
        }
        ControlFlow::Continue(())
    })
    .map_err(|error| match error {
        WalkError::Decompress(error) => Rejected::Decompress(error),
        WalkError::Malformed(error) => Rejected::Malformed(error),
    })?;
    if errors.total > 0 {
        return Err(Rejected::Records(errors));
    }
    displaced.map_or(Ok(max_timestamp), Err)
}

/// What each record is held against.
struct Bounds {
    needs_key: bool,
    create_time: bool,
    claims_append_time: bool,
    earliest: i64,
    latest: i64,
}

impl Bounds {
    fn new(header: &BatchHeader, rules: &Validation, now_ms: i64) -> Self {
        Self {
            needs_key: rules.compacted,
            create_time: rules.timestamp_type == TimestampType::CreateTime,
            claims_append_time: header.attributes.timestamp_type() == TimestampType::LogAppendTime,
            earliest: now_ms.saturating_sub(rules.timestamp_before_max_ms),
            latest: now_ms.saturating_add(rules.timestamp_after_max_ms),
        }
    }

    #[inline]
    fn fault(&self, shape: Shape, timestamp: i64) -> Option<RecordFault> {
        if self.needs_key && !shape.has_key {
            return Some(RecordFault::NoKey);
        }
        if self.create_time && timestamp != NO_TIMESTAMP {
            let (earliest, latest, offset) = (self.earliest, self.latest, i64::from(shape.offset_delta));
            let outside = timestamp < earliest || timestamp > latest;
            return outside.then_some(RecordFault::TimestampOutOfRange {
                timestamp,
                earliest,
                latest,
                offset,
            });
        }
        self.claims_append_time.then_some(RecordFault::LogAppendTime)
    }
}
