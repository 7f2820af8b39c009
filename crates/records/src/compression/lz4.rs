//! LZ4 frames as Kafka reads and writes them.
//!
//! ```text
//! magic 04 22 4D 18 · FLG · BD · [content size u64] · HC = second byte of xxh32(FLG .. before HC)
//! { size u32 (top bit: stored) · block · [xxh32 u32] }* · 0 u32 · [content checksum, not looked at]
//! ```
//!
//! Written: FLG 0x60 (independent blocks, no checksums), BD 0x40 (64 KiB). Read: any block size and block checksums; blocks that
//! depend on each other, dictionaries and reserved bits are refused, as Kafka does. Bytes after the end mark are not read.

use std::cell::Cell;

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};
use twox_hash::XxHash32;

use super::stream::space;
use super::{CompressionType, DecompressError};

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const BLOCK_SIZE: usize = 64 * 1024;
const STORED: u32 = 1 << 31;
/// One byte of a block stands for at most 255 bytes.
const EXPANSION_MAX: usize = 255;

thread_local! {
    static TABLE: Cell<Option<CompressTable>> = const { Cell::new(None) };
}

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    let mut table = TABLE.take().unwrap_or_else(CompressTable::large);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0x60, 0x40, header_checksum(&[0x60, 0x40])]);
    for block in input.chunks(BLOCK_SIZE) {
        compress_block(block, out, &mut table);
    }
    out.extend_from_slice(&0_u32.to_le_bytes());
    TABLE.set(Some(table));
}

fn compress_block(block: &[u8], out: &mut Vec<u8>, table: &mut CompressTable) {
    let at = out.len();
    let space = space(out, at, 4 + get_maximum_output_size(block.len()));
    let (length, data) = space.split_at_mut(4);
    let written = compress_into_with_table(block, data, table).unwrap_or(usize::MAX);
    if written < block.len() {
        length.copy_from_slice(&(written as u32).to_le_bytes());
        out.truncate(at + 4 + written);
    } else {
        out.truncate(at);
        out.extend_from_slice(&(block.len() as u32 | STORED).to_le_bytes());
        out.extend_from_slice(block);
    }
}

fn header_checksum(descriptor: &[u8]) -> u8 {
    (XxHash32::oneshot(0, descriptor) >> 8) as u8
}

pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    block_size_max: usize,
    block_checksums: bool,
    ended: bool,
}

impl<'a> Decoder<'a> {
    pub fn new(input: &'a [u8]) -> Result<Self, DecompressError> {
        let frame = input.strip_prefix(&MAGIC).ok_or(corrupt("no frame begins here"))?;
        let [flags, sizes, ..] = *frame else { return Err(corrupt("it ends inside its header")) };
        if flags >> 6 != 1 || flags & 0b11 != 0 || sizes & 0b1000_1111 != 0 {
            return Err(corrupt("unknown version or reserved bits of the frame"));
        }
        if flags & 0b10_0000 == 0 {
            return Err(corrupt("blocks that depend on each other are not supported"));
        }
        let block_size_max = match sizes >> 4 {
            exponent @ 4..=7 => 1 << (8 + 2 * u32::from(exponent)),
            _ => return Err(corrupt("bad maximum block size")),
        };
        let size = if flags & 0b1000 == 0 { 2 } else { 10 };
        let (descriptor, rest) = frame.split_at_checked(size).ok_or(corrupt("it ends inside its header"))?;
        let (checksum, rest) = rest.split_first().ok_or(corrupt("it ends inside its header"))?;
        if *checksum != header_checksum(descriptor) {
            return Err(corrupt("bad header checksum"));
        }
        Ok(Self { rest, block_size_max, block_checksums: flags & 0b1_0000 != 0, ended: false })
    }

    pub fn next(&mut self, out: &mut Vec<u8>, at: usize) -> Result<usize, DecompressError> {
        while !self.ended {
            let size = u32::from_le_bytes(*self.take_chunk()?);
            if size == 0 {
                self.ended = true;
                break;
            }
            let block = self.take((size & !STORED) as usize)?;
            if self.block_checksums && u32::from_le_bytes(*self.take_chunk()?) != XxHash32::oneshot(0, block)
            {
                return Err(corrupt("bad block checksum"));
            }
            let written = self.decode(block, size & STORED != 0, out, at)?;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }

    fn decode(
        &self,
        block: &[u8],
        stored: bool,
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<usize, DecompressError> {
        if block.len() > self.block_size_max {
            return Err(corrupt("a block exceeds the maximum of its frame"));
        }
        if stored {
            space(out, at, block.len()).copy_from_slice(block);
            return Ok(block.len());
        }
        let space = space(out, at, self.block_size_max.min(block.len() * EXPANSION_MAX));
        decompress_into(block, space).map_err(|_| corrupt("bad block"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecompressError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(corrupt("it ends too early"))?;
        self.rest = rest;
        Ok(head)
    }

    fn take_chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], DecompressError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(corrupt("it ends too early"))?;
        self.rest = rest;
        Ok(head)
    }
}

fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: CompressionType::Lz4, what }
}
