//! The proof that batches may be appended.
//!
//! [`ValidBatches::check`] takes what a producer sent for one partition and gives it back as a proof, or says why not: with
//! Kafka's error, found in Kafka's order, down to the record. One pass, keys and values skipped, nothing decompressed beyond a
//! window, unless the topic wants another codec than the producer used.

mod batch;
mod client;
mod error;
mod replica;

pub use batch::{ValidBatch, ValidBatches};
pub use error::{Kind, RecordError, RecordErrors, RecordFault, Rejected, ReplicaRejected};

use crate::{Compression, TimestampType};

/// How closely the records of a batch are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Every record, as Kafka does.
    #[default]
    Strict,
    /// The header and the CRC only: for producers one trusts. Timestamps and keys of records are then not checked, except
    /// where the topic wants another codec.
    HeaderOnly,
}

/// What a topic asks of what is written to it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Validation {
    /// How closely to look.
    pub mode: Mode,
    /// `max.message.bytes`: the most bytes of one batch, before and after recompression.
    pub max_message_bytes: usize,
    /// Whether `cleanup.policy` includes `compact`, so that every record needs a key.
    pub compacted: bool,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// `compression.type` with its level; `None` is `producer`: the codec stays what it is.
    pub compression: Option<Compression>,
    /// Whether the request is new enough for zstd (Produce 7 and later, KIP-110).
    pub zstd_allowed: bool,
    /// The most bytes that the records of one batch may have when decompressed.
    pub decompressed_bytes_max: usize,
}

impl Default for Validation {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            mode: Mode::Strict,
            max_message_bytes: 1_048_588,
            compacted: false,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compression: None,
            zstd_allowed: true,
            decompressed_bytes_max: base::limits::DECOMPRESSED_BATCH_BYTES_MAX,
        }
    }
}

#[cfg(test)]
mod tests;
