//! The first half of a round: which offset is the last of each key in the dirty part.

use base::Offset;

use super::offset_map::{Full, OffsetMap};
use super::task::{CleanError, CleaningTask, Pace};
use super::transactions::Transactions;
use crate::batch;
use crate::error::Result;
use crate::partition::scan::Scan;
use crate::read::segment_of;
use crate::segment::Segment;
use base::limits::DECOMPRESSED_BATCH_BYTES_MAX;
use records::control::ControlType;
use records::{Batch, BatchHeader};

/// Fills `map` from the first dirty offset on, as far as it has room; its `latest_offset` says how far that was.
pub(super) fn build(map: &mut OffsetMap, task: &CleaningTask, pace: Pace<'_>) -> Result<(), CleanError> {
    map.clear();
    let mut transactions = Transactions::new(task.aborted_from(task.first_dirty));
    let first = segment_of(&task.segments, task.first_dirty);
    for (place, segment) in task.segments.iter().enumerate().skip(first) {
        let end = task.segments.get(place + 1).map_or(task.end, |next| next.base_offset().0);
        if !add_segment(map, segment, task.first_dirty, &mut transactions, &mut *pace)? {
            return Ok(());
        }
        map.latest_offset = end - 1;
    }
    Ok(())
}

/// Whether all of the segment found room.
fn add_segment(
    map: &mut OffsetMap,
    segment: &Segment,
    from: i64,
    transactions: &mut Transactions,
    pace: Pace<'_>,
) -> Result<bool, CleanError> {
    let mut scan = Scan::new(segment, segment.position_for(from)?)?;
    while let Some((_, batch)) = next_batch(&mut scan, segment)? {
        let header = batch.header;
        if !pace(header.size() as u64) {
            return Err(CleanError::Stopped);
        }
        let last = header.last_offset();
        if header.attributes.is_control() {
            transactions.marks(header.producer_id, control_type(&batch), last.0);
        } else if !transactions.is_aborted(header.producer_id, header.attributes.is_transactional(), last.0)
            && add_batch(map, segment, &batch, from)? == Err(Full)
        {
            return Ok(false);
        }
        if last.0 >= from {
            map.latest_offset = last.0;
        }
    }
    Ok(true)
}

fn add_batch(
    map: &mut OffsetMap,
    segment: &Segment,
    batch: &Batch<'_>,
    from: i64,
) -> Result<Result<(), Full>> {
    let corrupt = || unreadable(segment, &batch.header);
    let body = batch.decompress(DECOMPRESSED_BATCH_BYTES_MAX).map_err(|_| corrupt())?;
    for record in batch.records(&body) {
        let record = record.map_err(|_| corrupt())?;
        let Some(key) = record.key.filter(|_| record.offset.0 >= from) else { continue };
        if map.put(key, record.offset.0).is_err() {
            return Ok(Err(Full));
        }
        // Of a batch with more keys than there is room for the rest is for the next round.
        map.latest_offset = record.offset.0;
    }
    Ok(Ok(()))
}

/// The next batch, known to be sound, and where it lies.
pub(super) fn next_batch<'a>(scan: &'a mut Scan<'_>, segment: &Segment) -> Result<Option<(u64, Batch<'a>)>> {
    let (position, header) = match scan.next_header()? {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(None),
        Err(bad) => return Err(segment.corrupt(bad.position, -1, bad.reason)),
    };
    let corrupt = |reason| segment.corrupt(position, header.base_offset.0, reason);
    batch::whole(scan.bytes(position, header.size())?).map(|batch| Some((position, batch))).map_err(corrupt)
}

/// What the first record of a control batch says.
pub(super) fn control_type(batch: &Batch<'_>) -> Option<ControlType> {
    ControlType::parse_key(batch.records(batch.body()).next()?.ok()?.key?)
}

/// The error for a batch whose records do not come out.
pub(super) fn unreadable(segment: &Segment, header: &BatchHeader) -> crate::LogError {
    let position = segment.position_for(header.base_offset.0).unwrap_or_default();
    let Offset(offset) = header.base_offset;
    segment.corrupt(position, offset, "the records cannot be read")
}
