//! How metadata records lie in a file.
//!
//! ```text
//! file   := magic (8 bytes) version (u32, 1) first offset (u64) frame*
//! frame  := mark (4 bytes "MKFR") length of body (u32) CRC-32C of first offset, count and body (u32)
//!           first offset (u64) count of records (u32) body
//! body   := (length (u32) record)*
//! ```
//!
//! Numbers are big-endian. A frame is written by one call, synced before the next, and is whole or absent: its records
//! become true together. Offsets count records from 0.

use metadata::{DecodeError, Record};
use thiserror::Error;

/// The length of a file's head in bytes.
pub(crate) const HEAD_BYTES: usize = 20;

const VERSION: u32 = 1;
const MARK: [u8; 4] = *b"MKFR";
const FRAME_HEAD_BYTES: usize = 24;

/// What a file is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Frames as they were committed.
    Log,
    /// One image, as records.
    Snapshot,
    /// Raft's entries.
    RaftLog,
    /// One image with its place in Raft's log.
    RaftSnapshot,
    /// Who this voter is, and its last vote.
    RaftState,
}

impl Purpose {
    const fn magic(self) -> [u8; 8] {
        match self {
            Self::Log => *b"MKMETLOG",
            Self::Snapshot => *b"MKMETSNP",
            Self::RaftLog => *b"MKRAFLOG",
            Self::RaftSnapshot => *b"MKRAFSNP",
            Self::RaftState => *b"MKRAFVOT",
        }
    }
}

/// Why bytes are not what they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FrameError {
    /// The head is missing or another program's.
    #[error("it is not a file of Mekong's metadata")]
    NotOurs,
    /// A later version wrote it.
    #[error("it has version {0}, which a later version of Mekong wrote")]
    Newer(u32),
    /// Length, mark or checksum is wrong.
    #[error("a frame is damaged")]
    Damaged,
    /// The checksum is right, yet a record makes no sense.
    #[error("{0}")]
    Record(#[from] DecodeError),
}

/// Records that became true together.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch {
    /// The offset of the first.
    pub first_offset: u64,
    /// The records in order.
    pub records: Vec<Record>,
}

impl Batch {
    /// The offset behind the last record.
    pub fn end_offset(&self) -> u64 {
        self.first_offset + self.records.len() as u64
    }
}

/// A file's head.
pub(crate) fn head(purpose: Purpose, first_offset: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES);
    bytes.extend_from_slice(&purpose.magic());
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&first_offset.to_be_bytes());
    bytes
}

/// Reads a file's head: its first offset.
pub(crate) fn read_head(purpose: Purpose, bytes: &[u8]) -> Result<u64, FrameError> {
    let mut from = bytes;
    if take(&mut from).ok_or(FrameError::NotOurs)? != purpose.magic() {
        return Err(FrameError::NotOurs);
    }
    let version = u32::from_be_bytes(take(&mut from).ok_or(FrameError::NotOurs)?);
    if version > VERSION {
        return Err(FrameError::Newer(version));
    }
    take(&mut from).map(u64::from_be_bytes).ok_or(FrameError::NotOurs)
}

/// Appends a frame to `out`.
pub(crate) fn put_frame(first_offset: u64, records: &[Record], out: &mut Vec<u8>) {
    put_items(first_offset, records, Record::encode, out);
}

/// Appends a frame of anything that can be written to `out`.
pub(crate) fn put_items<T>(
    first_offset: u64,
    items: &[T],
    put: impl Fn(&T, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
    for item in items {
        let at = out.len();
        out.extend_from_slice(&[0; 4]);
        put(item, out);
        let length = (out.len() - at - 4) as u32;
        fill(out, at, &length.to_be_bytes());
    }
    let length = (out.len() - start - FRAME_HEAD_BYTES) as u32;
    fill(out, start, &MARK);
    fill(out, start + 4, &length.to_be_bytes());
    fill(out, start + 12, &first_offset.to_be_bytes());
    fill(out, start + 20, &(items.len() as u32).to_be_bytes());
    let sum = checksum(out.get(start + 12..).unwrap_or_default());
    fill(out, start + 8, &sum.to_be_bytes());
}

/// A frame's items, not looked into yet.
pub(crate) struct Items<'a> {
    /// The offset of the first.
    pub first_offset: u64,
    /// The bytes of each.
    pub items: Vec<&'a [u8]>,
}

/// Reads the frame at the front of `bytes` and says how long it is.
pub(crate) fn read_frame(bytes: &[u8]) -> Result<(Batch, usize), FrameError> {
    let (read, length) = read_items(bytes)?;
    let records = read.items.into_iter().map(Record::decode).collect::<Result<_, _>>()?;
    Ok((Batch { first_offset: read.first_offset, records }, length))
}

/// The same for a frame of anything.
pub(crate) fn read_items(bytes: &[u8]) -> Result<(Items<'_>, usize), FrameError> {
    let mut from = bytes;
    if take(&mut from).ok_or(FrameError::Damaged)? != MARK {
        return Err(FrameError::Damaged);
    }
    let length = u32::from_be_bytes(take(&mut from).ok_or(FrameError::Damaged)?) as usize;
    let sum = u32::from_be_bytes(take(&mut from).ok_or(FrameError::Damaged)?);
    let covered = from.get(..length.saturating_add(12)).ok_or(FrameError::Damaged)?;
    if checksum(covered) != sum {
        return Err(FrameError::Damaged);
    }
    Ok((read_body(covered)?, FRAME_HEAD_BYTES + length))
}

fn read_body(covered: &[u8]) -> Result<Items<'_>, FrameError> {
    let mut from = covered;
    let first_offset = u64::from_be_bytes(take(&mut from).ok_or(FrameError::Damaged)?);
    let count = u32::from_be_bytes(take(&mut from).ok_or(FrameError::Damaged)?);
    let mut items = Vec::new();
    for _ in 0..count {
        let length = u32::from_be_bytes(take(&mut from).ok_or(FrameError::Damaged)?) as usize;
        let (item, rest) = from.split_at_checked(length).ok_or(FrameError::Damaged)?;
        items.push(item);
        from = rest;
    }
    if from.is_empty() { Ok(Items { first_offset, items }) } else { Err(FrameError::Damaged) }
}

/// Whether a whole frame starts anywhere in `bytes`: then what lies before it is rot, not the torn tail of the last write.
pub(crate) fn holds_a_frame(bytes: &[u8]) -> bool {
    let starts = bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
    starts.into_iter().any(|(at, _)| bytes.get(at..).is_some_and(|rest| read_items(rest).is_ok()))
}

fn checksum(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

fn fill(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*taken)
}
