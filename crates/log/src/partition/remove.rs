//! The end of a partition on this node: its folder is renamed at once, and removed when nobody reads from it.

use super::PartitionLog;
use crate::commit::Item;
use crate::error::{Context, Result};
use crate::names;

impl PartitionLog {
    /// Renames the folder to `….<unique>-delete`, so that the name is free; readers that have the log go on reading.
    pub fn mark_deleted(&mut self) -> Result<()> {
        let marked = self.depart(names::DELETE_DIR);
        if marked.is_ok() {
            self.tell(|source| Item::Delete { source });
        }
        self.context.fence.guard(marked)
    }

    /// Renames the folder to `….<unique>-stray`: the cluster knows nothing of this partition, but an operator might.
    pub fn mark_stray(&mut self) -> Result<()> {
        let marked = self.depart(names::STRAY_DIR);
        self.context.fence.guard(marked)
    }

    /// Removes the folder and all in it; after [`Self::mark_deleted`] and `file.delete.delay.ms`. After an error that may pass it can
    /// be asked for again.
    pub fn remove_dir(&mut self) -> Result<()> {
        let dir = self.path();
        self.segments().iter().for_each(|segment| segment.close_files());
        if !self.has_dir {
            return Ok(());
        }
        let removed = self.context.disk.remove_dir_all(&dir).during("remove", &dir);
        self.has_dir = removed.is_err();
        self.context.fence.guard(removed)
    }

    fn depart(&mut self, ending: &str) -> Result<()> {
        self.flush()?;
        self.shared.hot.clear();
        if !self.has_dir {
            return Ok(());
        }
        let dir = self.path();
        let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let random = &self.context.random;
        let unique = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64());
        let to = dir.with_file_name(names::departing_dir(name, unique, ending));
        let disk = &*self.context.disk;
        let owner = crate::dir::read_topic_id(disk, &dir)?;
        if owner.is_some_and(|owner| owner != self.key().topic)
            || !disk.exists(&dir).during("look for", &dir)?
        {
            // Somebody took the folder away, and perhaps a namesake has another there: that is not this log's to rename.
            self.has_dir = false;
            return Ok(());
        }
        disk.rename(&dir, &to).during("rename", &dir)?;
        self.place.moved_to(&to);
        let parent = to.parent().unwrap_or(&to);
        self.context.disk.sync_dir(parent).during("sync", parent)
    }
}
