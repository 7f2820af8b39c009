//! Taking offsets back, and moving the log's start forward.

use std::sync::Arc;

use base::Offset;

use super::{Deleting, PartitionLog};
use crate::commit::Item;
use crate::error::{Context, LogError, Result};
use crate::intent::{self, Intent};
use crate::names::{self, Kind};
use crate::producers::Producers;
use crate::read::{find_batch, segment_of};
use crate::segment::Segment;

impl PartitionLog {
    /// Removes everything from `offset` on (a follower that diverged from its leader); the batch that holds it goes whole.
    ///
    /// Leader epochs that begin at or behind `offset` are forgotten even when no record is (KAFKA-10706).
    pub fn truncate_to(&mut self, offset: Offset, now_ms: i64) -> Result<()> {
        self.context.fence.check()?;
        self.flush()?;
        let truncated = if offset.0 >= self.shared.log_end() {
            self.forget_epochs(offset.0)
        } else if offset.0 <= self.least_kept() {
            self.restart_at(offset.0, now_ms)
        } else {
            self.cut(offset.0, now_ms)
        };
        self.context.fence.guard(truncated)
    }

    /// Removes everything and goes on at `offset` (a follower whose leader no longer has what it would need).
    pub fn truncate_fully(&mut self, offset: Offset, now_ms: i64) -> Result<()> {
        self.context.fence.check()?;
        self.flush()?;
        let restarted = self.restart_at(offset.0, now_ms);
        self.context.fence.guard(restarted)
    }

    /// Moves the log's start forward (`DeleteRecords`); returns whether it moved. Files go with the next retention pass.
    ///
    /// The caller has checked that `offset` is at most the high watermark.
    pub fn advance_log_start(&mut self, offset: Offset) -> Result<bool> {
        self.context.fence.check()?;
        let (start, end) = (self.shared.log_start(), self.shared.log_end());
        if offset.0 > end {
            return Err(LogError::OffsetOutOfRange { offset, start: Offset(start), end: Offset(end) });
        }
        if offset.0 <= start {
            return Ok(false);
        }
        self.shared.set_log_start(offset.0);
        self.shared.set_local_log_start(offset.0);
        self.announce_log_start(offset.0);
        if self.epochs.truncate_start(offset.0) {
            self.store_epochs()?;
        }
        Ok(true)
    }

    /// Makes the log's start durable, through the committer where there is one.
    pub(super) fn announce_log_start(&self, offset: i64) {
        if !self.tell(|source| Item::LogStart { source, offset }) {
            self.shared.set_durable_log_start(offset);
        }
    }

    /// Nothing up to here can be read, whatever the first segment still holds.
    fn least_kept(&self) -> i64 {
        let first = self.segments().first().map_or(0, |first| first.base_offset().0);
        first.max(self.shared.log_start())
    }

    fn forget_epochs(&mut self, offset: i64) -> Result<()> {
        if self.epochs.truncate_end(offset) { self.store_epochs() } else { Ok(()) }
    }

    fn cut(&mut self, offset: i64, now_ms: i64) -> Result<()> {
        let segments = self.segments();
        let place = segment_of(&segments, offset);
        let Some(segment) = segments.get(place) else { return Ok(()) };
        let file = segment.log()?;
        // The batch that holds the offset goes whole: what is left ends where it began.
        let (position, left) = match find_batch(segment, &*file, offset)? {
            Some((position, header)) => (position, offset.min(header.base_offset.0)),
            None => (segment.size(), offset),
        };
        let intent = self.intend(left, false)?;
        let cut = self.cut_files(place, position, offset, now_ms);
        self.all_or_fenced(intent, cut)?;
        self.announce_truncation(intent, Some(segment), position)?;
        self.store_epochs()
    }

    /// A truncation that was begun is done to its end, or this directory is used no more: what is left would be neither log.
    fn all_or_fenced(&self, intent: Option<Intent>, done: Result<()>) -> Result<()> {
        if let (Some(_), Err(error)) = (intent, &done) {
            self.context.fence.fence(&format!("a truncation could not be finished: {error}"));
        }
        done
    }

    fn cut_files(&mut self, place: usize, position: u64, offset: i64, now_ms: i64) -> Result<()> {
        let segments = self.segments();
        let Some(segment) = segments.get(place) else { return Ok(()) };
        let file = segment.log()?;
        let (kept, gone) = segments.split_at(place + 1);
        // Readers must not see offsets beyond the cut from here on.
        self.shared.truncated(offset);
        self.shared.hot.clear();
        self.shared.segments.store(Arc::new(kept.to_vec()));
        gone.iter().try_for_each(|segment| self.delete_later(segment, now_ms))?;
        segment.set_len(position);
        segment.reopen();
        file.truncate(position).during("truncate", (segment, Kind::Log))?;
        segment.keep_aborted(offset)?;
        self.remove_snapshots_beyond(offset)?;
        self.derive_anew()?;
        self.active.allocated = 0;
        self.shared.lower_recovery_point(offset);
        Ok(())
    }

    /// Says durably what is to go, before anything does; where nothing waits for a committer there is nothing to say.
    fn intend(&self, offset: i64, restart: bool) -> Result<Option<Intent>> {
        if self.context.commits.is_none() || !self.has_dir {
            return Ok(None);
        }
        let (disk, random) = (&*self.context.disk, &*self.context.random);
        Intent::write(disk, &self.path(), random, offset, restart).map(Some)
    }

    /// The files are as they are to be. The committer makes that durable, in its place between the appends; a relaxed log, whose
    /// appends it does not know, must be done at once.
    fn announce_truncation(
        &mut self,
        intent: Option<Intent>,
        segment: Option<&Arc<Segment>>,
        position: u64,
    ) -> Result<()> {
        let Some(Intent { id, offset, .. }) = intent else { return Ok(()) };
        if self.is_durable() {
            let (segment, truncations) = (segment.cloned(), self.shared.truncations());
            self.tell(|source| Item::Truncate { source, segment, position, offset, id, truncations });
            return Ok(());
        }
        if let Some(segment) = segment {
            segment.sync()?;
        }
        let (disk, dir) = (&*self.context.disk, self.path());
        disk.sync_dir(&dir).during("sync", &dir)?;
        intent::remove(disk, &dir, id)?;
        disk.sync_dir(&dir).during("sync", &dir)
    }

    /// Without a folder there is nothing to cut, but what was noted of the log may lie behind its new start.
    fn announce_empty_restart(&self, offset: i64) {
        /// Of no intent.
        const NO_INTENT: i64 = -1;
        let truncations = self.shared.truncations();
        self.tell(|source| {
            let (segment, position, id) = (None, 0, NO_INTENT);
            Item::Truncate { source, segment, position, offset, id, truncations }
        });
    }

    fn restart_at(&mut self, offset: i64, now_ms: i64) -> Result<()> {
        let intent = self.intend(offset, true)?;
        if let Some(intent) = &intent {
            intent::supersede(&*self.context.disk, &self.path(), intent.id)?;
        }
        let emptied = self.empty(offset, now_ms);
        self.all_or_fenced(intent, emptied)?;
        self.producers = Producers::default();
        self.shared.set_open_transactions(std::iter::empty());
        self.epochs = crate::epochs::Epochs::default();
        self.shared.lower_recovery_point(offset);
        self.shared.advance_durable(offset, self.shared.truncations());
        self.shared.restart_durable_log_start(offset);
        self.announce_truncation(intent, None, 0)?;
        if !self.has_dir {
            self.announce_empty_restart(offset);
        }
        self.announce_log_start(offset);
        if !self.has_dir {
            return Ok(());
        }
        self.store_epochs()?;
        self.roll(now_ms)
    }

    fn empty(&mut self, offset: i64, now_ms: i64) -> Result<()> {
        let segments = self.segments();
        self.shared.truncated(offset);
        self.shared.hot.clear();
        self.shared.segments.store(Arc::new(Vec::new()));
        self.shared.set_log_end(offset);
        self.shared.set_log_start(offset);
        self.shared.set_local_log_start(offset);
        segments.iter().try_for_each(|segment| self.delete_later(segment, now_ms))?;
        self.free_names()?;
        self.remove_snapshots_beyond(-1)
    }

    /// What retention took waits under its names for its log start, which no longer comes: found again, it would be taken for the
    /// beginning of what follows, and one of the same name be removed in its stead.
    fn free_names(&mut self) -> Result<()> {
        for gone in self.deleting.iter_mut().filter(|gone| gone.needs_log_start != i64::MIN) {
            gone.segment.rename(names::DELETED)?;
            gone.needs_log_start = i64::MIN;
        }
        Ok(())
    }

    /// Takes a segment's files out of the way at once, and removes them after `file.delete.delay.ms`.
    fn delete_later(&mut self, segment: &Arc<Segment>, now_ms: i64) -> Result<()> {
        segment.rename(names::DELETED)?;
        segment.close_files();
        let due_ms = now_ms.saturating_add(self.config.file_delete_delay_ms);
        self.deleting.push(Deleting { due_ms, needs_log_start: i64::MIN, segment: Arc::clone(segment) });
        Ok(())
    }

    /// Removes producer snapshots of offsets beyond `end`.
    pub(super) fn remove_snapshots_beyond(&self, end: i64) -> Result<()> {
        self.snapshots()?
            .into_iter()
            .filter(|base| *base > end)
            .try_for_each(|base| self.remove_snapshot(base))
    }

    /// Removes, as Kafka does when it opens a log, the snapshots of earlier stops: all that neither belong to a segment nor are the
    /// youngest.
    pub(super) fn remove_stray_snapshots(&self) -> Result<()> {
        let (segments, mut strays) = (self.segments(), self.snapshots()?);
        let youngest = strays.iter().max().copied();
        strays.retain(|base| {
            let place = segments.binary_search_by_key(base, |segment| segment.base_offset().0);
            place.is_err() && Some(*base) != youngest
        });
        strays.into_iter().try_for_each(|base| self.remove_snapshot(base))
    }

    /// The offsets of the producer snapshots that are there.
    fn snapshots(&self) -> Result<Vec<i64>> {
        if !self.has_dir {
            return Ok(Vec::new());
        }
        let dir = self.path();
        let entries = self.context.disk.list(&dir).during("list", &dir)?;
        let base = |entry: &env::Entry| match names::parse_segment_file(&entry.name) {
            Some((base, Kind::Snapshot, "")) => Some(base),
            _ => None,
        };
        Ok(entries.iter().filter_map(base).collect())
    }

    fn remove_snapshot(&self, base: i64) -> Result<()> {
        let path = names::segment_file(&self.path(), base, Kind::Snapshot);
        self.context.disk.remove(&path).during("remove", &path)
    }

    pub(super) fn store_epochs(&self) -> Result<()> {
        if self.has_dir { self.epochs.store(&*self.context.disk, &self.path()) } else { Ok(()) }
    }
}
