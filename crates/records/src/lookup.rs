//! A batch searched by timestamp, to the record (ListOffsets).

use core::ops::ControlFlow;

use base::Offset;

use crate::compression::Stream;
use crate::walk::{Shape, WalkError, walk};
use crate::{Batch, BatchHeader, DecompressError, Malformed};

/// A record found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimestampOffset {
    /// Its timestamp, in milliseconds.
    pub timestamp: i64,
    /// Its offset.
    pub offset: Offset,
}

/// A batch that cannot be searched, since its records cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookupError {
    /// The codec refused.
    Decompress(DecompressError),
    /// The records are none.
    Malformed(Malformed),
}

impl core::fmt::Display for LookupError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Decompress(error) => error.fmt(f),
            Self::Malformed(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LookupError {}

impl From<WalkError> for LookupError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Decompress(error) => Self::Decompress(error),
            WalkError::Malformed(error) => Self::Malformed(error),
        }
    }
}

/// The first record at or after `from` whose timestamp is `timestamp` or later. At most `limit` bytes are decompressed.
pub fn first_at_or_after(
    batch: &Batch<'_>,
    timestamp: i64,
    from: Offset,
    limit: usize,
) -> Result<Option<TimestampOffset>, LookupError> {
    if batch.header.max_timestamp < timestamp || batch.header.last_offset() < from {
        return Ok(None);
    }
    let mut found = None;
    visit(batch, limit, |record| {
        if record.timestamp >= timestamp && record.offset >= from {
            found = Some(record);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The record with the greatest timestamp, the first of several; `None` when the batch is empty. At most `limit` bytes are
/// decompressed.
pub fn of_max_timestamp(batch: &Batch<'_>, limit: usize) -> Result<Option<TimestampOffset>, LookupError> {
    let max = batch.header.max_timestamp;
    let mut best: Option<TimestampOffset> = None;
    visit(batch, limit, |record| {
        if best.is_none_or(|best| record.timestamp > best.timestamp) {
            best = Some(record);
        }
        if record.timestamp >= max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(best)
}

fn visit(
    batch: &Batch<'_>,
    limit: usize,
    mut see: impl FnMut(TimestampOffset) -> ControlFlow<()>,
) -> Result<(), LookupError> {
    let header = &batch.header;
    let codec = header.attributes.compression();
    let codec = codec
        .ok_or(LookupError::Decompress(DecompressError::UnknownCodec(header.attributes.compression_id())))?;
    let mut stream = Stream::new(codec, batch.body(), limit).map_err(LookupError::Decompress)?;
    walk(header, &mut stream, |_, shape| see(place(header, shape)))?;
    Ok(())
}

fn place(header: &BatchHeader, shape: Shape) -> TimestampOffset {
    let offset = Offset(header.base_offset.0.wrapping_add(i64::from(shape.offset_delta)));
    TimestampOffset { timestamp: header.timestamp_of(shape.timestamp_delta), offset }
}
