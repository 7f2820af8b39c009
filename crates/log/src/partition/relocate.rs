//! A log becomes its own copy in another directory: see [`crate::moving`].

use std::sync::Arc;

use super::{Active, PartitionLog, Staged};
use crate::context::LogContext;
use crate::error::Result;
use crate::hot::HotBudget;
use crate::view::Shared;

impl PartitionLog {
    /// Whether there is a segment.
    pub(crate) fn has_segments(&self) -> bool {
        self.active_segment().is_some()
    }

    /// What does not follow from the batches that were copied: producers whose batches are gone, epochs without any.
    pub(crate) fn take_state_of(&mut self, log: &Self) {
        self.producers = log.producers.clone();
        self.epochs = log.epochs.clone();
    }

    /// Syncs everything behind the last time. The segment that is written is synced again the next time: closing it changes its
    /// files.
    pub(crate) fn sync_copy(&mut self) -> Result<()> {
        self.flush()?;
        let end = self.active_segment().map_or(0, |segment| segment.base_offset().0);
        let synced = self.sync_behind(self.shared.recovery_point());
        self.context.fence.guard(synced)?;
        self.shared.advance_recovery_point(end);
        Ok(())
    }

    /// Goes on in the files of `copy`, which holds the same. Gives back what is left in the old directory, to be removed.
    pub(crate) fn become_copy(&mut self, copy: Self) -> Self {
        assert_eq!(self.shared.log_end(), copy.shared.log_end(), "a copy ends where its log does");
        assert_eq!(self.key(), copy.key(), "a copy is of the same partition");
        let departed = Self {
            shared: Arc::new(Shared::new(self.key(), &HotBudget::new(0))),
            context: std::mem::replace(&mut self.context, copy.context),
            config: Arc::clone(&self.config),
            place: std::mem::replace(&mut self.place, copy.place),
            has_dir: std::mem::replace(&mut self.has_dir, copy.has_dir),
            active: self.active,
            staged: Staged::default(),
            producers: self.producers.clone(),
            epochs: self.epochs.clone(),
            deleting: std::mem::take(&mut self.deleting),
            unsynced: self.unsynced,
        };
        self.active = Active { jitter_ms: self.active.jitter_ms, ..copy.active };
        let (old, new) = (self.segments(), copy.shared.segments.load_full());
        self.shared.segments.store(new);
        departed.shared.segments.store(old);
        // The copy was synced as a whole.
        self.shared.advance_recovery_point(self.shared.log_end());
        departed
    }

    /// Nothing is appended any more: the directory that the log belongs to now has failed.
    pub(crate) fn go_offline(&mut self, context: &Arc<LogContext>) {
        self.context = Arc::clone(context);
    }
}
