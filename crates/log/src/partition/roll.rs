//! Closing a segment and beginning the next.

use std::sync::Arc;

use super::append::note_largest;
use super::{Active, PartitionLog};
use crate::commit::Item;
use crate::error::{Context, Result};
use crate::names::{self, Kind};
use crate::producers::snapshot;
use crate::segment::Segment;

/// The largest distance of an offset from its segment's base that the indexes can hold.
const RELATIVE_MAX: i64 = i32::MAX as i64;

impl PartitionLog {
    /// Makes sure that there is a segment with room for `bytes` more, up to `last_offset`.
    pub(super) fn roll_if_due(
        &mut self,
        bytes: u64,
        last_offset: i64,
        max_timestamp: i64,
        now_ms: i64,
    ) -> Result<()> {
        let due = match self.active_segment() {
            None => true,
            Some(segment) => self.is_full(&segment, bytes, last_offset, max_timestamp, now_ms)?,
        };
        if due { self.roll(now_ms) } else { Ok(()) }
    }

    fn is_full(
        &self,
        segment: &Segment,
        bytes: u64,
        last: i64,
        max_timestamp: i64,
        now_ms: i64,
    ) -> Result<bool> {
        let size = segment.size() + self.staged.bytes();
        if size == 0 {
            return Ok(false);
        }
        let config = &self.config;
        let waited = match self.active.first_timestamp {
            Some(first) if first >= 0 && max_timestamp >= 0 => max_timestamp.saturating_sub(first),
            _ => now_ms.saturating_sub(self.active.begun_ms),
        };
        let entries =
            segment.offsets.bytes(&|| segment.file(Kind::Index)).during("read", (segment, Kind::Index))?;
        Ok(size + bytes > config.segment_bytes.min(i32::MAX as u64)
            || waited > config.segment_ms.saturating_sub(self.active.jitter_ms)
            || entries / 8 >= config.segment_index_bytes / 12
            || last - segment.base_offset().0 > RELATIVE_MAX)
    }

    /// Closes the segment that is written and begins one at the log's end. What was staged is written first.
    ///
    /// Nothing happens when the segment is still empty.
    pub fn roll(&mut self, now_ms: i64) -> Result<()> {
        self.flush()?;
        let active = self.active_segment();
        if active.as_ref().is_some_and(|segment| segment.size() == 0) {
            return Ok(());
        }
        let rolled = self.begin_next(active, now_ms);
        self.context.fence.guard(rolled)
    }

    fn begin_next(&mut self, active: Option<Arc<Segment>>, now_ms: i64) -> Result<()> {
        if let Some(segment) = &active {
            self.close_segment(segment)?;
            let (segment, end) = (Arc::clone(segment), self.shared.log_end());
            self.tell(|source| Item::Closed { source, segment, end });
        }
        if !self.has_dir {
            self.create_dir()?;
        }
        let base = self.shared.log_end();
        if active.is_some() {
            self.write_snapshot(base)?;
        }
        let segment = Segment::create(&self.place, base, &self.context.files);
        segment.create_log()?;
        let list = self.segments().iter().cloned().chain([Arc::new(segment)]).collect();
        self.shared.segments.store(Arc::new(list));
        let jitter = self.config.segment_jitter_ms.max(0) as u64;
        self.active = Active::new(now_ms, self.context.random.below(jitter) as i64);
        Ok(())
    }

    /// Stops in order: everything is written, indexed and durable, so that opening it as clean reads next to nothing.
    pub fn close(&mut self) -> Result<()> {
        self.context.fence.check()?;
        self.flush()?;
        let closed = self.close_and_sync();
        self.context.fence.guard(closed)
    }

    fn close_and_sync(&mut self) -> Result<()> {
        let Some(active) = self.active_segment() else { return Ok(()) };
        let end = self.shared.log_end();
        self.close_segment(&active)?;
        self.write_snapshot(end)?;
        self.sync_behind(self.shared.recovery_point())?;
        self.shared.advance_recovery_point(end);
        self.shared.advance_durable(end, self.shared.truncations());
        active.close_files();
        Ok(())
    }

    /// Makes everything from `offset` on durable in the segments, names included.
    pub(super) fn sync_behind(&self, offset: i64) -> Result<()> {
        let segments = self.segments();
        let first = segments.partition_point(|segment| segment.base_offset().0 <= offset).saturating_sub(1);
        segments.iter().skip(first).try_for_each(|segment| segment.sync())?;
        let dir = self.path();
        for name in [names::LEADER_EPOCHS, names::PARTITION_METADATA] {
            let path = dir.join(name);
            if let Ok(file) = self.context.disk.open(&path, env::Open::Write) {
                file.sync_data().during("sync", &path)?;
            }
        }
        let snapshot = names::segment_file(&dir, self.shared.log_end(), Kind::Snapshot);
        if let Ok(file) = self.context.disk.open(&snapshot, env::Open::Write) {
            file.sync_data().during("sync", &snapshot)?;
        }
        self.context.disk.sync_dir(&dir).during("sync", &dir)?;
        let parent = dir.parent().unwrap_or(&dir);
        self.context.disk.sync_dir(parent).during("sync", parent)
    }

    /// Brings a segment's indexes to the disk and gives back the blocks it reserved.
    fn close_segment(&self, segment: &Segment) -> Result<()> {
        note_largest(&self.active, segment)?;
        segment.close_indexes()?;
        let path = segment.path(Kind::Log);
        segment.log()?.truncate(segment.size()).during("trim", &path)
    }

    /// The folder and the file that says whose it is.
    fn create_dir(&mut self) -> Result<()> {
        let dir = self.path();
        self.context.disk.create_dir_all(&dir).during("create", &dir)?;
        crate::dir::write_topic_id(&*self.context.disk, &dir, self.key().topic)?;
        self.has_dir = true;
        Ok(())
    }

    /// The producers' state as it is before `offset`.
    pub(super) fn write_snapshot(&self, offset: i64) -> Result<()> {
        let path = names::segment_file(&self.path(), offset, Kind::Snapshot);
        let file = self.context.disk.open(&path, env::Open::Truncate).during("create", &path)?;
        file.write_all_at(&snapshot::encode(&self.producers), 0).during("write", &path)
    }
}
