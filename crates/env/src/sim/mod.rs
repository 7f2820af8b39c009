//! A disk in memory that keeps apart what is written and what is durable, loses power when told, and fails on request.
//!
//! It promises what [`crate::Disk`] says and breaks everything else: a crash keeps any version that each 512-byte sector had
//! since the last sync, any length the file had, and any part of the names that were not synced.
//!
//! ```
//! use env::{Disk, Open, SimDisk};
//! let disk = SimDisk::new();
//! let file = disk.open("/f".as_ref(), Open::Create)?;
//! file.write_all_at(b"gone", 0)?;
//! disk.crash(7);                                  // neither the bytes nor the name were synced
//! # Ok::<(), std::io::Error>(())
//! ```

mod crash;
mod fault;
mod inode;
mod state;
#[cfg(test)]
mod tests;
mod trace;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use fault::{Fault, FileClass, Operation};
pub use trace::{Images, Trace};

use crate::disk::{Disk, Entry, File, Guard, Open, Space};
use fault::Faults;
use inode::{Change, Content, DirChange, Folder, Inode};
use state::{ROOT, State};

/// A disk in memory, for tests; clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Mutex<State>>);

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// An empty disk without limits or faults.
    #[must_use]
    pub fn new() -> Self {
        Self::of(BTreeMap::from([(ROOT, Inode::Folder(Folder::default()))]))
    }

    pub(crate) fn of(inodes: BTreeMap<u64, Inode>) -> Self {
        Self(Arc::new(Mutex::new(State::of(inodes))))
    }

    /// Records every change and every sync from here on.
    pub fn record(&self) {
        self.state().trace = Some(Vec::new());
    }

    /// How many steps were recorded so far.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.state().trace.as_ref().map_or(0, Vec::len)
    }

    /// Ends the recording of a disk that was empty when it began.
    #[must_use]
    pub fn take_trace(&self) -> Trace {
        Trace::new(self.state().trace.take().unwrap_or_default())
    }

    /// Loses power: what was not synced survives in parts that `seed` chooses; all open files and locks are gone. Power and
    /// faults are back in order.
    pub fn crash(&self, seed: u64) {
        let mut state = self.state();
        crash::crash(&mut state.inodes, seed);
        state.reboot();
    }

    /// Loses all processes but not power, as `kill -9` does: everything written is there.
    pub fn kill(&self) {
        self.state().reboot();
    }

    /// The power goes before the operation with this number; every operation from then on fails.
    pub fn cut_power_at(&self, operation: u64) {
        self.state().power_ends_at = operation;
    }

    /// How many operations have changed (or synced) something so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Asks `decide` before each operation whether it is to fail.
    pub fn set_faults(&self, decide: impl FnMut(Operation, &Path) -> Fault + Send + 'static) {
        self.state().faults = Faults::deciding(decide);
    }

    /// No faults from here on.
    pub fn clear_faults(&self) {
        self.state().faults = Faults::default();
    }

    /// The bytes that all files together may have.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Changes one byte of a file, durably, as rot does.
    pub fn rot(&self, path: &Path, position: u64, mask: u8) {
        let mut state = self.state();
        if let Ok(id) = state.find(path)
            && let Some(Inode::File(content)) = state.inodes.get_mut(&id)
        {
            content.rot(position, mask);
        }
    }

    /// How many syncs succeeded, per class of file.
    #[must_use]
    pub fn syncs(&self) -> BTreeMap<FileClass, u64> {
        self.state().syncs.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let mut state = self.state();
        let inode = match state.find(path) {
            Ok(inode) => {
                state.begin(Operation::Open, path)?;
                inode
            }
            Err(error) if matches!(how, Open::Read | Open::Write) => return Err(error),
            Err(_) => {
                state.begin(Operation::Create, path)?;
                state.create(path, Inode::File(Content::default()))?
            }
        };
        if how == Open::Truncate {
            state.change_file(inode, Change::Truncate(0))?;
        }
        state.file(inode)?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode, boot: state.boot, path: path.to_owned() }))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.state().find(path).is_ok())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.state();
        state.begin(Operation::List, dir)?;
        let id = state.find(dir)?;
        let names = state.folder(id)?.names.iter();
        let is_dir = |id: &u64| matches!(state.inodes.get(id), Some(Inode::Folder(_)));
        Ok(names.map(|(name, id)| Entry { name: name.clone(), is_dir: is_dir(id) }).collect())
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let state = self.state();
        Ok(state.file(state.find(path)?)?.len())
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        let mut path = PathBuf::from("/");
        for component in dir.components() {
            let Component::Normal(name) = component else { continue };
            path.push(name);
            if state.find(&path).is_err() {
                state.begin(Operation::Create, &path)?;
                state.create(&path, Inode::Folder(Folder::default()))?;
            }
        }
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.unlink(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let state = self.state();
        state.file(state.find(path)?)?;
        drop(state);
        self.unlink(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.find(from)?;
        state.begin(Operation::Rename, from)?;
        let ((parent, from), (to_parent, to)) = (state.place(from)?, state.place(to)?);
        if parent != to_parent {
            return Err(ErrorKind::CrossesDevices.into());
        }
        state.change_names(parent, DirChange::Rename(from, to))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        let id = state.find(dir)?;
        state.check_power()?;
        let fate = state.begin(Operation::SyncDir, dir);
        state.folder(id)?;
        state.sync(id, FileClass::Folder, fate.is_ok());
        fate?;
        *state.syncs.entry(FileClass::Folder).or_default() += 1;
        Ok(())
    }

    fn sync_filesystem(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check_power()?;
        let fate = state.begin(Operation::SyncFilesystem, path);
        state.sync_all(fate.is_ok());
        fate.map(|_| ())
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let state = self.state();
        Ok(Space { available: state.capacity.saturating_sub(state.used()), total: state.capacity })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Guard>> {
        drop(self.open(path, Open::Create)?);
        let mut state = self.state();
        let held = state.locks.get(path).is_some_and(|lock| Arc::strong_count(lock) > 1);
        if held {
            return Ok(None);
        }
        let lock = Arc::new(());
        state.locks.insert(path.to_owned(), Arc::clone(&lock));
        Ok(Some(Box::new(lock)))
    }
}

impl SimDisk {
    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.find(path)?;
        state.begin(Operation::Remove, path)?;
        let (parent, name) = state.place(path)?;
        state.change_names(parent, DirChange::Unlink(name))
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: u64,
    boot: u64,
    path: PathBuf,
}

impl SimFile {
    /// The state, if the handle is of this life of the machine.
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.boot == self.boot {
            Ok(state)
        } else {
            Err(io::Error::other("the file was open before a crash"))
        }
    }

    fn change(&self, operation: Operation, change: Change) -> io::Result<usize> {
        let mut state = self.state()?;
        let fate = state.begin(operation, &self.path)?;
        let mut change = change;
        if let (Fault::Short(len), Change::Write(_, bytes)) = (fate, &mut change) {
            bytes.truncate(len.max(1));
        }
        let before = state.file(self.inode)?.len();
        let grown = change.len_after(before).saturating_sub(before);
        if grown > 0 && state.used() + grown > state.capacity {
            return Err(ErrorKind::StorageFull.into());
        }
        let written = if let Change::Write(_, bytes) = &change { bytes.len() } else { 0 };
        state.change_file(self.inode, change)?;
        Ok(written)
    }
}

impl File for SimFile {
    fn read_at(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let mut state = self.state()?;
        let fate = state.begin(Operation::Read, &self.path)?;
        let limit = if let Fault::Short(len) = fate { len.max(1) } else { bytes.len() };
        let limit = limit.min(bytes.len());
        Ok(state.file(self.inode)?.read(bytes.get_mut(..limit).unwrap_or_default(), position))
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        self.change(Operation::Write, Change::Write(position, bytes.to_vec()))
    }

    fn write_vectored_at(&self, slices: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.change(Operation::Write, Change::Write(position, bytes))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state()?;
        state.check_power()?;
        let fate = state.begin(Operation::Sync, &self.path);
        // As in Linux: what a failed sync should have written is clean in the cache, and never written again.
        state.sync(self.inode, FileClass::of(&self.path), fate.is_ok());
        fate?;
        state.count_sync(&self.path);
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.change(Operation::Truncate, Change::Truncate(len)).map(|_| ())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.state()?.file(self.inode)?.len())
    }

    fn allocate(&self, _position: u64, _len: u64) -> io::Result<()> {
        self.state()?.begin(Operation::Allocate, &self.path).map(|_| ())
    }
}
