//! A round of cleaning: what it is given, what it does, what it gives back.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Offset, ProducerId};
use env::Random;

use super::CompactionPolicy;
use super::copy::Copy;
use super::groups::{Room, Weight, group};
use super::map::build;
use super::offset_map::OffsetMap;
use super::transactions::Transactions;
use crate::config::LogConfig;
use crate::error::{Context, LogError, Result};
use crate::files::FileCache;
use crate::index::txn::AbortedTxn;
use crate::names::Kind;
use crate::segment::{Place, Segment};

/// Asked before each batch, with its bytes: waits as `log.cleaner.io.max.bytes.per.second` wants it; `false` stops the round.
pub(super) type Pace<'a> = &'a mut dyn FnMut(u64) -> bool;

/// What a producer's state hangs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LastRecord {
    pub epoch: i16,
    /// The last offset of its last batch of records; `None` when only markers are known.
    pub data_offset: Option<i64>,
}

/// What the worker needs of a log, of one moment: see [`crate::PartitionLog::cleaning_task`].
#[derive(Debug)]
pub struct CleaningTask {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) first_dirty: i64,
    /// The first offset that must be left alone.
    pub(crate) end: i64,
    pub(crate) producers: BTreeMap<ProducerId, LastRecord>,
    pub(crate) config: Arc<LogConfig>,
    pub(crate) policy: CompactionPolicy,
    pub(crate) now_ms: i64,
    pub(crate) place: Arc<Place>,
    pub(crate) files: Arc<FileCache>,
    /// All that were aborted and begin in the segments; their markers may lie behind.
    pub(crate) aborted: Vec<AbortedTxn>,
    pub(crate) truncations: u64,
}

impl CleaningTask {
    /// The aborted transactions whose marker is not below `from`.
    pub(super) fn aborted_from(&self, from: i64) -> Vec<AbortedTxn> {
        self.aborted.iter().filter(|txn| txn.last_offset.0 >= from).copied().collect()
    }
}

/// A clean segment, complete and durable under its `.cleaned` names, and those it replaces.
#[derive(Debug)]
pub struct Replacement {
    pub(crate) cleaned: Arc<Segment>,
    pub(crate) old: Vec<Arc<Segment>>,
    pub(crate) truncations: u64,
}

impl Replacement {
    /// Removes the clean segment's files, for an owner that cannot use them any more.
    pub fn discard(self) -> Result<()> {
        self.cleaned.remove_files()
    }

    /// Bytes of the segments that go and of the one that comes.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.old.iter().map(|segment| segment.size()).sum(), self.cleaned.size())
    }
}

/// What a round did.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct CleanerStats {
    /// Records in the segments that were rewritten.
    pub records_read: i64,
    /// Records that stayed.
    pub records_kept: i64,
    /// Bytes in the segments that were rewritten.
    pub bytes_read: u64,
    /// Bytes that stayed.
    pub bytes_kept: u64,
    /// How full the map of keys got, 0 to 1.
    pub map_utilization: f64,
}

/// A round that came to its end.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cleaned {
    /// The log is clean below this: the new checkpoint.
    pub end: Offset,
    /// What was done.
    pub stats: CleanerStats,
}

/// Why a round did not come to its end. The log is as good as before; what was swapped already stays.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CleanError {
    /// The caller stopped it, or the log was truncated or deleted meanwhile.
    #[error("the round was stopped")]
    Stopped,
    /// A call on the log failed: with [`LogError::Corrupt`] the partition cannot be cleaned until someone looks at it.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A worker's memory, used again from round to round.
pub struct Cleaner {
    map: OffsetMap,
}

impl std::fmt::Debug for Cleaner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cleaner").field("keys", &self.map.len()).finish_non_exhaustive()
    }
}

impl Cleaner {
    /// A worker whose map of keys takes at most `dedupe_buffer_bytes` (`log.cleaner.dedupe.buffer.size`, per thread) and is
    /// filled up to `load_factor` (`log.cleaner.io.buffer.load.factor`).
    #[must_use]
    pub fn new(dedupe_buffer_bytes: usize, load_factor: f64, random: &dyn Random) -> Self {
        Self { map: OffsetMap::new(dedupe_buffer_bytes, load_factor, [random.next_u64(), random.next_u64()]) }
    }

    /// Cleans what `task` says. `pace` is asked before each batch; `swap` gets each group's new segment, in order, and brings it
    /// to the owner ([`crate::PartitionLog::replace_segments`]).
    pub fn clean(
        &mut self,
        task: &CleaningTask,
        pace: &mut dyn FnMut(u64) -> bool,
        swap: &mut dyn FnMut(Replacement) -> Result<(), CleanError>,
    ) -> Result<Cleaned, CleanError> {
        let cleaned = self.round(task, pace, swap);
        self.map.clear();
        cleaned
    }

    fn round(
        &mut self,
        task: &CleaningTask,
        pace: Pace<'_>,
        swap: &mut dyn FnMut(Replacement) -> Result<(), CleanError>,
    ) -> Result<Cleaned, CleanError> {
        build(&mut self.map, task, &mut *pace)?;
        let end = (self.map.latest_offset + 1).max(task.first_dirty);
        let mut transactions = Transactions::new(task.aborted_from(0));
        let mut stats = CleanerStats { map_utilization: self.map.utilization(), ..CleanerStats::default() };
        let below = task.segments.partition_point(|segment| segment.base_offset().0 < end);
        let mut rest = task.segments.get(..below).unwrap_or_default();
        for count in group(&weights(rest)?, room(task)) {
            let (group, behind) = rest.split_at(count);
            rest = behind;
            let map = &self.map;
            let mut copy = Copy { task, map, transactions: &mut transactions, stats: &mut stats };
            let cleaned = copy.group(group, &mut *pace)?;
            swap(Replacement { cleaned, old: group.to_vec(), truncations: task.truncations })?;
        }
        Ok(Cleaned { end: Offset(end), stats })
    }
}

fn room(task: &CleaningTask) -> Room {
    Room { bytes: task.config.segment_bytes, index_bytes: task.config.segment_index_bytes, end: task.end }
}

fn weights(segments: &[Arc<Segment>]) -> Result<Vec<Weight>> {
    let weight = |segment: &Arc<Segment>| {
        let index = || segment.file(Kind::Index);
        let times = || segment.file(Kind::TimeIndex);
        Ok(Weight {
            base_offset: segment.base_offset().0,
            bytes: segment.size(),
            index_bytes: segment.offsets.bytes(&index).during("read", (segment, Kind::Index))?,
            time_index_bytes: segment.times.bytes(&times).during("read", (segment, Kind::TimeIndex))?,
        })
    };
    segments.iter().map(weight).collect()
}
