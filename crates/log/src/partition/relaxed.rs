//! Relaxed topics: an append counts once it is in the page cache, and the settings say when it is synced.
//!
//! `flush.messages` is looked at behind each write, as in Kafka; `flush.ms` is the owner's to watch: [`PartitionLog::flush_due`]
//! says once that something waits.

use super::PartitionLog;
use crate::config::Durability;
use crate::error::Result;

/// What of a relaxed log was not synced.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unsynced {
    /// Everything below was synced.
    from: i64,
    /// Something is behind it, and the owner was told.
    is_told: bool,
}

impl Unsynced {
    pub const fn from(offset: i64) -> Self {
        Self { from: offset, is_told: false }
    }
}

impl PartitionLog {
    /// `flush.ms` from now something must be synced by [`Self::sync_relaxed`]; `None` when nothing waits, or that was said already.
    pub fn flush_due(&mut self) -> Option<i64> {
        let Durability::Relaxed { flush_ms, .. } = self.config.durability else { return None };
        let waits =
            flush_ms < i64::MAX && self.shared.log_end() > self.unsynced.from && !self.unsynced.is_told;
        self.unsynced.is_told |= waits;
        waits.then_some(flush_ms)
    }

    /// Syncs what a relaxed log has appended since the last time.
    pub fn sync_relaxed(&mut self) -> Result<()> {
        self.context.fence.check()?;
        self.flush()?;
        let (from, end) = (self.unsynced.from, self.shared.log_end());
        if self.is_durable() || !self.has_dir || from >= end {
            self.unsynced = Unsynced::from(end);
            return Ok(());
        }
        let synced = self.sync_from(from);
        self.context.fence.guard(synced)?;
        self.unsynced = Unsynced::from(end);
        Ok(())
    }

    /// Whether [`Self::flush`] will wait for the disk, because `flush.messages` have come.
    #[must_use]
    pub fn flush_will_sync(&self) -> bool {
        let Durability::Relaxed { flush_messages, .. } = self.config.durability else { return false };
        let end = self.staged.next_offset(self.shared.log_end());
        end - self.unsynced.from.min(self.shared.log_end()) >= flush_messages
    }

    /// Behind a write: syncs if `flush.messages` have come.
    pub(super) fn sync_if_many(&mut self) -> Result<()> {
        let Durability::Relaxed { flush_messages, .. } = self.config.durability else { return Ok(()) };
        // A truncation takes back what was synced.
        self.unsynced.from = self.unsynced.from.min(self.shared.log_end());
        let count = self.shared.log_end() - self.unsynced.from;
        if count >= flush_messages { self.sync_relaxed() } else { Ok(()) }
    }

    fn sync_from(&self, offset: i64) -> Result<()> {
        let segments = self.segments();
        // One that ends where this begins was closed since, perhaps, and its indexes written.
        let first = segments.partition_point(|segment| segment.base_offset().0 < offset).saturating_sub(1);
        let active = segments.len().saturating_sub(1);
        for segment in segments.iter().take(active).skip(first) {
            segment.sync()?;
        }
        self.active_segment().map_or(Ok(()), |segment| segment.sync_batches().map(drop))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use base::{LeaderEpoch, TopicId, TopicIdPartition};
    use env::{Disk, SeededRandom, SimDisk};
    use records::{BatchBuilder, BatchOptions, NewRecord};

    use super::*;
    use crate::{Append, FileCache, HotBudget, Load, LogConfig, LogContext, Origin};

    fn open(disk: &SimDisk, durability: Durability) -> PartitionLog {
        let files = Arc::new(FileCache::new(Arc::new(disk.clone()), 4));
        let context = LogContext::new(&files, &HotBudget::new(0), Arc::new(SeededRandom::new(1)));
        let config = LogConfig { durability, segment_bytes: 300, ..LogConfig::default() };
        let key = TopicIdPartition { topic: TopicId::default(), partition: 0 };
        // A log directory's own name is durable before there is a log in it.
        disk.create_dir_all(Path::new("/data")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let dir = Path::new("/data/t-0");
        PartitionLog::open(&Arc::new(context), key, dir, Arc::new(config), &Load::unclean(1)).unwrap().log
    }

    fn append(log: &mut PartitionLog) {
        stage(log);
        log.flush().unwrap();
    }

    fn stage(log: &mut PartitionLog) {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        let record = NewRecord { timestamp: 1, key: None, value: Some(b"a value"), headers: &[] };
        builder.append(record).unwrap();
        let how = Append { leader_epoch: LeaderEpoch(0), origin: Origin::Client, now_ms: 1 };
        log.stage(builder.build().into(), &how).unwrap();
    }

    #[test]
    fn so_many_messages_are_synced_by_themselves() {
        for seed in 0..40 {
            let disk = SimDisk::new();
            let durability = Durability::Relaxed { flush_messages: 3, flush_ms: i64::MAX };
            let mut log = open(&disk, durability);
            for _ in 0..17 {
                append(&mut log);
                assert_eq!(log.flush_due(), None);
            }
            assert_eq!((log.log_end().0, log.flush_will_sync()), (17, false));
            stage(&mut log);
            assert!(log.flush_will_sync(), "the third since the last time");
            drop(log);
            disk.crash(seed);
            let log = open(&disk, durability);
            assert!(log.log_end().0 >= 15, "seed {seed}: {}", log.log_end());
        }
    }

    #[test]
    fn the_owner_hears_once_that_something_waits_and_syncs_it() {
        for seed in 0..40 {
            let disk = SimDisk::new();
            let durability = Durability::Relaxed { flush_messages: i64::MAX, flush_ms: 100 };
            let mut log = open(&disk, durability);
            assert_eq!(log.flush_due(), None);
            (0..12).for_each(|_| append(&mut log));
            assert_eq!((log.flush_due(), log.flush_due()), (Some(100), None));
            log.sync_relaxed().unwrap();
            assert_eq!(log.flush_due(), None);
            append(&mut log);
            assert_eq!(log.flush_due(), Some(100));
            drop(log);
            disk.crash(seed);
            let log = open(&disk, durability);
            assert!(log.log_end().0 >= 12, "seed {seed}: {}", log.log_end());
        }
    }
}
