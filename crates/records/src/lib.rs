//! Record batches, version 2 (magic 2), as views of bytes.
//!
//! A batch is opaque to almost everyone: its 61-byte header is parsed, the rest is carried. What stands here:
//!
//! * [`BatchHeader`], [`Batch`] and [`Batches`]: reading batches that follow each other in a slice;
//! * [`ValidBatches`]: the proof that what a producer sent may be appended, by [`Validation`] in one streaming pass;
//! * [`Records`]: the records of a batch, borrowed; [`BatchBuilder`]: the other direction;
//! * [`Compression`] and [`CompressionType`]: the four codecs, every way out of them capped;
//! * [`lookup`]: a batch searched by timestamp; [`compact`]: a batch with some of its records removed;
//! * [`control`]: the records that end transactions.
//!
//! Pure: no files, no clock, no randomness. Nothing here panics on any bytes.

mod batches;
mod builder;
pub mod compact;
mod compression;
pub mod control;
mod header;
pub mod lookup;
mod record;
mod validate;
mod varint;
mod walk;

pub use batches::{Batch, BatchBreak, Batches, BreakKind, CrcMismatch};
pub use builder::{BatchBuilder, BatchFull, BatchOptions, NewRecord, ProducerFields, record_size};
pub use compression::{
    Compression, CompressionType, DecompressError, LevelOutOfRange, UnknownCompression, compress, decompress,
};
pub use header::{Attributes, BatchHeader, HEADER_SIZE, LOG_OVERHEAD, MAGIC, NO_TIMESTAMP, TimestampType};
pub use record::{Header, Headers, Malformed, Record, Records};
pub use validate::{
    Kind, Mode, RecordError, RecordErrors, RecordFault, Rejected, ReplicaRejected, ValidBatch, ValidBatches,
    Validation,
};
