//! What a simulated disk holds, and the few ways in which it changes: each is counted, may fail, and is recorded on request.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::fault::{Fault, Faults, FileClass, Operation};
use super::inode::{Change, Content, DirChange, Folder, Inode};
use super::trace::Step;

/// The folder that holds all others.
pub(super) const ROOT: u64 = 0;

#[derive(Debug)]
pub(super) struct State {
    pub inodes: BTreeMap<u64, Inode>,
    pub next_inode: u64,
    /// Rises with each crash; handles from before are dead.
    pub boot: u64,
    /// Operations that change something, counted since the start.
    pub operations: u64,
    /// From this operation on there is no power.
    pub power_ends_at: u64,
    pub faults: Faults,
    pub capacity: u64,
    pub locks: BTreeMap<PathBuf, Arc<()>>,
    pub syncs: BTreeMap<FileClass, u64>,
    /// What is recorded, while it is.
    pub trace: Option<Vec<Step>>,
}

impl State {
    /// A state without limits or faults.
    pub fn of(inodes: BTreeMap<u64, Inode>) -> Self {
        Self {
            next_inode: inodes.last_key_value().map_or(ROOT, |(id, _)| *id) + 1,
            inodes,
            boot: 0,
            operations: 0,
            power_ends_at: u64::MAX,
            faults: Faults::default(),
            capacity: u64::MAX,
            locks: BTreeMap::new(),
            syncs: BTreeMap::new(),
            trace: None,
        }
    }

    pub fn reboot(&mut self) {
        self.boot += 1;
        self.power_ends_at = u64::MAX;
        self.faults = Faults::default();
        self.locks.clear();
    }

    /// Counts an operation and decides its fate.
    pub fn begin(&mut self, operation: Operation, path: &Path) -> io::Result<Fault> {
        if operation.changes() {
            self.operations += 1;
        }
        if self.operations > self.power_ends_at {
            return Err(io::Error::other("the power is off"));
        }
        match self.faults.decide(operation, path) {
            Fault::Error(kind) => Err(kind.into()),
            other => Ok(other),
        }
    }

    /// Fails without power. For syncs: what they should have written may then survive or not, as at any power loss.
    pub fn check_power(&mut self) -> io::Result<()> {
        if self.operations < self.power_ends_at {
            return Ok(());
        }
        self.operations += 1;
        Err(io::Error::other("the power is off"))
    }

    pub fn find(&self, path: &Path) -> io::Result<u64> {
        let mut id = ROOT;
        for component in path.components() {
            let Component::Normal(name) = component else { continue };
            let folder = self.folder(id)?;
            id = *folder.names.get(&*name.to_string_lossy()).ok_or(ErrorKind::NotFound)?;
        }
        Ok(id)
    }

    pub fn folder(&self, id: u64) -> io::Result<&Folder> {
        match self.inodes.get(&id) {
            Some(Inode::Folder(folder)) => Ok(folder),
            _ => Err(ErrorKind::NotADirectory.into()),
        }
    }

    pub fn folder_mut(&mut self, id: u64) -> io::Result<&mut Folder> {
        match self.inodes.get_mut(&id) {
            Some(Inode::Folder(folder)) => Ok(folder),
            _ => Err(ErrorKind::NotADirectory.into()),
        }
    }

    pub fn file(&self, id: u64) -> io::Result<&Content> {
        match self.inodes.get(&id) {
            Some(Inode::File(content)) => Ok(content),
            _ => Err(ErrorKind::IsADirectory.into()),
        }
    }

    pub fn file_mut(&mut self, id: u64) -> io::Result<&mut Content> {
        match self.inodes.get_mut(&id) {
            Some(Inode::File(content)) => Ok(content),
            _ => Err(ErrorKind::IsADirectory.into()),
        }
    }

    /// The folder of a path and the name in it.
    pub fn place(&self, path: &Path) -> io::Result<(u64, String)> {
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        Ok((self.find(path.parent().unwrap_or(Path::new("/")))?, name.to_string_lossy().into_owned()))
    }

    pub fn create(&mut self, path: &Path, inode: Inode) -> io::Result<u64> {
        let (parent, name) = self.place(path)?;
        let id = self.next_inode;
        self.next_inode += 1;
        self.note(|| Step::Insert(id, matches!(inode, Inode::Folder(_))));
        self.inodes.insert(id, inode);
        self.change_names(parent, DirChange::Link(name, id))?;
        Ok(id)
    }

    pub fn used(&self) -> u64 {
        let len = |inode: &Inode| if let Inode::File(content) = inode { content.len() } else { 0 };
        self.inodes.values().map(len).sum()
    }

    pub fn count_sync(&mut self, path: &Path) {
        *self.syncs.entry(FileClass::of(path)).or_default() += 1;
    }

    /// Changes a folder's names.
    pub fn change_names(&mut self, folder: u64, change: DirChange) -> io::Result<()> {
        self.note(|| Step::Names(folder, change.clone()));
        self.folder_mut(folder)?.change(change);
        Ok(())
    }

    /// Changes a file.
    pub fn change_file(&mut self, file: u64, change: Change) -> io::Result<()> {
        self.note(|| Step::Change(file, change.clone()));
        self.file_mut(file)?.change(change);
        Ok(())
    }

    /// Syncs a file or folder; what a failed sync should have kept is lost.
    pub fn sync(&mut self, id: u64, class: FileClass, succeeds: bool) {
        if succeeds {
            self.note(|| Step::Sync(id, class));
        }
        if let Some(inode) = self.inodes.get_mut(&id) {
            inode.sync(succeeds);
        }
    }

    /// Syncs everything.
    pub fn sync_all(&mut self, succeeds: bool) {
        if succeeds {
            self.note(|| Step::SyncAll);
        }
        self.inodes.values_mut().for_each(|inode| inode.sync(succeeds));
    }

    fn note(&mut self, step: impl FnOnce() -> Step) {
        if let Some(trace) = &mut self.trace {
            trace.push(step());
        }
    }
}
