//! Which log to clean, and from where to where: pure functions over what is known of the logs.

use base::Offset;

use super::CompactionPolicy;

/// What is known of one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentFacts {
    /// Its first possible offset.
    pub base_offset: i64,
    /// Its bytes of batches.
    pub bytes: u64,
    /// The largest timestamp in it; -1 for none.
    pub largest_timestamp: i64,
    /// The largest timestamp of its first batch, where `max.compaction.lag.ms` is set; -1 for none.
    pub first_timestamp: i64,
}

/// What is known of one log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFacts {
    /// The first offset that may be read.
    pub log_start: i64,
    /// The offset that the next record gets.
    pub log_end: i64,
    /// No transaction is open below, and everything is committed.
    pub last_stable: i64,
    /// Segments that end beyond this still need the commit log.
    pub settled_end: i64,
    /// The segments, oldest first; the last is the active one.
    pub segments: Vec<SegmentFacts>,
}

/// What could be cleaned of one log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cleanable {
    /// Below this the log is clean.
    pub first_dirty: Offset,
    /// From here on it must be left alone: the active segment, open transactions, records that are too young.
    pub first_uncleanable: Offset,
    /// Bytes of the clean segments.
    pub clean_bytes: u64,
    /// Bytes of the dirty ones that may be cleaned.
    pub dirty_bytes: u64,
    /// `max.compaction.lag.ms` has passed.
    pub is_overdue: bool,
    /// The checkpoint is of no use and must be set to [`Cleanable::first_dirty`].
    pub reset_checkpoint: bool,
}

impl Cleanable {
    /// The dirty part of all that could be read, 0 to 1.
    #[must_use]
    pub fn dirty_ratio(&self) -> f64 {
        let total = self.clean_bytes + self.dirty_bytes;
        if total == 0 { 0.0 } else { self.dirty_bytes as f64 / total as f64 }
    }

    /// Whether it is worth it.
    #[must_use]
    pub fn is_due(&self, policy: &CompactionPolicy) -> bool {
        (self.is_overdue && self.dirty_bytes > 0) || self.dirty_ratio() > policy.min_dirty_ratio
    }
}

/// The place in `logs` of the one to clean first: the dirtiest of those that are due.
#[must_use]
pub fn filthiest(logs: &[(Cleanable, CompactionPolicy)]) -> Option<usize> {
    let due = logs.iter().enumerate().filter(|(_, (log, policy))| log.is_due(policy));
    let ratio = |place: &(usize, &(Cleanable, CompactionPolicy))| place.1.0.dirty_ratio();
    due.max_by(|left, right| ratio(left).total_cmp(&ratio(right))).map(|(place, _)| place)
}

/// What could be cleaned of a log that was cleaned up to `checkpoint`.
#[must_use]
pub fn choose(
    log: &LogFacts,
    checkpoint: Option<Offset>,
    policy: &CompactionPolicy,
    now_ms: i64,
) -> Cleanable {
    let checkpoint = checkpoint.map_or(log.log_start, |offset| offset.0);
    let reset_checkpoint = checkpoint < log.log_start || checkpoint > log.log_end;
    let first_dirty = if reset_checkpoint { log.log_start } else { checkpoint };
    let dirty = inactive_from(log, first_dirty);
    let uncleanable = uncleanable(log, dirty, policy, now_ms).max(first_dirty);
    let end = segment_end(log, uncleanable);
    let bytes = |segments: &[SegmentFacts]| segments.iter().map(|segment| segment.bytes).sum();
    let below = |offset| log.segments.partition_point(|segment| segment.base_offset < offset);
    let from = containing(log, first_dirty.min(end));
    Cleanable {
        first_dirty: Offset(first_dirty),
        first_uncleanable: Offset(end.max(first_dirty)),
        clean_bytes: bytes(log.segments.get(..below(first_dirty)).unwrap_or_default()),
        dirty_bytes: bytes(log.segments.get(from..below(end)).unwrap_or_default()),
        is_overdue: is_overdue(dirty, policy, now_ms),
        reset_checkpoint,
    }
}

/// The first offset that must be left alone.
fn uncleanable(log: &LogFacts, dirty: &[SegmentFacts], policy: &CompactionPolicy, now_ms: i64) -> i64 {
    let active = log.segments.last().map_or(log.log_end, |segment| segment.base_offset);
    let young =
        |segment: &&SegmentFacts| segment.largest_timestamp > now_ms.saturating_sub(policy.min_lag_ms);
    let first_young = dirty.iter().find(young).filter(|_| policy.min_lag_ms > 0);
    let young = first_young.map_or(i64::MAX, |segment| segment.base_offset);
    log.last_stable.min(log.settled_end).min(active).min(young)
}

/// The first offset of the segment that holds `offset`: only whole segments are cleaned.
fn segment_end(log: &LogFacts, offset: i64) -> i64 {
    let active = log.segments.last().map_or(log.log_end, |segment| segment.base_offset);
    log.segments.get(containing(log, offset)).map_or(active, |segment| segment.base_offset.min(active))
}

fn is_overdue(dirty: &[SegmentFacts], policy: &CompactionPolicy, now_ms: i64) -> bool {
    let oldest = dirty.iter().map(|segment| segment.first_timestamp).filter(|timestamp| *timestamp > 0).min();
    oldest.is_some_and(|oldest| oldest < now_ms.saturating_sub(policy.max_lag_ms.max(0)))
}

/// All segments from the one that holds `offset` on, without the active one.
fn inactive_from(log: &LogFacts, offset: i64) -> &[SegmentFacts] {
    let active = log.segments.len().saturating_sub(1);
    log.segments.get(containing(log, offset)..active).unwrap_or_default()
}

/// The place of the segment that holds `offset`.
fn containing(log: &LogFacts, offset: i64) -> usize {
    log.segments.partition_point(|segment| segment.base_offset <= offset).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    /// Four segments of 100 offsets each, the last one active, with timestamps that rise by 1000.
    fn log() -> LogFacts {
        let segment = |place: i64, bytes| SegmentFacts {
            base_offset: place * 100,
            bytes,
            largest_timestamp: NOW - 10_000 + place * 1000,
            first_timestamp: NOW - 10_500 + place * 1000,
        };
        let segments = vec![segment(0, 10), segment(1, 20), segment(2, 30), segment(3, 40)];
        LogFacts { log_start: 0, log_end: 400, last_stable: 400, settled_end: 400, segments }
    }

    fn pick(
        log: &LogFacts,
        checkpoint: Option<i64>,
        policy: &CompactionPolicy,
    ) -> (i64, i64, u64, u64, bool, bool) {
        let found = choose(log, checkpoint.map(Offset), policy, NOW);
        let Cleanable {
            first_dirty,
            first_uncleanable,
            clean_bytes,
            dirty_bytes,
            is_overdue,
            reset_checkpoint,
        } = found;
        (first_dirty.0, first_uncleanable.0, clean_bytes, dirty_bytes, is_overdue, reset_checkpoint)
    }

    #[test]
    fn the_range_ends_before_what_must_be_left_alone() {
        let policy = CompactionPolicy::default();
        let lag = |min_lag_ms| CompactionPolicy { min_lag_ms, ..policy };
        let overdue = |max_lag_ms| CompactionPolicy { max_lag_ms, ..policy };
        let stable = |last_stable| LogFacts { last_stable, ..log() };
        for (name, log, checkpoint, policy, expected) in [
            ("never cleaned", log(), None, policy, (0, 300, 0, 60, false, false)),
            ("cleaned up to a segment", log(), Some(100), policy, (100, 300, 10, 50, false, false)),
            ("cleaned into a segment", log(), Some(150), policy, (150, 300, 30, 50, false, false)),
            ("all clean", log(), Some(300), policy, (300, 300, 60, 0, false, false)),
            ("checkpoint beyond the end", log(), Some(401), policy, (0, 300, 0, 60, false, true)),
            (
                "checkpoint below the start",
                LogFacts { log_start: 120, ..log() },
                Some(5),
                policy,
                (120, 300, 30, 50, false, true),
            ),
            ("open transaction", stable(250), None, policy, (0, 200, 0, 30, false, false)),
            ("open transaction in the first segment", stable(50), None, policy, (0, 0, 0, 0, false, false)),
            (
                "not settled yet",
                LogFacts { settled_end: 199, ..log() },
                None,
                policy,
                (0, 100, 0, 10, false, false),
            ),
            ("young records", log(), None, lag(9000), (0, 200, 0, 30, false, false)),
            ("all too young", log(), None, lag(20_000), (0, 0, 0, 0, false, false)),
            ("overdue", log(), None, overdue(10_400), (0, 300, 0, 60, true, false)),
            ("not yet overdue", log(), None, overdue(10_600), (0, 300, 0, 60, false, false)),
            (
                "what is clean is never overdue",
                log(),
                Some(100),
                overdue(10_400),
                (100, 300, 10, 50, false, false),
            ),
        ] {
            assert_eq!(pick(&log, checkpoint, &policy), expected, "{name}");
        }
        let empty =
            LogFacts { log_start: 7, log_end: 7, last_stable: 7, settled_end: 7, segments: Vec::new() };
        assert_eq!(pick(&empty, None, &policy), (7, 7, 0, 0, false, false));
    }

    #[test]
    fn the_dirtiest_that_is_due_comes_first() {
        let policy = CompactionPolicy::default();
        let log = |clean_bytes, dirty_bytes, is_overdue| {
            let zero = Offset(0);
            let reset_checkpoint = false;
            let log = Cleanable {
                first_dirty: zero,
                first_uncleanable: zero,
                clean_bytes,
                dirty_bytes,
                is_overdue,
                reset_checkpoint,
            };
            (log, policy)
        };
        for (logs, expected) in [
            (vec![], None),
            (vec![log(0, 0, true)], None),
            (vec![log(50, 50, false)], None),
            (vec![log(49, 51, false)], Some(0)),
            (vec![log(99, 1, true), log(99, 0, true)], Some(0)),
            (vec![log(40, 60, false), log(10, 90, false), log(90, 10, true)], Some(1)),
        ] {
            assert_eq!(filthiest(&logs), expected, "{logs:?}");
        }
    }
}
