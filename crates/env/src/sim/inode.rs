//! Files and folders with two faces: what a process sees, and what is durable plus the changes on their way.

use std::collections::BTreeMap;

/// What a number in a folder stands for.
#[derive(Clone, Debug)]
pub(crate) enum Inode {
    File(Content),
    Folder(Folder),
}

impl Inode {
    pub fn sync(&mut self, succeeds: bool) {
        match self {
            Self::File(content) => content.sync(succeeds),
            Self::Folder(folder) => folder.sync(succeeds),
        }
    }
}

/// A change of a file that is not durable yet.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// At this position, these bytes.
    Write(u64, Vec<u8>),
    /// To this length.
    Truncate(u64),
}

impl Change {
    /// The file's length once this is applied to one of `len` bytes.
    pub fn len_after(&self, len: u64) -> u64 {
        match self {
            Self::Write(position, bytes) => len.max(position + bytes.len() as u64),
            Self::Truncate(len) => *len,
        }
    }

    pub fn apply(&self, bytes: &mut Vec<u8>) {
        bytes.resize(self.len_after(bytes.len() as u64) as usize, 0);
        if let Self::Write(position, written) = self {
            let from = *position as usize;
            if let Some(place) = bytes.get_mut(from..from + written.len()) {
                place.copy_from_slice(written);
            }
        }
    }
}

/// A file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    live: Vec<u8>,
    pub durable: Vec<u8>,
    pub pending: Vec<Change>,
}

impl Content {
    pub fn of(bytes: Vec<u8>) -> Self {
        Self { live: bytes.clone(), durable: bytes, pending: Vec::new() }
    }

    pub fn len(&self) -> u64 {
        self.live.len() as u64
    }

    pub fn read(&self, bytes: &mut [u8], position: u64) -> usize {
        let from = usize::try_from(position).unwrap_or(usize::MAX).min(self.live.len());
        let there = self.live.get(from..).unwrap_or_default();
        let count = there.len().min(bytes.len());
        if let (Some(to), Some(there)) = (bytes.get_mut(..count), there.get(..count)) {
            to.copy_from_slice(there);
        }
        count
    }

    pub fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    pub fn sync(&mut self, succeeds: bool) {
        for change in self.pending.drain(..) {
            if succeeds {
                change.apply(&mut self.durable);
            }
        }
    }

    pub fn rot(&mut self, position: u64, mask: u8) {
        let place = position as usize;
        for bytes in [&mut self.live, &mut self.durable] {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= mask;
            }
        }
    }
}

/// A change of a folder that is not durable yet; each is atomic.
#[derive(Clone, Debug)]
pub(crate) enum DirChange {
    Link(String, u64),
    Unlink(String),
    Rename(String, String),
}

impl DirChange {
    pub fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Link(name, id) => {
                names.insert(name.clone(), *id);
            }
            Self::Unlink(name) => {
                names.remove(name);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
        }
    }
}

/// A folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folder {
    pub names: BTreeMap<String, u64>,
    pub durable: BTreeMap<String, u64>,
    pub pending: Vec<DirChange>,
}

impl Folder {
    pub fn change(&mut self, change: DirChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    pub fn sync(&mut self, succeeds: bool) {
        for change in self.pending.drain(..) {
            if succeeds {
                change.apply(&mut self.durable);
            }
        }
    }
}
