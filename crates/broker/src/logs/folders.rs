//! The folders of a directory's partitions: what is listed here counts when the next one is placed, and is opened here again.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use log::{LogError, PartitionFolder, PartitionLog};

use super::Dir;

impl Dir {
    pub(super) fn folders(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a partition has its folder of this name here.
    pub fn has_folder(&self, folder: &str) -> bool {
        self.folders().contains(folder)
    }

    /// A partition has no place here any more: its folder is kept under another name, for whoever may want it yet.
    pub(super) fn set_aside(&self, folder: &PartitionFolder) {
        let name = log::names::partition_dir(&folder.topic, folder.partition);
        match self.with(|dir| dir.set_aside(folder)) {
            Some(Ok(to)) => {
                tracing::warn!(folder = name, to = %to.display(), "a partition that is not this node's any more was set aside");
                self.folders().remove(&name);
            }
            Some(Err(error)) => {
                tracing::warn!(folder = name, %error, "a partition that is not this node's any more stays")
            }
            None => {}
        }
    }

    /// A partition has moved to another directory: it is counted there, and as clean as it was here.
    pub fn hand_over(&self, to: &Self, topic: &str, partition: i32) {
        let folder = log::names::partition_dir(topic, partition);
        self.folders().remove(&folder);
        to.folders().insert(folder);
        let Some(clean) = self.cleaned().get(topic, partition) else { return };
        let noted = to.cleaned().set(topic, partition, clean);
        let noted = noted.and_then(|()| self.cleaned().remove(topic, partition).map(drop));
        if let Err(error) = noted {
            tracing::warn!(topic, partition, %error, "the cleaner begins anew with a partition that moved");
        }
    }

    /// The owner of a closed partition takes its folder away: another of its name may be placed anywhere from now on.
    pub fn delete(&self, log: &mut PartitionLog) -> Result<(), LogError> {
        let was = log.dir();
        // Once the directory is closed nothing is open in it, and the renaming is all.
        let deleted = self.with(|dir| dir.delete_partition(log));
        let is_free = deleted.unwrap_or_else(|| log.mark_deleted().map(|()| true))?;
        if let Some(name) = was.file_name().and_then(|name| name.to_str()).filter(|_| is_free) {
            self.folders().remove(name);
        }
        Ok(())
    }
}
