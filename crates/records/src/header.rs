//! The header of a record batch, 61 bytes, big-endian:
//!
//! ```text
//!  0 base offset            i64 ┐ patched by the leader,
//!  8 length after this      i32 │ outside the CRC
//! 12 partition leader epoch i32 │
//! 16 magic = 2              i8  ┘
//! 17 CRC-32C of all below   u32
//! 21 attributes             i16   0-2 codec, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon
//! 23 last offset delta      i32
//! 27 base timestamp         i64   the delete horizon instead, when attribute bit 6 is set (KIP-534)
//! 35 max timestamp          i64
//! 43 producer id            i64
//! 51 producer epoch         i16
//! 53 base sequence          i32
//! 57 records count          i32
//! 61 records, compressed as one block of bytes
//! ```

use base::{LeaderEpoch, Offset, ProducerId};

use crate::CompressionType;

/// Bytes of a batch before its records.
pub const HEADER_SIZE: usize = 61;
/// Bytes of a batch that its length field does not count: base offset and the length itself.
pub const LOG_OVERHEAD: usize = 12;
/// The only batch format that Kafka 4 stores (KIP-724).
pub const MAGIC: i8 = 2;
/// "No timestamp", for records and for batches without records.
pub const NO_TIMESTAMP: i64 = -1;
/// Where the bytes under the CRC begin.
pub(crate) const CRC_COVERS_FROM: usize = 21;
/// The smallest value of a whole batch's length field.
pub(crate) const LENGTH_MIN: i32 = (HEADER_SIZE - LOG_OVERHEAD) as i32;

/// Who says when a record was written (`message.timestamp.type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimestampType {
    /// The producer.
    #[default]
    CreateTime,
    /// The broker, when it appended the batch; all records of a batch then have the batch's max timestamp.
    LogAppendTime,
}

/// The attributes of a batch; bits that nobody defined are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes(pub i16);

impl Attributes {
    const TIMESTAMP_TYPE: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;
    const CODEC: i16 = 0b111;

    /// The number of the codec, 0 to 7; 5 to 7 are no codec.
    pub const fn compression_id(self) -> u8 {
        (self.0 & Self::CODEC) as u8
    }

    /// The codec; `None` for a number that is none.
    pub const fn compression(self) -> Option<CompressionType> {
        CompressionType::from_id(self.compression_id())
    }

    /// Whose the timestamps are.
    pub const fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::TIMESTAMP_TYPE == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the batch is part of a transaction (KIP-98).
    pub const fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records, which no consumer sees.
    pub const fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp is the delete horizon (KIP-534).
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    /// With this codec.
    #[must_use]
    pub const fn with_compression(self, codec: CompressionType) -> Self {
        Self((self.0 & !Self::CODEC) | codec.id() as i16)
    }

    /// With this timestamp type.
    #[must_use]
    pub const fn with_timestamp_type(self, kind: TimestampType) -> Self {
        self.with(Self::TIMESTAMP_TYPE, matches!(kind, TimestampType::LogAppendTime))
    }

    /// Transactional or not.
    #[must_use]
    pub const fn with_transactional(self, on: bool) -> Self {
        self.with(Self::TRANSACTIONAL, on)
    }

    /// A control batch or not.
    #[must_use]
    pub const fn with_control(self, on: bool) -> Self {
        self.with(Self::CONTROL, on)
    }

    /// With or without a delete horizon.
    #[must_use]
    pub const fn with_delete_horizon(self, on: bool) -> Self {
        self.with(Self::DELETE_HORIZON, on)
    }

    const fn with(self, bit: i16, on: bool) -> Self {
        Self(if on { self.0 | bit } else { self.0 & !bit })
    }
}

/// The header of a batch, parsed. Its values are as received: parsing proves nothing but their presence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    /// The offset of the batch's first record as first appended.
    pub base_offset: Offset,
    /// Bytes after this field: the batch's size less [`LOG_OVERHEAD`].
    pub batch_length: i32,
    /// The epoch of the leader that appended the batch; -1 from a producer.
    pub partition_leader_epoch: LeaderEpoch,
    /// The format, [`MAGIC`].
    pub magic: i8,
    /// CRC-32C of the attributes and all that follows.
    pub crc: u32,
    /// Codec, timestamp type and flags.
    pub attributes: Attributes,
    /// What to add to the base offset for the last record's offset; compaction leaves it.
    pub last_offset_delta: i32,
    /// Milliseconds since 1970 to which the records' deltas are added, or the delete horizon.
    pub base_timestamp: i64,
    /// The greatest timestamp of the records, or the append time; milliseconds.
    pub max_timestamp: i64,
    /// Who wrote it; -1 for a producer without identity.
    pub producer_id: ProducerId,
    /// The producer's epoch; -1 for none.
    pub producer_epoch: i16,
    /// The first record's sequence number; -1 for none.
    pub base_sequence: i32,
    /// How many records the batch holds now; compaction lowers it.
    pub records_count: i32,
}

impl BatchHeader {
    /// Reads a header off the front of `bytes`; `None` when there are fewer than [`HEADER_SIZE`].
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_SIZE] = bytes.first_chunk()?;
        Some(Self {
            base_offset: Offset(i64::from_be_bytes(field(bytes, 0)?)),
            batch_length: i32::from_be_bytes(field(bytes, 8)?),
            partition_leader_epoch: LeaderEpoch(i32::from_be_bytes(field(bytes, 12)?)),
            magic: i8::from_be_bytes(field(bytes, 16)?),
            crc: u32::from_be_bytes(field(bytes, 17)?),
            attributes: Attributes(i16::from_be_bytes(field(bytes, 21)?)),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)?),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)?),
            max_timestamp: i64::from_be_bytes(field(bytes, 35)?),
            producer_id: ProducerId(i64::from_be_bytes(field(bytes, 43)?)),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)?),
            base_sequence: i32::from_be_bytes(field(bytes, 53)?),
            records_count: i32::from_be_bytes(field(bytes, 57)?),
        })
    }

    /// The bytes of this header.
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + field.len()) {
                place.copy_from_slice(field);
            }
            at += field.len();
        };
        put(&self.base_offset.0.to_be_bytes());
        put(&self.batch_length.to_be_bytes());
        put(&self.partition_leader_epoch.0.to_be_bytes());
        put(&self.magic.to_be_bytes());
        put(&self.crc.to_be_bytes());
        put(&self.attributes.0.to_be_bytes());
        put(&self.last_offset_delta.to_be_bytes());
        put(&self.base_timestamp.to_be_bytes());
        put(&self.max_timestamp.to_be_bytes());
        put(&self.producer_id.0.to_be_bytes());
        put(&self.producer_epoch.to_be_bytes());
        put(&self.base_sequence.to_be_bytes());
        put(&self.records_count.to_be_bytes());
        bytes
    }

    /// The batch's bytes, header and records together; 0 when the length is absurd.
    pub fn size(&self) -> usize {
        usize::try_from(self.batch_length).map_or(0, |length| length + LOG_OVERHEAD)
    }

    /// The offset of the batch's last record as first appended.
    pub fn last_offset(&self) -> Offset {
        self.base_offset.plus(i64::from(self.last_offset_delta))
    }

    /// The offset after the batch.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().plus(1)
    }

    /// The last record's sequence number, wrapping after 2³¹−1 to 0; -1 when the batch has none.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        (i64::from(self.base_sequence) + i64::from(self.last_offset_delta)).rem_euclid(1 << 31) as i32
    }

    /// Whether a producer with an identity wrote the batch.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id.0 > -1
    }

    /// The time from which tombstones and markers in this batch may go, once compaction has set it (KIP-534).
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.attributes.has_delete_horizon().then_some(self.base_timestamp)
    }

    /// The timestamp of the record with this delta.
    pub fn timestamp_of(&self, delta: i64) -> i64 {
        match self.attributes.timestamp_type() {
            TimestampType::CreateTime => self.base_timestamp.wrapping_add(delta),
            TimestampType::LogAppendTime => self.max_timestamp,
        }
    }

    /// CRC-32C of a batch of this header and these bytes of records.
    pub fn compute_crc(&self, body: &[u8]) -> u32 {
        let head = self.encode();
        let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
        digest.update(head.get(CRC_COVERS_FROM..).unwrap_or_default());
        digest.update(body);
        digest.finalize() as u32
    }
}

fn field<const N: usize>(bytes: &[u8; HEADER_SIZE], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_header_comes_back() {
        let bytes: [u8; HEADER_SIZE] = core::array::from_fn(|at| at as u8 + 1);
        let header = BatchHeader::parse(&bytes).unwrap();
        assert_eq!(header.encode(), bytes);
        assert_eq!(BatchHeader::parse(&bytes[..60]), None);
    }

    #[test]
    fn sequences_wrap_as_in_kafka() {
        let mut header = BatchHeader::parse(&[0; HEADER_SIZE]).unwrap();
        for (base, delta, last) in
            [(0, 9, 9), (i32::MAX, 0, i32::MAX), (i32::MAX, 1, 0), (i32::MAX - 1, 3, 1), (-1, 5, -1)]
        {
            header.base_sequence = base;
            header.last_offset_delta = delta;
            assert_eq!(header.last_sequence(), last);
        }
    }

    #[test]
    fn attributes_change_one_by_one() {
        let all = Attributes(0x7f00)
            .with_compression(CompressionType::Zstd)
            .with_timestamp_type(TimestampType::LogAppendTime)
            .with_transactional(true)
            .with_control(true)
            .with_delete_horizon(true);
        assert_eq!(all.0, 0x7f7c);
        assert!(all.is_control() && all.is_transactional() && all.has_delete_horizon());
        assert_eq!(all.with_transactional(false).0, 0x7f6c);
        assert_eq!(all.with_compression(CompressionType::None).compression(), Some(CompressionType::None));
        assert_eq!(Attributes(5).compression(), None);
    }
}
