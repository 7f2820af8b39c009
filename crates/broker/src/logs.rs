//! The log directories: opening partitions' logs in them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{Str, TopicIdPartition};
use env::{Disk, OsRandom, RealDisk, Space};
use log::{FileCache, HotBudget, Load, LogConfig, LogContext, LogError, PartitionLog};

/// All log directories of a broker.
#[derive(Debug)]
pub(crate) struct Logs {
    dirs: Vec<Dir>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Dir {
    path: PathBuf,
    context: Arc<LogContext>,
}

impl Logs {
    /// Opens the directories, which are made where they are missing.
    pub fn open(paths: &[PathBuf], files_max: usize, hot_bytes: u64) -> io::Result<Self> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let files = Arc::new(FileCache::new(Arc::clone(&disk), files_max));
        let hot = HotBudget::new(hot_bytes);
        let open = |path: &PathBuf| {
            disk.create_dir_all(path)?;
            let context = Arc::new(LogContext::new(&files, &hot, Arc::new(OsRandom)));
            Ok(Dir { path: path.clone(), context })
        };
        Ok(Self { dirs: paths.iter().map(open).collect::<io::Result<_>>()?, next: AtomicUsize::new(0) })
    }

    /// Opens a partition's log where it is, or places it.
    pub fn partition(
        &self,
        key: TopicIdPartition,
        topic: &Str,
        config: Arc<LogConfig>,
        now_ms: i64,
    ) -> Result<PartitionLog, LogError> {
        let folder = format!("{topic}-{}", key.partition);
        let there = |dir: &&Dir| dir.context.disk.exists(&dir.path.join(&folder)).unwrap_or(false);
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.dirs.len().max(1);
        let dir = self.dirs.iter().find(there).or_else(|| self.dirs.get(place));
        let Some(dir) = dir else { return Err(LogError::Fenced("there is no log directory".into())) };
        let loaded =
            PartitionLog::open(&dir.context, key, &dir.path.join(&folder), config, &Load::unclean(now_ms))?;
        Ok(loaded.log)
    }

    /// The folders, as configured.
    pub fn roots(&self) -> impl Iterator<Item = &Path> {
        self.dirs.iter().map(|dir| dir.path.as_path())
    }

    /// The room on the disk of one of the folders.
    pub fn space(&self, root: &Path) -> io::Result<Space> {
        let dir = self.dirs.iter().find(|dir| dir.path == root).ok_or(io::ErrorKind::NotFound)?;
        dir.context.disk.space(root)
    }

    /// Deletes a partition's folder.
    pub fn delete(&self, dir: &Path) -> io::Result<()> {
        match self.dirs.first() {
            Some(first) if first.context.disk.exists(dir)? => first.context.disk.remove_dir_all(dir),
            _ => Ok(()),
        }
    }
}
