//! Why batches are refused, and what Kafka calls it.

use core::fmt;

use crate::{BatchBreak, CrcMismatch, DecompressError, Malformed};

/// Which of Kafka's errors a refusal is. The broker maps it to a code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// INVALID_RECORD (87).
    InvalidRecord,
    /// INVALID_TIMESTAMP (32).
    InvalidTimestamp,
    /// CORRUPT_MESSAGE (2).
    CorruptMessage,
    /// MESSAGE_TOO_LARGE (10).
    MessageTooLarge,
    /// UNSUPPORTED_COMPRESSION_TYPE (76).
    UnsupportedCompressionType,
    /// UNKNOWN_SERVER_ERROR (-1): Kafka has no name for records that do not come out of their codec, or for a codec that does
    /// not exist; the producer gives up on the batch, as it should.
    UnknownServerError,
}

/// Why a producer's batch is not appended, in the order in which Kafka looks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rejected {
    /// Its length field is below any format's minimum.
    LengthBelowMinimum {
        /// The length field.
        length: i32,
    },
    /// Its magic is none that ever was.
    UnknownMagic {
        /// The magic field.
        magic: i8,
    },
    /// No whole batch is there.
    NoBatch,
    /// A batch of format 0 or 1, which ended with Produce 2.
    OldMagic {
        /// The magic field.
        magic: i8,
    },
    /// zstd in a request older than Produce 7.
    ZstdTooEarly,
    /// More than one batch for one partition.
    SeveralBatches,
    /// A producer's base offset is always 0.
    BaseOffsetNotZero {
        /// The field.
        base_offset: i64,
    },
    /// Above `max.message.bytes`.
    TooLarge {
        /// Bytes of the batch.
        size: usize,
        /// What the topic allows.
        limit: usize,
    },
    /// Smaller than a header.
    SmallerThanHeader {
        /// Bytes of the batch.
        size: usize,
    },
    /// Altered on the way.
    Crc(CrcMismatch),
    /// The attributes name a codec that does not exist.
    UnknownCompression {
        /// Its number.
        id: u8,
    },
    /// The last offset lies before the first.
    OffsetRange {
        /// The field.
        last_offset_delta: i32,
    },
    /// No records, or fewer than none.
    Count {
        /// The field.
        count: i32,
    },
    /// As many records as offsets there must be.
    CountIsNotRange {
        /// The field.
        last_offset_delta: i32,
        /// The field.
        count: i32,
    },
    /// Control records come from brokers only.
    Control,
    /// A producer id without sequence number.
    Sequence {
        /// The field.
        base_sequence: i32,
        /// The field.
        producer_id: i64,
    },
    /// The records do not come out of the codec.
    Decompress(DecompressError),
    /// The records are none.
    Malformed(Malformed),
    /// A record's offset delta is not its index. (Kafka fails on such a batch with UNKNOWN_SERVER_ERROR when it is compressed,
    /// and stores it when not.)
    OffsetDelta {
        /// The record's index.
        index: i32,
        /// The field.
        offset_delta: i32,
    },
    /// Some records are refused, each for a reason.
    Records(RecordErrors),
}

/// The refused records of one batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordErrors {
    /// The first of them, at most [`base::limits::RECORD_ERRORS_MAX`].
    pub listed: Vec<RecordError>,
    /// How many there are.
    pub total: usize,
    /// Whether a timestamp is among the reasons, which then names the error.
    pub timestamp: bool,
}

impl RecordErrors {
    pub(super) fn push(&mut self, batch_index: i32, fault: RecordFault) {
        self.total += 1;
        self.timestamp |= !matches!(fault, RecordFault::NoKey);
        if self.listed.len() < base::limits::RECORD_ERRORS_MAX {
            self.listed.push(RecordError { batch_index, fault });
        }
    }
}

/// One refused record (KIP-467).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordError {
    /// Its index in the batch, from 0.
    pub batch_index: i32,
    /// The reason.
    pub fault: RecordFault,
}

/// Why one record is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordFault {
    /// A compacted topic tells records apart by their keys.
    NoKey,
    /// Too far from the broker's clock.
    TimestampOutOfRange {
        /// The record's.
        timestamp: i64,
        /// The earliest allowed.
        earliest: i64,
        /// The latest allowed.
        latest: i64,
        /// The record's offset, which counts from 0.
        offset: i64,
    },
    /// The batch claims LogAppendTime, which brokers set.
    LogAppendTime,
}

impl RecordFault {
    /// The sentence for `record_errors` in the answer; `partition` as `topic-index`.
    pub fn message(&self, partition: &impl fmt::Display) -> String {
        match self {
            Self::NoKey => {
                format!("Compacted topic cannot accept message without key in topic partition {partition}")
            }
            Self::TimestampOutOfRange { timestamp, earliest, latest, offset } => format!(
                "Timestamp {timestamp} of message with offset {offset} is out of range. \
                 The timestamp should be within [{earliest}, {latest}]"
            ),
            Self::LogAppendTime => {
                "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime."
                    .into()
            }
        }
    }
}

impl Rejected {
    /// Which of Kafka's errors this is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::LengthBelowMinimum { .. } | Self::UnknownMagic { .. } => Kind::CorruptMessage,
            Self::SmallerThanHeader { .. } | Self::Crc(_) => Kind::CorruptMessage,
            Self::ZstdTooEarly => Kind::UnsupportedCompressionType,
            Self::UnknownCompression { .. } => Kind::UnknownServerError,
            Self::TooLarge { .. } | Self::Decompress(DecompressError::TooLarge { .. }) => {
                Kind::MessageTooLarge
            }
            Self::Decompress(DecompressError::UnknownCodec(_)) => Kind::UnknownServerError,
            Self::Decompress(DecompressError::Corrupt { .. }) => Kind::UnknownServerError,
            Self::Records(errors) if errors.timestamp => Kind::InvalidTimestamp,
            Self::NoBatch | Self::OldMagic { .. } | Self::SeveralBatches | Self::BaseOffsetNotZero { .. } => {
                Kind::InvalidRecord
            }
            Self::OffsetDelta { .. }
            | Self::OffsetRange { .. }
            | Self::Count { .. }
            | Self::CountIsNotRange { .. } => Kind::InvalidRecord,
            Self::Control | Self::Sequence { .. } | Self::Malformed(_) | Self::Records(_) => {
                Kind::InvalidRecord
            }
        }
    }

    /// The refused records, when single records are to blame.
    pub fn record_errors(&self) -> &[RecordError] {
        match self {
            Self::Records(errors) => &errors.listed,
            _ => &[],
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthBelowMinimum { length } => {
                write!(f, "a record size of {length} is below the minimum overhead of 14")
            }
            Self::UnknownMagic { magic } => write!(f, "invalid magic {magic} in a record batch"),
            Self::NoBatch => {
                f.write_str("a produce request must hold one record batch per partition, and none is there")
            }
            Self::OldMagic { magic } => {
                write!(f, "only record batches with magic version 2 are taken, not {magic}")
            }
            Self::ZstdTooEarly => f.write_str("zstd compression needs Produce version 7 or later"),
            Self::SeveralBatches => {
                f.write_str("a produce request must hold exactly one record batch per partition")
            }
            Self::BaseOffsetNotZero { base_offset } => {
                write!(f, "the base offset of the batch should be 0, but it is {base_offset}")
            }
            Self::TooLarge { size, limit } => {
                write!(f, "the batch has {size} bytes, and the topic takes at most {limit}")
            }
            Self::SmallerThanHeader { size } => {
                write!(f, "the batch has {size} bytes, fewer than its header")
            }
            Self::Crc(mismatch) => mismatch.fmt(f),
            Self::UnknownCompression { id } => write!(f, "unknown compression type id: {id}"),
            Self::OffsetRange { last_offset_delta } => {
                write!(f, "the last offset delta is {last_offset_delta}")
            }
            Self::Count { count } => write!(f, "the batch claims to hold {count} records"),
            Self::CountIsNotRange { last_offset_delta, count } => {
                write!(
                    f,
                    "the batch claims to hold {count} records, but its last offset delta is {last_offset_delta}"
                )
            }
            Self::Control => f.write_str("clients are not allowed to write control records"),
            Self::Sequence { base_sequence, producer_id } => {
                write!(
                    f,
                    "invalid sequence number {base_sequence} in a record batch with producer id {producer_id}"
                )
            }
            Self::Decompress(error) => error.fmt(f),
            Self::Malformed(error) => error.fmt(f),
            Self::OffsetDelta { index, offset_delta } => {
                write!(f, "record {index} of the batch has the offset delta {offset_delta}")
            }
            Self::Records(errors) if errors.timestamp => {
                f.write_str("One or more records have been rejected due to invalid timestamp")
            }
            Self::Records(errors) => {
                write!(
                    f,
                    "One or more records have been rejected due to {} record errors in total",
                    errors.total
                )
            }
        }
    }
}

impl core::error::Error for Rejected {}

/// Why batches fetched from a leader are not appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplicaRejected {
    /// The bytes are no batches.
    Break(BatchBreak),
    /// Altered on the way.
    Crc(CrcMismatch),
    /// Offsets that do not grow from batch to batch, or a batch whose range is negative.
    OutOfOrder {
        /// The base offset of the batch at fault.
        base_offset: i64,
    },
}

impl fmt::Display for ReplicaRejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Break(error) => error.fmt(f),
            Self::Crc(error) => error.fmt(f),
            Self::OutOfOrder { base_offset } => {
                write!(f, "the batch at offset {base_offset} is out of order")
            }
        }
    }
}

impl core::error::Error for ReplicaRejected {}
