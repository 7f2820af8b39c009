//! Record batches as a message carries them: opaque, in one piece or many, in memory or in files.

use alloc::vec::Vec;
use core::slice;

use bytes::Bytes;

use crate::rope::{ReadFailed, Segment, gather};

/// Record batches, one after the other, not looked into.
#[derive(Clone, Debug)]
pub struct Records(Inner);

/// One piece needs no allocation of its own, and is what every received message holds.
#[derive(Clone, Debug)]
enum Inner {
    One(Segment),
    Many(Vec<Segment>),
}

impl Records {
    /// No batch.
    pub const fn empty() -> Self {
        Self(Inner::One(Segment::Bytes(Bytes::new())))
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.segments().iter().map(Segment::len).sum()
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces in order.
    pub fn segments(&self) -> &[Segment] {
        match &self.0 {
            Inner::One(segment) => slice::from_ref(segment),
            Inner::Many(segments) => segments,
        }
    }

    /// Whether every piece is in memory, as in every received message.
    pub fn is_in_memory(&self) -> bool {
        self.segments().iter().all(|segment| matches!(segment, Segment::Bytes(_)))
    }

    /// The bytes in one piece: shared if they are in one piece already, copied otherwise.
    ///
    /// For records in memory, such as received ones; [`Records::read`] is for those that may lie in files.
    pub fn to_bytes(&self) -> Bytes {
        assert!(self.is_in_memory(), "records in files are read, which can fail");
        self.read().unwrap_or_default()
    }

    /// The bytes in one piece. Blocks if some are in files.
    pub fn read(&self) -> Result<Bytes, ReadFailed> {
        gather(self.segments().iter(), self.len())
    }

    /// Each piece's bytes, for those in memory.
    fn in_memory(&self) -> impl Iterator<Item = u8> {
        self.segments().iter().flat_map(|segment| match segment {
            Segment::Bytes(bytes) => bytes.iter().copied(),
            Segment::File(_) => [].iter().copied(),
        })
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self(Inner::One(Segment::Bytes(bytes)))
    }
}

impl From<Vec<u8>> for Records {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<Segment> for Records {
    fn from(segment: Segment) -> Self {
        Self(Inner::One(segment))
    }
}

impl From<Vec<Segment>> for Records {
    fn from(segments: Vec<Segment>) -> Self {
        Self(Inner::Many(segments))
    }
}

/// Records are equal if their bytes are; those in files, if they are the same pieces of the same files.
impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        match self.is_in_memory() && other.is_in_memory() {
            true => self.len() == other.len() && self.in_memory().eq(other.in_memory()),
            false => self.segments() == other.segments(),
        }
    }
}
