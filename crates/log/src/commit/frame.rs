//! One frame of the commit log.
//!
//! ```text
//!  0 magic "MKFR"           16 topic id 16 bytes       48 segment's base i64
//!  4 kind u8, zero 3        32 first offset i64        56 position in the segment u32
//!  8 payload length u32     40 next offset i64         60 leader epoch i32
//! 12 partition i32                                     64 check u64
//! 72 payload
//! ```
//!
//! `check` is the CRC-64/NVME of the check before (8 bytes, the file's seed for the first), bytes 0 to 64 and the payload. All
//! numbers are big-endian.
//!
//! | kind | payload | first, next, segment, position |
//! |---|---|---|
//! | 1 name | the folder's name | none; stands before the partition's first frame of a generation |
//! | 2 data | batches | their offsets; where they are in which segment |
//! | 3 durable | none | next: all below is durable in the segments |
//! | 4 truncate | none | first: the intent's id; next: the new end; where that is (segment -1: the log begins anew there) |
//! | 5 log start | none | first: the new start |
//! | 6 delete | none | none |

use base::{TopicId, TopicIdPartition, Uuid};
use crc_fast::{CrcAlgorithm, Digest};

/// The bytes before the payload.
pub(crate) const FRAME_BYTES: usize = 72;
const MAGIC: [u8; 4] = *b"MKFR";
const CHECK_AT: usize = 64;

/// What a frame says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Name = 1,
    Data = 2,
    Durable = 3,
    Truncate = 4,
    LogStart = 5,
    Delete = 6,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Name, Self::Data, Self::Durable, Self::Truncate, Self::LogStart, Self::Delete]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// The fields of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub kind: Kind,
    pub len: u32,
    pub key: TopicIdPartition,
    pub first_offset: i64,
    pub next_offset: i64,
    pub segment: i64,
    pub position: u32,
    pub epoch: i32,
}

impl Frame {
    /// A frame that speaks of a partition and nothing else yet.
    pub fn of(kind: Kind, key: TopicIdPartition) -> Self {
        Self { kind, len: 0, key, first_offset: -1, next_offset: -1, segment: -1, position: 0, epoch: -1 }
    }

    /// The frame's bytes before its payload, and its check, which the next frame needs.
    pub fn encode<'a>(
        &self,
        chain: u64,
        payload: impl Iterator<Item = &'a [u8]>,
    ) -> ([u8; FRAME_BYTES], u64) {
        let mut bytes = [0; FRAME_BYTES];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + field.len()) {
                place.copy_from_slice(field);
            }
            at += field.len();
        };
        put(&MAGIC);
        put(&[self.kind as u8, 0, 0, 0]);
        put(&self.len.to_be_bytes());
        put(&self.key.partition.to_be_bytes());
        put(&self.key.topic.0.0);
        put(&self.first_offset.to_be_bytes());
        put(&self.next_offset.to_be_bytes());
        put(&self.segment.to_be_bytes());
        put(&self.position.to_be_bytes());
        put(&self.epoch.to_be_bytes());
        let (fields, place) = bytes.split_at_mut(CHECK_AT);
        let check = check(chain, fields, payload);
        place.copy_from_slice(&check.to_be_bytes());
        (bytes, check)
    }

    /// Reads the bytes before the payload; the check is still to be compared.
    pub fn decode(bytes: &[u8; FRAME_BYTES]) -> Option<(Self, u64)> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (partition, rest) = rest.split_first_chunk()?;
        let (topic, rest) = rest.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (next, rest) = rest.split_first_chunk()?;
        let (segment, rest) = rest.split_first_chunk()?;
        let (position, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let [kind, 0, 0, 0] = kind else { return None };
        let frame = Self {
            kind: Kind::from_byte(*kind)?,
            len: u32::from_be_bytes(*len),
            key: TopicIdPartition { topic: TopicId(Uuid(*topic)), partition: i32::from_be_bytes(*partition) },
            first_offset: i64::from_be_bytes(*first),
            next_offset: i64::from_be_bytes(*next),
            segment: i64::from_be_bytes(*segment),
            position: u32::from_be_bytes(*position),
            epoch: i32::from_be_bytes(*epoch),
        };
        Some((frame, u64::from_be_bytes(*rest.first_chunk()?)))
    }

    /// The check that a frame with these bytes must carry behind `chain`.
    pub fn check_of(bytes: &[u8; FRAME_BYTES], chain: u64, payload: &[u8]) -> u64 {
        check(chain, bytes.get(..CHECK_AT).unwrap_or_default(), [payload].into_iter())
    }
}

fn check<'a>(chain: u64, fields: &[u8], payload: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(&chain.to_be_bytes());
    digest.update(fields);
    payload.for_each(|piece| digest.update(piece));
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let key = TopicIdPartition { topic: TopicId(Uuid([7; 16])), partition: 3 };
        Frame {
            len: 5,
            first_offset: 10,
            next_offset: 12,
            segment: 4,
            position: 99,
            epoch: 6,
            ..Frame::of(Kind::Data, key)
        }
    }

    #[test]
    fn frames_come_back_and_notice_every_change() {
        let (bytes, check) = frame().encode(17, [&b"he"[..], b"llo"].into_iter());
        assert_eq!(Frame::decode(&bytes), Some((frame(), check)));
        assert_eq!(Frame::check_of(&bytes, 17, b"hello"), check);
        assert_ne!(Frame::check_of(&bytes, 18, b"hello"), check);
        assert_ne!(Frame::check_of(&bytes, 17, b"hellp"), check);
        for place in 0..FRAME_BYTES {
            let mut bad = bytes;
            bad[place] ^= 0x40;
            let read = Frame::decode(&bad).filter(|(_, found)| *found == Frame::check_of(&bad, 17, b"hello"));
            assert_eq!(read, None, "byte {place}");
        }
    }
}
