//! What was written and synced, in order, and the images that a power loss at any place of it could have left.
//!
//! ```
//! use env::{Disk, Open, SimDisk};
//! let disk = SimDisk::new();
//! disk.record();
//! disk.open("/f".as_ref(), Open::Create)?.write_all_at(b"x", 0)?;
//! disk.sync_dir("/".as_ref())?;
//! let trace = disk.take_trace();
//! let mut images = trace.images();
//! images.advance_to(trace.len());
//! assert!(images.image(1).exists("/f".as_ref())?);      // the name was synced, the byte may be there or not
//! # Ok::<(), std::io::Error>(())
//! ```

use std::collections::BTreeMap;

use super::fault::FileClass;
use super::inode::{Change, Content, DirChange, Folder, Inode};
use super::state::ROOT;
use super::{SimDisk, crash};

/// One thing that happened to the disk.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A new inode with this number, a folder or a file; its name follows.
    Insert(u64, bool),
    Change(u64, Change),
    Names(u64, DirChange),
    Sync(u64, FileClass),
    SyncAll,
}

/// Everything that happened to a disk that was empty before.
#[derive(Clone, Debug)]
pub struct Trace(Vec<Step>);

impl Trace {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    /// How many steps it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps that sync something, and what.
    pub fn syncs(&self) -> impl Iterator<Item = (usize, FileClass)> {
        self.0.iter().enumerate().filter_map(|(place, step)| match step {
            Step::Sync(_, class) => Some((place, *class)),
            Step::SyncAll => Some((place, FileClass::Other)),
            _ => None,
        })
    }

    /// The disk at the trace's beginning, to be advanced.
    #[must_use]
    pub fn images(&self) -> Images<'_> {
        let root = Inode::Folder(Folder::default());
        Images { steps: &self.0, at: 0, inodes: BTreeMap::from([(ROOT, root)]) }
    }
}

/// The disk at some place of a trace.
#[derive(Clone, Debug)]
pub struct Images<'a> {
    steps: &'a [Step],
    at: usize,
    inodes: BTreeMap<u64, Inode>,
}

impl Images<'_> {
    /// Takes the steps before `place`, from where it is.
    pub fn advance_to(&mut self, place: usize) {
        let (steps, place) = (self.steps, place.min(self.steps.len()));
        for step in steps.get(self.at..place).unwrap_or_default() {
            self.take(step);
        }
        self.at = self.at.max(place);
    }

    /// What a power loss here leaves; `seed` chooses which of what was not synced is dropped, torn or out of order.
    #[must_use]
    pub fn image(&self, seed: u64) -> SimDisk {
        let mut inodes = self.inodes.clone();
        crash::crash(&mut inodes, seed);
        SimDisk::of(inodes)
    }

    fn take(&mut self, step: &Step) {
        let inode = match step {
            Step::Insert(id, is_dir) => {
                let empty = || Inode::File(Content::default());
                let inode = if *is_dir { Inode::Folder(Folder::default()) } else { empty() };
                self.inodes.insert(*id, inode);
                return;
            }
            Step::SyncAll => return self.inodes.values_mut().for_each(|inode| inode.sync(true)),
            Step::Change(id, _) | Step::Names(id, _) | Step::Sync(id, _) => self.inodes.get_mut(id),
        };
        match (step, inode) {
            (Step::Change(_, change), Some(Inode::File(file))) => file.change(change.clone()),
            (Step::Names(_, change), Some(Inode::Folder(folder))) => folder.change(change.clone()),
            (Step::Sync(..), Some(inode)) => inode.sync(true),
            _ => {}
        }
    }
}
