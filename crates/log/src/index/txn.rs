//! The transaction index of one segment: the transactions that were aborted by a marker in it, in Kafka's format.
//!
//! ```text
//! version i16 = 0 │ producer id i64 │ first offset i64 │ last offset i64 │ last stable offset i64    34 bytes each
//! ```

use base::{Offset, ProducerId};

/// The bytes of one entry.
pub(crate) const ENTRY_BYTES: usize = 34;

/// A transaction that was aborted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AbortedTxn {
    /// Whose.
    pub producer: ProducerId,
    /// The transaction's first offset in this partition.
    pub first_offset: Offset,
    /// The marker's offset.
    pub last_offset: Offset,
    /// The last stable offset once the marker was written.
    pub last_stable_offset: Offset,
}

impl AbortedTxn {
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&0_i16.to_be_bytes());
        for number in [self.producer.0, self.first_offset.0, self.last_offset.0, self.last_stable_offset.0] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (version, mut rest) = bytes.split_first_chunk()?;
        if i16::from_be_bytes(*version) != 0 {
            return None;
        }
        let mut next = || {
            let (number, behind) = rest.split_first_chunk()?;
            rest = behind;
            Some(i64::from_be_bytes(*number))
        };
        Some(Self {
            producer: ProducerId(next()?),
            first_offset: Offset(next()?),
            last_offset: Offset(next()?),
            last_stable_offset: Offset(next()?),
        })
    }
}

/// All entries of a file; what is cut off at its end is left out.
pub(crate) fn read_all(bytes: &[u8]) -> Vec<AbortedTxn> {
    bytes.chunks_exact(ENTRY_BYTES).map_while(AbortedTxn::read).collect()
}
