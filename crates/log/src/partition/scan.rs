//! Walking over a segment's batches in file order, by headers alone or with each CRC checked.

use std::sync::Arc;

use env::File;
use records::BatchHeader;

use crate::batch;
use crate::error::{Context, Result};
use crate::names::Kind;
use crate::segment::Segment;

/// What is read at once; a batch that is larger is read whole when its CRC or its records are asked for.
const BLOCK_BYTES: usize = 64 * 1024;

/// A place in a file where no sound batch begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bad {
    pub position: u64,
    pub reason: &'static str,
}

/// The batches of one segment from some position on.
pub(crate) struct Scan<'a> {
    segment: &'a Segment,
    file: Arc<dyn File>,
    position: u64,
    end: u64,
    block: Vec<u8>,
    block_at: u64,
}

impl<'a> Scan<'a> {
    /// Over the batches from `position`, which must be the start of one, to the segment's end.
    pub fn new(segment: &'a Segment, position: u64) -> Result<Self> {
        let file = segment.log()?;
        Ok(Self { segment, file, position, end: segment.size(), block: Vec::new(), block_at: 0 })
    }

    /// Goes on at another position.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// The next batch's place and header; `Ok(Ok(None))` at the end.
    pub fn next_header(&mut self) -> Result<Result<Option<(u64, BatchHeader)>, Bad>> {
        let position = self.position;
        if position >= self.end {
            return Ok(Ok(None));
        }
        let bytes = self.bytes(position, records::HEADER_SIZE)?;
        let header = match batch::header(bytes) {
            Ok(header) => header,
            Err(reason) => return Ok(Err(Bad { position, reason })),
        };
        if position + header.size() as u64 > self.end {
            return Ok(Err(Bad { position, reason: "the batch is cut off" }));
        }
        self.position = position + header.size() as u64;
        Ok(Ok(Some((position, header))))
    }

    /// The next batch of those that lie below `end`, which were sound once and of which the next one is at or behind `next`. Rot is
    /// stepped over, as recovery does; nothing comes behind the last of them.
    ///
    /// What lies behind must not even be asked for its offset: of a torn batch the power may have left all but the first bytes, and
    /// without them it names an offset far below.
    pub fn next_below(&mut self, end: i64, next: &mut i64) -> Result<Option<(u64, BatchHeader)>> {
        while *next < end {
            let bad = match self.next_header()? {
                Ok(None) => break,
                Ok(Some((position, header))) if header.base_offset.0 >= *next => {
                    *next = header.next_offset().0;
                    return Ok((header.base_offset.0 < end).then_some((position, header)));
                }
                Ok(Some((position, _))) => position,
                Err(Bad { position, .. }) => position,
            };
            let Some(sound) = self.find_sound(bad + 1, *next)? else { break };
            self.seek(sound);
        }
        Ok(None)
    }

    /// The first sound batch at or behind `position` whose offsets are not below `offset`.
    pub fn find_sound(&mut self, position: u64, offset: i64) -> Result<Option<u64>> {
        for candidate in position..self.end {
            let bytes = self.bytes(candidate, records::HEADER_SIZE)?;
            let Ok(header) = batch::header(bytes) else { continue };
            if header.base_offset.0 < offset || candidate + header.size() as u64 > self.end {
                continue;
            }
            if batch::whole(self.bytes(candidate, header.size())?).is_ok() {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// Up to `len` bytes at `position`, fewer at the end.
    pub fn bytes(&mut self, position: u64, len: usize) -> Result<&[u8]> {
        let held = self.block_at..self.block_at + self.block.len() as u64;
        let wanted = position..(position + len as u64).min(self.end);
        if !(held.start <= wanted.start && wanted.end <= held.end) {
            self.fill(position, len.max(BLOCK_BYTES))?;
        }
        let from = (position - self.block_at) as usize;
        Ok(self.block.get(from..).map(|rest| rest.get(..len).unwrap_or(rest)).unwrap_or_default())
    }

    fn fill(&mut self, position: u64, len: usize) -> Result<()> {
        let left = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX);
        self.block.resize(len.min(left), 0);
        self.block_at = position;
        let count =
            self.file.read_full_at(&mut self.block, position).during("read", (self.segment, Kind::Log))?;
        self.block.truncate(count);
        Ok(())
    }
}
