//! The owner's part in cleaning: what could be cleaned, what a worker must know, and the swap.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Offset, ProducerId};

use super::scan::Scan;
use super::{Deleting, PartitionLog};
use crate::cleaner::{
    Cleanable, CleaningTask, CompactionPolicy, LastRecord, LogFacts, Replacement, SegmentFacts, choose, swap,
};
use crate::error::{LogError, Result};
use crate::names::{self, Kind};
use crate::segment::Segment;

impl PartitionLog {
    /// What could be cleaned now, of a log that was cleaned up to `checkpoint`.
    pub fn cleanable(
        &self,
        policy: &CompactionPolicy,
        checkpoint: Option<Offset>,
        now_ms: i64,
    ) -> Result<Cleanable> {
        let segments = self.segments();
        let active = segments.len().saturating_sub(1);
        self.want_closed_segments(&segments);
        let with_first = policy.max_lag_ms < i64::MAX;
        let facts = |(place, segment): (usize, &Arc<Segment>)| {
            let is_closed = place < active;
            Ok(SegmentFacts {
                base_offset: segment.base_offset().0,
                bytes: segment.size(),
                largest_timestamp: if is_closed {
                    segment.largest()?.timestamp
                } else {
                    self.active.largest.0
                },
                first_timestamp: if is_closed && with_first { first_timestamp(segment)? } else { -1 },
            })
        };
        let log = LogFacts {
            log_start: self.shared.log_start(),
            log_end: self.shared.log_end(),
            last_stable: self.shared.last_stable(),
            settled_end: self.settled_end(),
            segments: segments.iter().enumerate().map(facts).collect::<Result<_>>()?,
        };
        Ok(choose(&log, checkpoint, policy, now_ms))
    }

    /// Where closed segments still need the commit log, it is asked to let go of them: its own turn may be far.
    fn want_closed_segments(&self, segments: &[Arc<Segment>]) {
        let closed_end = segments.last().map_or(0, |active| active.base_offset().0);
        if let Some(queue) = self.context.commits.as_ref().filter(|_| closed_end > self.settled_end()) {
            queue.want_turn();
        }
    }

    /// What a worker needs to clean what [`Self::cleanable`] found.
    pub fn cleaning_task(
        &self,
        cleanable: &Cleanable,
        policy: &CompactionPolicy,
        now_ms: i64,
    ) -> Result<CleaningTask> {
        let end = cleanable.first_uncleanable.0;
        let segments = self.segments();
        let below = segments.partition_point(|segment| segment.base_offset().0 < end);
        let mut aborted = Vec::new();
        for segment in segments.iter() {
            aborted.extend(segment.aborted()?.into_iter().filter(|txn| txn.first_offset.0 < end));
        }
        Ok(CleaningTask {
            segments: segments.get(..below).unwrap_or_default().to_vec(),
            first_dirty: cleanable.first_dirty.0,
            end,
            producers: self.last_records(),
            config: Arc::clone(&self.config),
            policy: *policy,
            now_ms,
            place: Arc::clone(&self.place),
            files: Arc::clone(&self.context.files),
            aborted,
            truncations: self.shared.truncations(),
        })
    }

    /// Puts a clean segment in the place of those it was made of; `false`, and its files removed, when the log has changed there
    /// since.
    ///
    /// The old files go after `file.delete.delay.ms`, once no reader holds them. A failure in the middle fences the directory:
    /// the swap is completed when it is opened again.
    pub fn replace_segments(&mut self, replacement: Replacement, now_ms: i64) -> Result<bool> {
        self.context.fence.check()?;
        let segments = self.segments();
        let Some(first) = self.place_of(&segments, &replacement) else {
            replacement.discard()?;
            return Ok(false);
        };
        let behind = first + replacement.old.len();
        let needed = segments.get(behind).map_or(self.shared.log_end(), |next| next.base_offset().0);
        if needed > self.settled_end() {
            let durable = Offset(self.settled_end());
            return Err(LogError::NotYetDurable { needed: Offset(needed), durable });
        }
        let swapped = self.swap(&replacement, now_ms);
        if let Err(error) = &swapped {
            self.context.fence.fence(&format!("a swap of segments was not completed: {error}"));
        }
        swapped?;
        let (before, rest) = segments.split_at(first);
        let after = rest.get(replacement.old.len()..).unwrap_or_default();
        let list = before.iter().chain([&replacement.cleaned]).chain(after).cloned().collect();
        self.shared.segments.store(Arc::new(list));
        // What lies in memory still has the records that are gone; readers find the rest in the files.
        self.shared.hot.clear();
        Ok(true)
    }

    fn swap(&mut self, replacement: &Replacement, now_ms: i64) -> Result<()> {
        let dir = self.path();
        let disk = Arc::clone(&self.context.disk);
        let base = replacement.cleaned.base_offset();
        swap::commit(&*disk, &dir, &replacement.cleaned)?;
        for old in &replacement.old {
            let kinds: &[Kind] = if old.base_offset() == base { &Kind::WITHOUT_SNAPSHOT } else { &Kind::ALL };
            old.rename_kinds(names::DELETED, kinds)?;
            let due_ms = now_ms.saturating_add(self.config.file_delete_delay_ms);
            self.deleting.push(Deleting { due_ms, needs_log_start: i64::MIN, segment: Arc::clone(old) });
        }
        disk.sync_dir(&dir).map_err(|error| LogError::io("sync", &dir, error))?;
        swap::settle(&*disk, &dir, base.0)?;
        replacement.cleaned.is_named("");
        Ok(())
    }

    /// Where the segments to be replaced are, if they are still what the round read.
    fn place_of(&self, segments: &[Arc<Segment>], replacement: &Replacement) -> Option<usize> {
        let old = &replacement.old;
        let first =
            segments.iter().position(|segment| old.first().is_some_and(|old| Arc::ptr_eq(segment, old)))?;
        let here = segments.get(first..first + old.len())?;
        let same = here.iter().zip(old).all(|(here, old)| Arc::ptr_eq(here, old));
        let is_closed = first + old.len() < segments.len();
        (same && is_closed && self.shared.truncations() == replacement.truncations).then_some(first)
    }

    /// Below this, segments no longer need the commit log.
    fn settled_end(&self) -> i64 {
        if self.context.commits.is_some() { self.shared.recovery_point() } else { self.shared.log_end() }
    }

    fn last_records(&self) -> BTreeMap<ProducerId, LastRecord> {
        let last = |(id, producer): (ProducerId, &crate::producers::Producer)| {
            let data_offset = producer.batches.back().map(|batch| batch.last_offset);
            (id, LastRecord { epoch: producer.epoch, data_offset })
        };
        self.producers.iter().map(last).collect()
    }
}

fn first_timestamp(segment: &Segment) -> Result<i64> {
    let header = Scan::new(segment, 0)?.next_header()?;
    Ok(header.ok().flatten().map_or(-1, |(_, header)| header.max_timestamp))
}
