//! snappy, in the framing of the Java library or bare.
//!
//! ```text
//! 82 'S' 'N' 'A' 'P' 'P' 'Y' 00 · version i32 = 1 · compatible version i32 = 1
//! { length i32 · snappy block }*          blocks of 32 KiB before compression
//! ```
//!
//! Streams glued together are read too: where a length should stand, the magic may stand instead. Bytes without the magic are
//! one bare block, as librdkafka and others send it.

use std::cell::Cell;

use super::stream::{Room, space};
use super::{CompressionType, DecompressError};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_SIZE: usize = 16;
const BLOCK_SIZE: usize = 32 * 1024;
/// A block's three densest bytes stand for 64: nothing honest claims more than this many bytes for each of its own.
const EXPANSION_MAX: usize = 32;

thread_local! {
    static ENCODER: Cell<Option<snap::raw::Encoder>> = const { Cell::new(None) };
}

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    let mut encoder = ENCODER.take().unwrap_or_else(snap::raw::Encoder::new);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&1_i32.to_be_bytes());
    out.extend_from_slice(&1_i32.to_be_bytes());
    for block in input.chunks(BLOCK_SIZE) {
        let at = out.len();
        let space = space(out, at, 4 + snap::raw::max_compress_len(block.len()));
        let (length, data) = space.split_at_mut(4);
        let written =
            encoder.compress(block, data).expect("the buffer has the size that the encoder asks for");
        length.copy_from_slice(&u32::try_from(written).unwrap_or_default().to_be_bytes());
        out.truncate(at + 4 + written);
    }
    ENCODER.set(Some(encoder));
}

pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    framed: bool,
}

impl<'a> Decoder<'a> {
    pub fn new(input: &'a [u8]) -> Result<Self, DecompressError> {
        if input.is_empty() {
            return Err(corrupt("it is empty"));
        }
        if !input.starts_with(&MAGIC) {
            return Ok(Self { rest: input, framed: false });
        }
        let rest = skip_header(input)?;
        Ok(Self { rest, framed: true })
    }

    pub fn next(&mut self, out: &mut Vec<u8>, at: usize, room: Room) -> Result<usize, DecompressError> {
        loop {
            let Some(block) = self.block()? else { return Ok(0) };
            let size = snap::raw::decompress_len(block).map_err(|_| corrupt("bad block length"))?;
            room.check(size)?;
            if size > block.len().saturating_mul(EXPANSION_MAX) {
                return Err(corrupt("a block claims more than it can hold"));
            }
            let place = space(out, at, size);
            let written =
                snap::raw::Decoder::new().decompress(block, place).map_err(|_| corrupt("bad block"))?;
            if written > 0 {
                return Ok(written);
            }
        }
    }

    fn block(&mut self) -> Result<Option<&'a [u8]>, DecompressError> {
        if !self.framed {
            let block = core::mem::take(&mut self.rest);
            return Ok((!block.is_empty()).then_some(block));
        }
        while self.rest.starts_with(&MAGIC) {
            self.rest = skip_header(self.rest)?;
        }
        let Some((length, rest)) = self.rest.split_first_chunk() else {
            return if self.rest.is_empty() { Ok(None) } else { Err(corrupt("it ends inside a length")) };
        };
        let length =
            usize::try_from(i32::from_be_bytes(*length)).map_err(|_| corrupt("negative block length"))?;
        let (block, rest) = rest.split_at_checked(length).ok_or(corrupt("it ends inside a block"))?;
        self.rest = rest;
        Ok(Some(block))
    }
}

fn skip_header(input: &[u8]) -> Result<&[u8], DecompressError> {
    let compatible = input.get(12..HEADER_SIZE).and_then(|field| field.first_chunk());
    let compatible = i32::from_be_bytes(*compatible.ok_or(corrupt("it ends inside its header"))?);
    if compatible < 1 {
        return Err(corrupt("unknown version of the framing"));
    }
    Ok(input.get(HEADER_SIZE..).unwrap_or_default())
}

fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: CompressionType::Snappy, what }
}
