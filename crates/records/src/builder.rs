//! Batches written: by the client's producer, by coordinators, and by compaction.

use core::fmt;

use base::{LeaderEpoch, Offset, ProducerId};
use bytes::Bytes;

use crate::header::LENGTH_MIN;
use crate::{
    Attributes, BatchHeader, Compression, HEADER_SIZE, Header, MAGIC, NO_TIMESTAMP, Record, TimestampType,
    ValidBatch, compress, varint,
};

/// The uncompressed records of one batch stop here, so that its length fits its 32-bit field whatever the codec does.
const BODY_SIZE_MAX: usize = 1 << 30;
/// Compression may do worse than estimated by this factor, as Kafka's producer reckons.
const RATIO_SLACK: f64 = 1.05;

/// A record to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NewRecord<'a> {
    /// Milliseconds since 1970, or [`NO_TIMESTAMP`].
    pub timestamp: i64,
    /// The key; `None` is null.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is null, a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: &'a [Header<'a>],
}

/// Who produces, for idempotence and transactions (KIP-98).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerFields {
    /// The identity; -1 for none.
    pub id: ProducerId,
    /// Its epoch; -1 for none.
    pub epoch: i16,
    /// The first record's sequence number; -1 for none.
    pub base_sequence: i32,
}

impl ProducerFields {
    /// No identity.
    pub const NONE: Self = Self { id: ProducerId(-1), epoch: -1, base_sequence: -1 };
}

/// What a batch is to be, apart from its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchOptions {
    /// The first record's offset; producers say 0.
    pub base_offset: Offset,
    /// The leader's epoch; producers say -1.
    pub leader_epoch: LeaderEpoch,
    /// The codec and its level.
    pub compression: Compression,
    /// With a time, the batch is of type LogAppendTime and all its records have this timestamp.
    pub log_append_time: Option<i64>,
    /// Who produces.
    pub producer: ProducerFields,
    /// Part of a transaction.
    pub transactional: bool,
    /// Holds control records.
    pub control: bool,
    /// When tombstones and markers may go; set by compaction only (KIP-534).
    pub delete_horizon_ms: Option<i64>,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            base_offset: Offset(0),
            leader_epoch: LeaderEpoch(-1),
            compression: Compression::None,
            log_append_time: None,
            producer: ProducerFields::NONE,
            transactional: false,
            control: false,
            delete_horizon_ms: None,
        }
    }
}

/// The batch holds no more records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchFull;

impl fmt::Display for BatchFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch holds at most 1 GiB of records before compression, with offsets within 2^31 of the first")
    }
}

impl core::error::Error for BatchFull {}

/// A batch growing record by record.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    body: Vec<u8>,
    count: i32,
    last_offset_delta: i32,
    base_timestamp: i64,
    max_timestamp: i64,
    estimated_ratio: f64,
}

impl BatchBuilder {
    /// An empty batch.
    ///
    /// # Panics
    /// When `options` contradict themselves: an identity without epoch, or without sequence outside control batches; a
    /// transaction without identity.
    pub fn new(options: BatchOptions) -> Self {
        let producer = options.producer;
        if producer.id.0 >= 0 {
            assert!(producer.epoch >= 0, "a producer id comes with an epoch");
            assert!(
                options.control || producer.base_sequence >= 0,
                "a producer id comes with a sequence number"
            );
        } else {
            assert!(!options.transactional, "a transaction has a producer id");
        }
        Self::unchecked(options)
    }

    /// As [`BatchBuilder::new`], for fields that a batch read from a log brings along, whatever they are.
    pub(crate) fn unchecked(options: BatchOptions) -> Self {
        Self {
            options,
            body: Vec::new(),
            count: 0,
            last_offset_delta: -1,
            base_timestamp: options.delete_horizon_ms.unwrap_or(NO_TIMESTAMP),
            max_timestamp: NO_TIMESTAMP,
            estimated_ratio: 1.0,
        }
    }

    /// Reckons with this ratio of compression, compressed to uncompressed, in [`BatchBuilder::estimated_size`].
    #[must_use]
    pub fn with_estimated_ratio(mut self, ratio: f64) -> Self {
        self.estimated_ratio = ratio;
        self
    }

    /// Appends a record at the next offset, which it returns.
    pub fn append(&mut self, record: NewRecord<'_>) -> Result<Offset, BatchFull> {
        let offset = self.options.base_offset.plus(i64::from(self.last_offset_delta) + 1);
        self.append_at(offset, record)?;
        Ok(offset)
    }

    /// Appends a record at `offset`, beyond the last one.
    ///
    /// # Panics
    /// When `offset` is not beyond the last record's.
    pub fn append_at(&mut self, offset: Offset, record: NewRecord<'_>) -> Result<(), BatchFull> {
        let headers: usize = record.headers.iter().map(header_size).sum();
        let parts = Parts { timestamp: record.timestamp, key: record.key, value: record.value, headers };
        self.write(offset, 0, parts, record.headers.len(), |out| {
            for header in record.headers {
                write_field(out, Some(header.key));
                write_field(out, header.value);
            }
        })
    }

    /// Appends a record of another batch, at its own offset or at `offset`, headers copied as they stand.
    ///
    /// # Panics
    /// As [`BatchBuilder::append_at`].
    pub fn append_record(&mut self, offset: Offset, record: &Record<'_>) -> Result<(), BatchFull> {
        let raw = record.headers.raw();
        let parts =
            Parts { timestamp: record.timestamp, key: record.key, value: record.value, headers: raw.len() };
        self.write(offset, record.attributes, parts, record.headers.len(), |out| out.extend_from_slice(raw))
    }

    fn write(
        &mut self,
        offset: Offset,
        attributes: i8,
        parts: Parts<'_>,
        headers: usize,
        write_headers: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), BatchFull> {
        let delta =
            i32::try_from(offset.0.saturating_sub(self.options.base_offset.0)).map_err(|_| BatchFull)?;
        assert!(delta > self.last_offset_delta, "offsets inside a batch grow");
        if self.count == 0 && self.options.delete_horizon_ms.is_none() {
            self.base_timestamp = parts.timestamp;
        }
        let timestamp_delta = parts.timestamp.wrapping_sub(self.base_timestamp);
        let size = parts.size(timestamp_delta, delta, headers);
        if self.body.len() + size > BODY_SIZE_MAX {
            return Err(BatchFull);
        }
        let out = &mut self.body;
        varint::write(out, size as i64);
        out.push(attributes as u8);
        varint::write(out, timestamp_delta);
        varint::write(out, i64::from(delta));
        write_field(out, parts.key);
        write_field(out, parts.value);
        varint::write(out, headers as i64);
        write_headers(out);
        self.count += 1;
        self.last_offset_delta = delta;
        self.max_timestamp = self.max_timestamp.max(parts.timestamp);
        Ok(())
    }

    /// Records so far.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no record yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the batch if it were written without compression.
    pub fn uncompressed_size(&self) -> usize {
        HEADER_SIZE + self.body.len()
    }

    /// Bytes that the batch will have, by the estimated ratio and Kafka's slack of 5 %; exact without compression.
    pub fn estimated_size(&self) -> usize {
        match self.options.compression {
            Compression::None => self.uncompressed_size(),
            _ => HEADER_SIZE + (self.body.len() as f64 * self.estimated_ratio * RATIO_SLACK) as usize,
        }
    }

    /// Whether `record` still fits into a batch of `limit` bytes, by the estimate; the first record always fits.
    pub fn has_room_for(&self, record: &NewRecord<'_>, limit: usize) -> bool {
        let size = record_size(record, self.base_timestamp, self.last_offset_delta.saturating_add(1));
        self.is_empty() || self.estimated_size().saturating_add(size) <= limit
    }

    /// Names the producer, which a client learns late.
    ///
    /// # Panics
    /// When the identity lacks its epoch or sequence number.
    pub fn set_producer(&mut self, producer: ProducerFields, transactional: bool) {
        assert!(
            producer.id.0 < 0 || (producer.epoch >= 0 && producer.base_sequence >= 0),
            "an identity is whole"
        );
        self.options.producer = producer;
        self.options.transactional = transactional;
    }

    /// The batch. Without records it is an empty one, which only compaction wants.
    pub fn build(self) -> ValidBatch {
        let last_offset_delta = self.last_offset_delta.max(0);
        self.build_spanning(last_offset_delta)
    }

    /// The batch, with a last offset delta beyond its last record's: compaction keeps the range of what it rewrites.
    ///
    /// # Panics
    /// When a record lies beyond `last_offset_delta`.
    pub fn build_spanning(self, last_offset_delta: i32) -> ValidBatch {
        assert!(last_offset_delta >= self.last_offset_delta, "the range covers all records");
        let body = match self.options.compression {
            Compression::None => self.body,
            codec => {
                let mut out = Vec::with_capacity(self.body.len() / 2);
                compress(codec, &self.body, &mut out);
                out
            }
        };
        let options = self.options;
        let kind =
            options.log_append_time.map_or(TimestampType::CreateTime, |_| TimestampType::LogAppendTime);
        let attributes = Attributes::default()
            .with_compression(options.compression.codec())
            .with_timestamp_type(kind)
            .with_transactional(options.transactional)
            .with_control(options.control)
            .with_delete_horizon(options.delete_horizon_ms.is_some());
        let header = BatchHeader {
            base_offset: options.base_offset,
            batch_length: 0,
            partition_leader_epoch: options.leader_epoch,
            magic: MAGIC,
            crc: 0,
            attributes,
            last_offset_delta,
            base_timestamp: self.base_timestamp,
            max_timestamp: options.log_append_time.unwrap_or(self.max_timestamp),
            producer_id: options.producer.id,
            producer_epoch: options.producer.epoch,
            base_sequence: options.producer.base_sequence,
            records_count: self.count,
        };
        ValidBatch::seal(header, Bytes::from(body))
    }
}

/// The length field for a body of `size` bytes.
pub(crate) fn batch_length(size: usize) -> i32 {
    let length = i32::try_from(size).ok().and_then(|size| size.checked_add(LENGTH_MIN));
    length.expect("a batch's size fits its length field: bodies are capped far below")
}

/// The fixed parts of a record; `headers` in bytes.
struct Parts<'a> {
    timestamp: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: usize,
}

impl Parts<'_> {
    /// Bytes behind the record's own length field.
    fn size(&self, timestamp_delta: i64, offset_delta: i32, header_count: usize) -> usize {
        1 + varint::size(timestamp_delta)
            + varint::size(i64::from(offset_delta))
            + field_size(self.key)
            + field_size(self.value)
            + varint::size(header_count as i64)
            + self.headers
    }
}

/// The bytes of `record` in a batch, at this distance from its beginning.
pub fn record_size(record: &NewRecord<'_>, base_timestamp: i64, offset_delta: i32) -> usize {
    let headers: usize = record.headers.iter().map(header_size).sum();
    let parts = Parts { timestamp: record.timestamp, key: record.key, value: record.value, headers };
    let size = parts.size(record.timestamp.wrapping_sub(base_timestamp), offset_delta, record.headers.len());
    varint::size(size as i64) + size
}

fn header_size(header: &Header<'_>) -> usize {
    field_size(Some(header.key)) + field_size(header.value)
}

fn field_size(field: Option<&[u8]>) -> usize {
    field.map_or(1, |bytes| varint::size(bytes.len() as i64) + bytes.len())
}

fn write_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        Some(bytes) => {
            varint::write(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
        None => varint::write(out, -1),
    }
}
