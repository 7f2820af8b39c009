//! Reading batches: from the hot tail, or from a segment's file.

use std::sync::Arc;

use base::Offset;
use bytes::Bytes;
use env::File;
use records::BatchHeader;

use crate::batch;
use crate::error::{LogError, Result};
use crate::hot::HotBatch;
use crate::segment::Segment;
use crate::view::{Shared, View};

/// A file is read in pieces of at most this size; a larger first batch is read whole.
const READ_BYTES_MAX: usize = 1 << 20;

/// How far a read may go, and how much it may bring.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// No batch that ends beyond this offset is returned: the high watermark, the last stable offset, or the log's end.
    pub bound: Offset,
    /// Bytes of batches.
    pub max_bytes: usize,
    /// The first batch comes whole even if it is larger than `max_bytes` (KIP-74).
    pub whole_first_batch: bool,
}

/// Batches that lie behind each other in memory or in a file.
#[derive(Clone, Debug)]
pub enum Slice {
    /// In memory.
    Bytes(Bytes),
    /// In a file that never changes in this range.
    File {
        /// The file, kept open by this.
        file: Arc<dyn File>,
        /// The first byte.
        position: u64,
        /// How many bytes.
        len: usize,
    },
}

impl Slice {
    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File { len, .. } => *len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What was read: whole batches, in order.
#[derive(Clone, Debug)]
pub struct ReadResult {
    /// The batches.
    pub slices: Vec<Slice>,
    /// Their bytes together.
    pub bytes: usize,
    /// The offset at which to go on.
    pub next_offset: Offset,
}

/// A partition as its readers know it; cheap to clone, never blocks the owner.
#[derive(Clone, Debug)]
pub struct LogReader(pub(crate) Arc<Shared>);

impl LogReader {
    /// How often the log was truncated.
    #[must_use]
    pub fn truncations(&self) -> u64 {
        self.0.truncations()
    }

    /// The numbers and segments of this moment.
    #[must_use]
    pub fn view(&self) -> View {
        self.0.view()
    }

    /// The partition.
    #[must_use]
    pub fn key(&self) -> base::TopicIdPartition {
        self.0.key
    }

    /// Moves the high watermark forward, never back and never beyond the log's end; returns whether it moved.
    pub fn advance_high_watermark(&self, offset: Offset) -> bool {
        self.0.advance_high_watermark(offset.0)
    }

    /// Batches from the one that holds `offset` on.
    ///
    /// Nothing, and no error, at or beyond the bound. May read a file: not for a thread that must not wait, unless
    /// [`Self::read_hot`] was asked first.
    pub fn read(&self, offset: Offset, limit: ReadLimit) -> Result<ReadResult> {
        match self.read_hot(offset, limit)? {
            Some(result) => Ok(result),
            None => self.read_cold(offset, limit),
        }
    }

    /// As [`Self::read`], but only from memory; `None` when a file must be read.
    pub fn read_hot(&self, offset: Offset, limit: ReadLimit) -> Result<Option<ReadResult>> {
        let shared = &self.0;
        let (start, end) = (shared.log_start(), shared.log_end());
        if offset.0 < start || offset.0 > end {
            return Err(LogError::OffsetOutOfRange { offset, start: Offset(start), end: Offset(end) });
        }
        let bound = limit.bound.0.min(end);
        if offset.0 >= bound {
            return Ok(Some(ReadResult { slices: Vec::new(), bytes: 0, next_offset: offset }));
        }
        let Some(found) = shared.hot.read(offset.0, bound, limit.max_bytes, limit.whole_first_batch) else {
            return Ok(None);
        };
        let next_offset = found.last().map_or(offset, |batch| Offset(batch.next_offset));
        let bytes = found.iter().map(HotBatch::len).sum();
        let pieces = found.into_iter().flat_map(|batch| [batch.head, batch.body]);
        let slices = pieces.filter(|piece| !piece.is_empty()).map(Slice::Bytes).collect();
        Ok(Some(ReadResult { slices, bytes, next_offset }))
    }

    fn read_cold(&self, offset: Offset, limit: ReadLimit) -> Result<ReadResult> {
        let view = self.view();
        let bound = limit.bound.0.min(view.log_end.0);
        let start = segment_of(&view.segments, offset.0);
        for segment in view.segments.iter().skip(start) {
            if segment.base_offset().0 >= bound {
                break;
            }
            let piece = read_segment(segment, offset.0, bound, limit)?;
            if let Some((bytes, next)) = piece {
                let len = bytes.len();
                let slices = if bytes.is_empty() { Vec::new() } else { vec![Slice::Bytes(bytes)] };
                return Ok(ReadResult { slices, bytes: len, next_offset: Offset(next) });
            }
        }
        Ok(ReadResult { slices: Vec::new(), bytes: 0, next_offset: offset })
    }
}

/// The place of the segment that may hold `offset`.
pub(crate) fn segment_of(segments: &[Arc<Segment>], offset: i64) -> usize {
    segments.partition_point(|segment| segment.base_offset().0 <= offset).saturating_sub(1)
}

/// Batches of one segment and the offset behind them; `None` when it holds none from `offset` on.
fn read_segment(
    segment: &Segment,
    offset: i64,
    bound: i64,
    limit: ReadLimit,
) -> Result<Option<(Bytes, i64)>> {
    let file = segment.log()?;
    let Some((position, first)) = find_batch(segment, &*file, offset)? else { return Ok(None) };
    let fits = first.size() <= limit.max_bytes || limit.whole_first_batch;
    if !fits || first.next_offset().0 > bound {
        return Ok(Some((Bytes::new(), offset)));
    }
    let wanted = limit.max_bytes.min(READ_BYTES_MAX).max(first.size());
    let left = usize::try_from(segment.size().saturating_sub(position)).unwrap_or(usize::MAX);
    let bytes = segment.bytes_at(&*file, position, wanted.min(left))?;
    let (len, next) = whole_batches(segment, position, &bytes, offset, bound)?;
    Ok(Some((bytes.slice(..len), next)))
}

/// The first batch that ends behind `offset`, and where it is.
pub(crate) fn find_batch(
    segment: &Segment,
    file: &dyn File,
    offset: i64,
) -> Result<Option<(u64, BatchHeader)>> {
    let mut position = segment.position_for(offset)?;
    while let Some(header) = segment.header_at(file, position)? {
        if header.next_offset().0 > offset {
            return Ok(Some((position, header)));
        }
        position += header.size() as u64;
    }
    Ok(None)
}

/// How many of the bytes are whole batches below `bound`, and the offset behind them; each batch's CRC is checked.
fn whole_batches(
    segment: &Segment,
    position: u64,
    bytes: &[u8],
    offset: i64,
    bound: i64,
) -> Result<(usize, i64)> {
    let mut len = 0;
    let mut next = offset;
    while let Some(rest) = bytes.get(len..).filter(|rest| !rest.is_empty()) {
        let Ok(header) = batch::header(rest) else { break };
        if header.next_offset().0 > bound || header.size() > rest.len() {
            break;
        }
        if let Err(reason) = batch::whole(rest) {
            if len > 0 {
                // What comes before it is sound: the next read begins here and reports it.
                break;
            }
            return Err(segment.corrupt(position, next, reason));
        }
        len += header.size();
        next = header.next_offset().0;
    }
    Ok((len, next))
}
