//! The open files of a node: a bounded cache, so that an idle partition holds no descriptor.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use env::{Disk, File, Open};

use crate::error::is_exhausted;
use crate::names::Kind;

/// What a file is kept under: the segment's number within this process and which of its files.
pub(crate) type FileKey = (u64, Kind);

/// Open files by segment; the one unused for longest is closed when there are too many.
///
/// Closing means letting go: whoever still holds the `Arc` reads on.
#[derive(Debug)]
pub struct FileCache {
    disk: Arc<dyn Disk>,
    capacity: usize,
    open: Mutex<OpenFiles>,
}

#[derive(Debug, Default)]
struct OpenFiles {
    by_key: BTreeMap<FileKey, (u64, Arc<dyn File>)>,
    by_use: BTreeMap<u64, FileKey>,
    uses: u64,
}

impl FileCache {
    /// A cache of at most `capacity` files.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, capacity: usize) -> Self {
        Self { disk, capacity: capacity.max(1), open: Mutex::default() }
    }

    /// The disk the files are on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// How many files are open.
    pub fn open_count(&self) -> usize {
        self.lock().by_key.len()
    }

    /// The file, opened (and created when missing) under the path that `path` gives.
    pub(crate) fn get(
        &self,
        key: FileKey,
        path: impl FnOnce() -> std::path::PathBuf,
    ) -> io::Result<Arc<dyn File>> {
        if let Some(file) = self.lock().touch(key) {
            return Ok(file);
        }
        let file = self.open(&path(), Open::Create)?;
        self.lock().insert(key, Arc::clone(&file), self.capacity);
        Ok(file)
    }

    /// The file if it is there already, never created.
    pub(crate) fn get_existing(
        &self,
        key: FileKey,
        path: impl FnOnce() -> PathBuf,
    ) -> io::Result<Option<Arc<dyn File>>> {
        if let Some(file) = self.lock().touch(key) {
            return Ok(Some(file));
        }
        match self.open(&path(), Open::Write) {
            Ok(file) => {
                self.lock().insert(key, Arc::clone(&file), self.capacity);
                Ok(Some(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a file; where the process has no descriptor left, half of the cache makes room for it.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        match self.disk.open(path, how) {
            Err(error) if is_exhausted(&error) && self.lock().close_half() => self.disk.open(path, how),
            other => other,
        }
    }

    /// Lets go of all files of a segment.
    pub(crate) fn close_segment(&self, segment: u64) {
        let mut open = self.lock();
        for kind in Kind::ALL {
            open.remove((segment, kind));
        }
    }

    fn lock(&self) -> MutexGuard<'_, OpenFiles> {
        // The maps are whole between any two statements that can panic.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenFiles {
    fn touch(&mut self, key: FileKey) -> Option<Arc<dyn File>> {
        let (used, file) = self.by_key.get_mut(&key)?;
        let file = Arc::clone(file);
        if *used != self.uses {
            self.by_use.remove(used);
            self.uses += 1;
            *used = self.uses;
            self.by_use.insert(self.uses, key);
        }
        Some(file)
    }

    fn insert(&mut self, key: FileKey, file: Arc<dyn File>, capacity: usize) {
        self.remove(key);
        while self.by_key.len() >= capacity {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.by_key.remove(&oldest);
        }
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        self.by_key.insert(key, (self.uses, file));
    }

    /// Closes those unused for longest; whether there were any.
    fn close_half(&mut self) -> bool {
        let count = self.by_key.len().div_ceil(2);
        for _ in 0..count {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.by_key.remove(&oldest);
        }
        count > 0
    }

    fn remove(&mut self, key: FileKey) {
        if let Some((used, _)) = self.by_key.remove(&key) {
            self.by_use.remove(&used);
        }
    }
}
