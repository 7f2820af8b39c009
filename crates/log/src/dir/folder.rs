//! What opening a directory does to its folder: made where it is missing, cleared of what was deleted.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::Ordering;

use env::Disk;

use super::{CLEAN_SHUTDOWN, DirReport, LogDir};
use crate::commit::bounds::Bounds;
use crate::error::{Context, LogError, Result};
use crate::names;
use crate::partition::PartitionLog;
use crate::planted::{self, Bug};

/// Makes the folder and those above it, and their names durable.
pub(super) fn create(disk: &dyn Disk, path: &Path) -> std::io::Result<()> {
    let mut missing = Vec::new();
    for ancestor in path.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()) {
        if disk.exists(ancestor)? {
            break;
        }
        missing.push(ancestor);
    }
    disk.create_dir_all(path)?;
    let parent = |dir: &Path| match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => disk.sync_dir(parent),
        _ => disk.sync_dir(Path::new(".")),
    };
    missing.into_iter().try_for_each(parent)
}

impl LogDir {
    /// The epoch in which the broker is registered, which a stop in order writes down; -1 while it has none.
    #[must_use]
    pub fn broker_epoch(&self) -> i64 {
        self.broker_epoch.load(Ordering::Acquire)
    }

    /// The broker has registered in this epoch.
    pub fn set_broker_epoch(&self, epoch: i64) {
        self.broker_epoch.store(epoch, Ordering::Release);
    }

    /// Renames the folder of a partition that is gone (see [`PartitionLog::mark_deleted`]), which is not open any more then, and
    /// keeps nobody from stopping in order. Returns whether its name is free now: a namesake may have a folder there already.
    pub fn delete_partition(&self, log: &mut PartitionLog) -> Result<bool> {
        let was = log.dir();
        log.mark_deleted()?;
        let name = was.file_name().and_then(|name| name.to_str());
        let is_free = !self.context.disk.exists(&was).unwrap_or(true);
        if let Some(name) = name.filter(|_| is_free) {
            self.note_gone(name);
        }
        Ok(is_free)
    }
}

/// The content of the mark: the epoch in which the broker was registered, -1 if it was in none (KIP-966).
pub(super) fn clean_mark(broker_epoch: i64) -> String {
    format!("version: 0\nbrokerEpoch: {broker_epoch}\n")
}

/// The epoch that a mark names, if it is there and does.
pub(super) fn marked_epoch(disk: &dyn Disk, path: &Path) -> Option<i64> {
    let mark = disk.read(&path.join(CLEAN_SHUTDOWN)).ok()?;
    let epoch =
        std::str::from_utf8(&mark).ok()?.lines().find_map(|line| line.strip_prefix("brokerEpoch:"))?;
    epoch.trim().parse().ok().filter(|epoch| *epoch >= 0)
}

/// Whether the last process stopped in order; the mark is gone, durably, before anything else happens.
pub(super) fn take_clean_mark(disk: &dyn Disk, path: &Path) -> Result<bool> {
    let mark = path.join(CLEAN_SHUTDOWN);
    if planted::has(Bug::CleanMarkStays) {
        return disk.exists(&mark).during("look for", &mark);
    }
    match disk.remove(&mark) {
        Ok(()) => disk.sync_dir(path).during("sync", path).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(LogError::io("remove", &mark, error)),
    }
}

pub(super) fn read_bounds(disk: &dyn Disk, path: &Path, report: &mut DirReport) -> Bounds {
    if report.created {
        return Bounds::of_new();
    }
    Bounds::read(disk, path).unwrap_or_else(|error| {
        report.unreadable_checkpoints = Some(error);
        report.clean = false;
        Bounds::default()
    })
}

/// Removes what deletion left behind.
pub(super) fn remove_departed(disk: &dyn Disk, path: &Path) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    for entry in disk.list(path).during("list", path)? {
        if entry.is_dir && entry.name.ends_with(names::DELETE_DIR) {
            let dir = path.join(&entry.name);
            disk.remove_dir_all(&dir).during("remove", &dir)?;
            removed.push(entry.name);
        }
    }
    Ok(removed)
}
