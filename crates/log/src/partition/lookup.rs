//! Looking offsets up by timestamp, to the record, and aborted transactions by offset. Readers do this themselves.

use base::{LeaderEpoch, Offset};
use records::{Batch, lookup};

use super::scan::Scan;
use crate::error::Result;
use crate::index::txn::AbortedTxn;
use crate::read::{LogReader, find_batch, segment_of};
use crate::segment::Segment;

/// A record found by its timestamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimestampOffset {
    /// Its timestamp.
    pub timestamp: i64,
    /// Its offset.
    pub offset: Offset,
    /// The epoch of the leader that appended it.
    pub leader_epoch: LeaderEpoch,
}

impl LogReader {
    /// The first record whose timestamp is `timestamp` or later. At most `decompressed_max` bytes of a batch are decompressed.
    pub fn offset_for_timestamp(
        &self,
        timestamp: i64,
        decompressed_max: usize,
    ) -> Result<Option<TimestampOffset>> {
        let view = self.view();
        let start = view.log_start;
        let first = segment_of(&view.segments, start.0);
        for (place, segment) in view.segments.iter().enumerate().skip(first) {
            let closed = place + 1 < view.segments.len();
            if closed && segment.largest()?.timestamp < timestamp {
                continue;
            }
            let from = segment.offset_before_timestamp(timestamp)?.max(start.0);
            let wanted = |batch: &Batch<'_>| {
                lookup::first_at_or_after(batch, timestamp, start, decompressed_max).map_err(|_| UNREADABLE)
            };
            if let Some(found) = search(segment, from, timestamp, wanted)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The record with the largest timestamp, the first of several (KIP-734).
    pub fn offset_of_max_timestamp(&self, decompressed_max: usize) -> Result<Option<TimestampOffset>> {
        let view = self.view();
        let mut best: Option<(i64, i64, &Segment)> = None;
        for (place, segment) in view.segments.iter().enumerate() {
            let closed = place + 1 < view.segments.len();
            let (timestamp, offset) =
                if closed { closed_largest(segment)? } else { largest_so_far(segment)? };
            if timestamp >= 0 && best.is_none_or(|(most, ..)| timestamp > most) {
                best = Some((timestamp, offset, segment));
            }
        }
        let Some((timestamp, offset, segment)) = best else { return Ok(None) };
        let wanted =
            |batch: &Batch<'_>| lookup::of_max_timestamp(batch, decompressed_max).map_err(|_| UNREADABLE);
        search(segment, offset, timestamp, wanted)
    }

    /// The aborted transactions that overlap `from..upto`, by first offset (for read-committed fetches).
    pub fn aborted_transactions(&self, from: Offset, upto: Offset) -> Result<Vec<AbortedTxn>> {
        let view = self.view();
        let mut found = Vec::new();
        for segment in view.segments.iter().skip(segment_of(&view.segments, from.0)) {
            let aborted = segment.aborted()?;
            let complete = aborted.iter().any(|txn| txn.last_stable_offset >= upto);
            found
                .extend(aborted.into_iter().filter(|txn| txn.last_offset >= from && txn.first_offset < upto));
            if complete {
                break;
            }
        }
        found.sort_by_key(|txn| txn.first_offset);
        Ok(found)
    }
}

const UNREADABLE: &str = "the records cannot be read";

/// The first batch from `offset` on that reaches `timestamp` and in which `wanted` finds a record.
fn search(
    segment: &Segment,
    offset: i64,
    timestamp: i64,
    wanted: impl Fn(&Batch<'_>) -> Result<Option<lookup::TimestampOffset>, &'static str>,
) -> Result<Option<TimestampOffset>> {
    let file = segment.log()?;
    let Some((position, _)) = find_batch(segment, &*file, offset)? else { return Ok(None) };
    let mut scan = Scan::new(segment, position)?;
    loop {
        let (position, header) = match scan.next_header()? {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(bad) => return Err(segment.corrupt(bad.position, offset, bad.reason)),
        };
        if header.max_timestamp < timestamp {
            continue;
        }
        let corrupt = |reason| segment.corrupt(position, header.base_offset.0, reason);
        let batch = crate::batch::whole(scan.bytes(position, header.size())?).map_err(corrupt)?;
        if let Some(found) = wanted(&batch).map_err(corrupt)? {
            let (timestamp, offset) = (found.timestamp, found.offset);
            return Ok(Some(TimestampOffset {
                timestamp,
                offset,
                leader_epoch: header.partition_leader_epoch,
            }));
        }
    }
}

fn closed_largest(segment: &Segment) -> Result<(i64, i64)> {
    let entry = segment.largest()?;
    Ok((entry.timestamp, segment.base_offset().0 + i64::from(entry.relative)))
}

/// The largest timestamp of the segment that is written, and the last offset of its batch.
fn largest_so_far(segment: &Segment) -> Result<(i64, i64)> {
    let mut largest = segment
        .last_time_entry()?
        .map_or((-1, -1), |entry| (entry.timestamp, segment.base_offset().0 + i64::from(entry.relative)));
    let mut scan = Scan::new(segment, segment.position_for(i64::MAX)?)?;
    while let Ok(Some((_, header))) = scan.next_header()? {
        if header.max_timestamp > largest.0 {
            largest = (header.max_timestamp, header.last_offset().0);
        }
    }
    Ok(largest)
}
