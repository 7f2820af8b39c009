//! Sparse indexes of one segment, in Kafka's formats: entries of a fixed size, keys rising, no header.
//!
//! ```text
//! .index      offset − base i32 │ position i32        every index.interval.bytes
//! .timeindex  timestamp i64     │ offset − base i32   the largest timestamp so far and its batch's last offset
//! ```
//!
//! The segment that is written keeps its youngest entries in memory and spills full blocks to the file; closing spills the
//! rest. After a crash the files are not trusted: recovery rebuilds them from the batches.

mod sparse;
pub(crate) mod txn;

pub(crate) use sparse::{IndexEntry, SparseIndex};

/// An entry of the offset index.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OffsetEntry {
    /// A batch's last offset, counted from the segment's base.
    pub relative: i32,
    /// Where that batch starts in the file, in bytes.
    pub position: i32,
}

/// An entry of the time index.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimeEntry {
    /// The largest timestamp up to and including the batch.
    pub timestamp: i64,
    /// The last offset of the batch that holds it, counted from the segment's base.
    pub relative: i32,
}

impl IndexEntry for OffsetEntry {
    const SIZE: usize = 8;

    fn key(self) -> i64 {
        i64::from(self.relative)
    }

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.relative.to_be_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (relative, rest) = bytes.split_first_chunk()?;
        Some(Self {
            relative: i32::from_be_bytes(*relative),
            position: i32::from_be_bytes(*rest.first_chunk()?),
        })
    }
}

impl IndexEntry for TimeEntry {
    const SIZE: usize = 12;

    fn key(self) -> i64 {
        self.timestamp
    }

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.timestamp.to_be_bytes());
        bytes.extend_from_slice(&self.relative.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (timestamp, rest) = bytes.split_first_chunk()?;
        Some(Self {
            timestamp: i64::from_be_bytes(*timestamp),
            relative: i32::from_be_bytes(*rest.first_chunk()?),
        })
    }
}
