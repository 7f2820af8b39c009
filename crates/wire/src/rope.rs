//! The form in which bytes leave: pieces of memory and of files, in order, none of them copied.
//!
//! How a rope reaches a socket (vectored writes, sendfile, TLS) is the transport's matter.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

use bytes::Bytes;

/// A file that pieces can be sent from.
pub trait FileSource: Any + Send + Sync + fmt::Debug {
    /// Fills `into` from `position` on; fails if the file ends before or cannot be read. Blocks.
    fn read_exact_at(&self, position: u64, into: &mut [u8]) -> Result<(), ReadFailed>;
}

/// A file slice could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadFailed;

impl fmt::Display for ReadFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a slice of a file could not be read")
    }
}

impl core::error::Error for ReadFailed {}

/// A piece of a file. It keeps the file open.
#[derive(Clone, Debug)]
pub struct FileSlice {
    /// The file; a transport that knows its type can get at the descriptor by `Any`.
    pub source: Arc<dyn FileSource>,
    /// Where the piece begins, in bytes.
    pub position: u64,
    /// The piece's length in bytes.
    pub len: usize,
}

impl FileSlice {
    /// The bytes of the piece. Blocks.
    pub fn read(&self) -> Result<Bytes, ReadFailed> {
        let mut bytes = alloc::vec![0; self.len];
        self.source.read_exact_at(self.position, &mut bytes)?;
        Ok(Bytes::from(bytes))
    }
}

impl PartialEq for FileSlice {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && (self.position, self.len) == (other.position, other.len)
    }
}

/// One piece of a rope.
#[derive(Clone, PartialEq, Debug)]
pub enum Segment {
    /// Bytes in memory, shared.
    Bytes(Bytes),
    /// Bytes in a file.
    File(FileSlice),
}

impl Segment {
    /// The length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(slice) => slice.len,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops the first `n` bytes, at most all.
    fn advance(&mut self, n: usize) {
        match self {
            Self::Bytes(bytes) => drop(bytes.split_to(n.min(bytes.len()))),
            Self::File(slice) => {
                let n = n.min(slice.len);
                slice.position += n as u64;
                slice.len -= n;
            }
        }
    }

    /// The bytes, read where they are in a file. Blocks then.
    pub fn read(&self) -> Result<Bytes, ReadFailed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::File(slice) => slice.read(),
        }
    }
}

/// Pieces in the order in which they leave.
#[derive(Clone, Default, Debug)]
pub struct Rope {
    segments: VecDeque<Segment>,
    len: usize,
}

impl Rope {
    /// An empty rope.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty rope with room for `pieces`.
    pub fn with_capacity(pieces: usize) -> Self {
        Self { segments: VecDeque::with_capacity(pieces), len: 0 }
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, segment: Segment) {
        if !segment.is_empty() {
            self.len += segment.len();
            self.segments.push_back(segment);
        }
    }

    /// The pieces in order; none is empty.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &Segment> {
        self.segments.iter()
    }

    /// Drops the first `n` bytes, which have been sent.
    pub fn advance(&mut self, mut n: usize) {
        assert!(n <= self.len, "no more is sent than was there");
        self.len -= n;
        while let Some(first) = self.segments.front_mut() {
            if n < first.len() {
                first.advance(n);
                return;
            }
            n -= first.len();
            self.segments.pop_front();
        }
    }

    /// All bytes in one piece, copied unless they are in one piece already. Blocks if some are in files.
    pub fn read(&self) -> Result<Bytes, ReadFailed> {
        gather(self.segments.iter(), self.len)
    }
}

impl From<Bytes> for Rope {
    fn from(bytes: Bytes) -> Self {
        let mut rope = Self::new();
        rope.push(Segment::Bytes(bytes));
        rope
    }
}

/// The bytes of `segments`, together `len` long, in one piece.
pub(crate) fn gather<'a>(
    mut segments: impl Iterator<Item = &'a Segment> + Clone,
    len: usize,
) -> Result<Bytes, ReadFailed> {
    let mut all = segments.clone();
    if let (Some(only), None) = (all.next(), all.next()) {
        return only.read();
    }
    let mut bytes = Vec::with_capacity(len);
    segments.try_for_each(|segment| segment.read().map(|piece| bytes.extend_from_slice(&piece)))?;
    Ok(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Records;

    /// Stands for a file: the byte at each position is the position's low byte.
    #[derive(Debug)]
    struct Counting;

    impl FileSource for Counting {
        fn read_exact_at(&self, position: u64, into: &mut [u8]) -> Result<(), ReadFailed> {
            into.iter_mut().zip(position..).for_each(|(byte, place)| *byte = place as u8);
            Ok(())
        }
    }

    fn mixed() -> Rope {
        let mut rope = Rope::new();
        rope.push(Segment::Bytes(Bytes::from_static(&[90, 91, 92])));
        rope.push(Segment::Bytes(Bytes::new()));
        rope.push(Segment::File(FileSlice { source: Arc::new(Counting), position: 10, len: 4 }));
        rope
    }

    #[test]
    fn what_is_sent_is_dropped() {
        let all = [90, 91, 92, 10, 11, 12, 13];
        for sent in 0..=all.len() {
            let mut rope = mixed();
            rope.advance(sent);
            assert_eq!(rope.len(), all.len() - sent);
            assert_eq!(rope.read().unwrap(), &all[sent..], "{sent}");
        }
    }

    #[test]
    fn records_in_one_piece_or_many_are_equal() {
        let pieces = |pieces: &[&'static [u8]]| {
            let segments: Vec<_> =
                pieces.iter().map(|piece| Segment::Bytes(Bytes::from_static(piece))).collect();
            Records::from(segments)
        };
        assert_eq!(pieces(&[b"ab", b"c"]), Records::from(Bytes::from_static(b"abc")));
        assert_ne!(pieces(&[b"ab", b"c"]), Records::from(Bytes::from_static(b"abd")));
        assert_eq!(pieces(&[]), Records::empty());
    }
}
