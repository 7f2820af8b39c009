//! Where recovery may begin inside a segment: behind an index entry below the recovery point, if the index is sound up to there.
//!
//! So an idle partition costs a few small reads after a crash, however large its last segment is.

use records::BatchHeader;

use super::{Active, PartitionLog};
use crate::error::{Context, LogError, Result};
use crate::index::{OffsetEntry, TimeEntry};
use crate::names::Kind;
use crate::planted::{self, Bug};
use crate::segment::Segment;

impl PartitionLog {
    /// Cuts the segment's indexes to what may be believed; the position and the offset at which to read on.
    ///
    /// An entry is believed if it lies below `trusted`, all entries up to it rise, and the batch that the last one points to is
    /// there. Otherwise the indexes are begun anew.
    pub(super) fn resume(&mut self, segment: &Segment, trusted: i64) -> Result<(u64, i64)> {
        self.active = Active::new(self.active.begun_ms, 0);
        segment.reopen();
        if let Some(found) = self.resume_at(segment, trusted)? {
            return Ok(found);
        }
        self.active = Active::new(self.active.begun_ms, 0);
        segment.offsets.clear();
        segment.times.clear();
        if trusted > segment.base_offset().0 {
            segment.empty_indexes()?;
        }
        Ok((0, segment.base_offset().0))
    }

    fn resume_at(&mut self, segment: &Segment, trusted: i64) -> Result<Option<(u64, i64)>> {
        let base = segment.base_offset().0;
        // Believing an index means not to look where it ends: everything up to its last entry counts as sound.
        let trusted = if planted::has(Bug::IndexTrusted) { i64::MAX } else { trusted };
        if trusted <= base || segment.size() == 0 {
            return Ok(None);
        }
        let index = || segment.file(Kind::Index);
        let times = || segment.file(Kind::TimeIndex);
        let mut offsets = segment.offsets.entries(&index).during("read", (segment, Kind::Index))?;
        offsets.truncate(offsets.partition_point(|entry| i64::from(entry.relative) < trusted - base));
        let Some(last) = offsets.last().copied().filter(|_| rises(&offsets, offset_rises)) else {
            return Ok(None);
        };
        let mut timestamps = segment.times.entries(&times).during("read", (segment, Kind::TimeIndex))?;
        timestamps.truncate(timestamps.partition_point(|entry| entry.relative <= last.relative));
        if !rises(&timestamps, time_rises) {
            return Ok(None);
        }
        let file = segment.log()?;
        let (Ok(position), Ok(Some(first))) = (u64::try_from(last.position), segment.header_at(&*file, 0))
        else {
            return Ok(None);
        };
        let Ok(Some(header)) = segment.header_at(&*file, position) else { return Ok(None) };
        if planted::has(Bug::IndexTrusted) {
            return Ok(Some((position, header.base_offset.0)));
        }
        if !names(segment, last, &header) {
            return Ok(None);
        }
        segment
            .offsets
            .truncate(|entry| entry.relative > last.relative, &index)
            .during("cut", (segment, Kind::Index))?;
        segment
            .times
            .truncate(|entry| entry.relative > last.relative, &times)
            .during("cut", (segment, Kind::TimeIndex))?;
        self.active.first_timestamp = Some(first.max_timestamp);
        if let Some(largest) = timestamps.last() {
            self.active.largest = (largest.timestamp, base + i64::from(largest.relative));
        }
        Ok(Some((position, header.base_offset.0)))
    }
}

/// Whether the indexes of a segment that was closed in order can be its own: whole entries, the last of which names a batch.
/// What lies before the last entries is looked at when it is used.
pub(super) fn last_entries_hold(segment: &Segment) -> Result<bool> {
    let index = || segment.file(Kind::Index);
    let path = segment.path(Kind::Index);
    let whole = segment.offsets.is_whole(&index).during("look at", &path)?
        && segment
            .times
            .is_whole(&|| segment.file(Kind::TimeIndex))
            .during("look at", (segment, Kind::TimeIndex))?;
    if !whole || segment.last_time_entry()?.is_some_and(|entry| entry.relative < 0) {
        return Ok(false);
    }
    let Some(last) = segment.offsets.last(&index).during("read", &path)? else { return Ok(true) };
    let Ok(position) = u64::try_from(last.position) else { return Ok(false) };
    match segment.header_at(&*segment.log()?, position) {
        Ok(header) => Ok(header.is_some_and(|header| names(segment, last, &header))),
        Err(LogError::Corrupt { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an entry of the segment's index is that of the batch with this header, which lies at its position.
fn names(segment: &Segment, entry: OffsetEntry, header: &BatchHeader) -> bool {
    let base = segment.base_offset().0;
    header.last_offset().0 == base + i64::from(entry.relative) && header.base_offset.0 >= base
}

fn rises<E>(entries: &[E], rises: impl Fn(&E, &E) -> bool) -> bool {
    entries.iter().zip(entries.iter().skip(1)).all(|(before, after)| rises(before, after))
}

fn offset_rises(before: &OffsetEntry, after: &OffsetEntry) -> bool {
    before.relative < after.relative && before.position < after.position
}

fn time_rises(before: &TimeEntry, after: &TimeEntry) -> bool {
    before.timestamp < after.timestamp && before.relative < after.relative
}
