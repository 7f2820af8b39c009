//! Batches one after the other in a slice: a segment's piece, a fetch answer, a produce payload.
//!
//! The slice may end in the middle of a batch (a torn write, or a fetch cut at its byte limit); that is told apart from bytes
//! that are no batch. Nothing is checked beyond the bounds: [`Batch::check_crc`] and [`crate::ValidBatches`] do more.

use core::fmt;

use std::borrow::Cow;

use crate::header::{CRC_COVERS_FROM, LENGTH_MIN};
use crate::{
    BatchHeader, CompressionType, DecompressError, HEADER_SIZE, LOG_OVERHEAD, MAGIC, Records, decompress,
};

/// One whole batch inside a slice.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Where it begins in the slice it was read from, in bytes.
    pub position: usize,
    /// Its header.
    pub header: BatchHeader,
    /// All its bytes, [`BatchHeader::size`] of them.
    pub bytes: &'a [u8],
}

impl<'a> Batch<'a> {
    /// The batch at the front of `bytes`, which may go on behind it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BatchBreak> {
        parse_at(bytes, 0)
    }

    /// The records as stored, compressed or not.
    pub fn body(&self) -> &'a [u8] {
        self.bytes.get(HEADER_SIZE..).unwrap_or_default()
    }

    /// Whether the stored CRC is that of the bytes.
    pub fn check_crc(&self) -> Result<(), CrcMismatch> {
        let computed = crc_fast::crc32_iscsi(self.bytes.get(CRC_COVERS_FROM..).unwrap_or_default());
        if computed == self.header.crc {
            Ok(())
        } else {
            Err(CrcMismatch { stored: self.header.crc, computed })
        }
    }

    /// The records' bytes without compression; borrowed when there was none. At most `limit` bytes come out.
    pub fn decompress(&self, limit: usize) -> Result<Cow<'a, [u8]>, DecompressError> {
        match self.header.attributes.compression() {
            None => Err(DecompressError::UnknownCodec(self.header.attributes.compression_id())),
            Some(CompressionType::None) => Ok(Cow::Borrowed(self.body())),
            Some(codec) => Ok(Cow::Owned(decompress(codec, self.body(), limit)?)),
        }
    }

    /// The records inside `uncompressed`, which [`Batch::decompress`] gave.
    pub fn records<'b>(&self, uncompressed: &'b [u8]) -> Records<'b> {
        Records::new(self.header, uncompressed)
    }
}

/// The batches of a slice, in order. Ends at the slice's end or after the first [`BatchBreak`].
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    bytes: &'a [u8],
    position: usize,
    broken: bool,
}

impl<'a> Batches<'a> {
    /// Reads from the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, broken: false }
    }

    /// The end of the last whole batch read, in bytes from the front.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<Batch<'a>, BatchBreak>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken || self.position >= self.bytes.len() {
            return None;
        }
        let batch = parse_at(self.bytes, self.position);
        match &batch {
            Ok(batch) => self.position += batch.bytes.len(),
            Err(_) => self.broken = true,
        }
        Some(batch)
    }
}

fn parse_at(bytes: &[u8], position: usize) -> Result<Batch<'_>, BatchBreak> {
    let rest = bytes.get(position..).unwrap_or_default();
    let broken = |kind| BatchBreak { position, kind };
    let torn = |needed| broken(BreakKind::Torn { present: rest.len(), needed });
    if let Some(length) = rest.get(8..12).and_then(|field| field.first_chunk()) {
        let length = i32::from_be_bytes(*length);
        if length < LENGTH_MIN {
            return Err(broken(BreakKind::BadLength { length }));
        }
    }
    if let Some(magic) = rest.get(16).map(|byte| *byte as i8).filter(|magic| *magic != MAGIC) {
        return Err(broken(BreakKind::BadMagic { magic }));
    }
    let header = BatchHeader::parse(rest).ok_or_else(|| torn(HEADER_SIZE))?;
    let bytes = rest.get(..header.size()).ok_or_else(|| torn(header.size()))?;
    debug_assert!(bytes.len() >= LOG_OVERHEAD);
    Ok(Batch { position, header, bytes })
}

/// Why no whole batch begins at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchBreak {
    /// The place, in bytes from the front of the slice.
    pub position: usize,
    /// What is there instead.
    pub kind: BreakKind,
}

/// What stands where a batch should begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakKind {
    /// The beginning of a batch, as far as one can tell, whose end is missing.
    Torn {
        /// Bytes that are there.
        present: usize,
        /// Bytes needed to go on: a header's, or the whole batch's.
        needed: usize,
    },
    /// A length too small for a batch.
    BadLength {
        /// The length field.
        length: i32,
    },
    /// Another format than version 2.
    BadMagic {
        /// The magic field.
        magic: i8,
    },
}

impl fmt::Display for BatchBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.position;
        match self.kind {
            BreakKind::Torn { present, needed } => {
                write!(f, "the batch at byte {place} is torn: {present} of {needed} bytes are there")
            }
            BreakKind::BadLength { length } => {
                write!(f, "no batch at byte {place}: its length would be {length}")
            }
            BreakKind::BadMagic { magic } => {
                write!(f, "no batch of version 2 at byte {place}: its magic is {magic}")
            }
        }
    }
}

impl core::error::Error for BatchBreak {}

/// The bytes of a batch are not those that were written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrcMismatch {
    /// The CRC inside the batch.
    pub stored: u32,
    /// The CRC of the bytes.
    pub computed: u32,
}

impl fmt::Display for CrcMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record batch is corrupt (stored crc = {}, computed crc = {})", self.stored, self.computed)
    }
}

impl core::error::Error for CrcMismatch {}
