//! A window over decompressed bytes, refilled piece by piece.

use std::cell::Cell;

use super::{CompressionType, DecompressError, gzip, lz4, snappy, zstd};

/// How many bytes gzip and zstd are asked for at a time.
pub(super) const PIECE: usize = 64 * 1024;
/// A thread keeps its window between batches up to this size.
const KEPT_MAX: usize = 1024 * 1024;

thread_local! {
    static WINDOW: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A codec at work on one input.
enum Decoder<'a> {
    Gzip(Box<gzip::Decoder<'a>>),
    Snappy(snappy::Decoder<'a>),
    Lz4(lz4::Decoder<'a>),
    Zstd(zstd::Decoder<'a>),
}

impl<'a> Decoder<'a> {
    /// `None` where nothing is to decode.
    fn new(codec: CompressionType, input: &'a [u8]) -> Result<Option<Self>, DecompressError> {
        Ok(Some(match codec {
            CompressionType::None => return Ok(None),
            CompressionType::Gzip => Self::Gzip(Box::new(gzip::Decoder::new(input))),
            CompressionType::Snappy => Self::Snappy(snappy::Decoder::new(input)?),
            CompressionType::Lz4 => Self::Lz4(lz4::Decoder::new(input)?),
            CompressionType::Zstd => Self::Zstd(zstd::Decoder::new(input)),
        }))
    }

    /// Writes the next piece, of at most `room` bytes in all, to `out` from `at` on; lengthens `out` where needed. Returns the
    /// piece's bytes, 0 at the end.
    fn next(&mut self, out: &mut Vec<u8>, at: usize, room: Room) -> Result<usize, DecompressError> {
        match self {
            Self::Gzip(decoder) => decoder.next(out, at),
            Self::Snappy(decoder) => decoder.next(out, at, room),
            Self::Lz4(decoder) => decoder.next(out, at),
            Self::Zstd(decoder) => decoder.next(out, at),
        }
    }
}

/// What may still come out.
#[derive(Clone, Copy)]
pub(super) struct Room {
    limit: usize,
    left: usize,
}

impl Room {
    fn new(limit: usize) -> Self {
        Self { limit, left: limit }
    }

    /// Refuses a piece that does not fit, if possible before it is made.
    pub fn check(self, piece: usize) -> Result<(), DecompressError> {
        if piece > self.left { Err(DecompressError::TooLarge { limit: self.limit }) } else { Ok(()) }
    }

    fn take(&mut self, piece: usize) -> Result<(), DecompressError> {
        self.check(piece)?;
        self.left -= piece;
        Ok(())
    }
}

/// Decompressed bytes, read through a window. Bytes that were never compressed are their own window.
pub(crate) struct Stream<'a> {
    decoder: Option<Decoder<'a>>,
    plain: &'a [u8],
    window: Vec<u8>,
    start: usize,
    end: usize,
    room: Room,
}

impl<'a> Stream<'a> {
    /// Reads `input`, of which at most `limit` bytes may come out; bytes that are not compressed know no limit.
    pub fn new(codec: CompressionType, input: &'a [u8], limit: usize) -> Result<Self, DecompressError> {
        let decoder = Decoder::new(codec, input)?;
        let (plain, window) = if decoder.is_none() { (input, Vec::new()) } else { (&[][..], WINDOW.take()) };
        Ok(Self { decoder, plain, window, start: 0, end: 0, room: Room::new(limit) })
    }

    /// The unread bytes at hand, at least one; empty only at the end.
    #[inline]
    pub fn fill(&mut self) -> Result<&[u8], DecompressError> {
        if self.decoder.is_none() {
            return Ok(self.plain);
        }
        if self.start == self.end {
            self.refill()?;
        }
        Ok(self.window.get(self.start..self.end).unwrap_or_default())
    }

    /// Marks `count` bytes of the last [`Stream::fill`] as read.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        if self.decoder.is_none() {
            self.plain = self.plain.get(count..).unwrap_or_default();
        } else {
            self.start = (self.start + count).min(self.end);
        }
    }

    fn refill(&mut self) -> Result<(), DecompressError> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let piece = decoder.next(&mut self.window, 0, self.room)?;
        self.room.take(piece)?;
        (self.start, self.end) = (0, piece);
        Ok(())
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if self.decoder.is_some() && self.window.capacity() <= KEPT_MAX {
            WINDOW.set(core::mem::take(&mut self.window));
        }
    }
}

/// See [`super::decompress`].
pub(super) fn decompress(
    codec: CompressionType,
    input: &[u8],
    limit: usize,
) -> Result<Vec<u8>, DecompressError> {
    let Some(mut decoder) = Decoder::new(codec, input)? else { return Ok(input.to_vec()) };
    let mut room = Room::new(limit);
    let mut out = Vec::with_capacity(input.len().saturating_mul(4).min(limit));
    let mut at = 0;
    loop {
        let piece = decoder.next(&mut out, at, room)?;
        if piece == 0 {
            out.truncate(at);
            return Ok(out);
        }
        room.take(piece)?;
        at += piece;
    }
}

/// `size` bytes of `out` from `at` on, which is lengthened where needed.
pub(super) fn space(out: &mut Vec<u8>, at: usize, size: usize) -> &mut [u8] {
    if out.len() < at + size {
        out.resize(at + size, 0);
    }
    out.get_mut(at..at + size).unwrap_or_default()
}
