//! A disk in memory that stops at a chosen call and forgets what was not made durable.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use env::{Disk, Entry, File, Guard, Open, Random, SeededRandom, Space};

#[derive(Debug, Default, Clone)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
}

type Inode = Arc<Mutex<Content>>;

#[derive(Debug, Clone)]
enum NameChange {
    Create(PathBuf, Inode),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Debug, Default)]
struct State {
    dirs: BTreeSet<PathBuf>,
    names: BTreeMap<PathBuf, Inode>,
    durable: BTreeMap<PathBuf, Inode>,
    pending: Vec<NameChange>,
    /// Changes that may still be made; then every call fails.
    changes_left: Option<u64>,
}

#[derive(Debug, Default, Clone)]
pub(super) struct CrashDisk(Arc<Mutex<State>>);

impl CrashDisk {
    /// The next `changes` changes succeed, and not one more.
    pub fn stop_after(&self, changes: u64) {
        self.0.lock().unwrap().changes_left = Some(changes);
    }

    /// Whether it stopped.
    pub fn has_stopped(&self) -> bool {
        self.0.lock().unwrap().changes_left == Some(0)
    }

    /// Everything as it is now, on a disk of its own: what a killed process leaves behind.
    pub fn after_kill(&self) -> Self {
        let state = self.0.lock().unwrap();
        copy(&state.dirs, &state.names, |content| content.now.clone())
    }

    /// What a loss of power leaves behind: of what was not synced, some.
    pub fn after_power_loss(&self, seed: u64) -> Self {
        let random = SeededRandom::new(seed);
        let state = self.0.lock().unwrap();
        let mut names = state.durable.clone();
        for change in &state.pending {
            if random.below(2) == 1 {
                apply(&mut names, change);
            }
        }
        let keep = |content: &Content| {
            if random.below(2) == 1 { content.now.clone() } else { content.synced.clone() }
        };
        copy(&state.dirs, &names, keep)
    }

    pub fn file_names(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state.names.keys().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    fn change(&self, change: NameChange) -> io::Result<()> {
        self.spend()?;
        let mut state = self.0.lock().unwrap();
        apply(&mut state.names, &change);
        state.pending.push(change);
        Ok(())
    }

    fn spend(&self) -> io::Result<()> {
        match &mut self.0.lock().unwrap().changes_left {
            Some(0) => Err(io::Error::other("the machine has stopped")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn inode(&self, path: &Path) -> io::Result<Inode> {
        self.0.lock().unwrap().names.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Inode>, change: &NameChange) {
    match change {
        NameChange::Create(path, inode) => {
            names.insert(path.clone(), Arc::clone(inode));
        }
        NameChange::Remove(path) => {
            names.remove(path);
        }
        NameChange::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}

fn copy(
    dirs: &BTreeSet<PathBuf>,
    names: &BTreeMap<PathBuf, Inode>,
    keep: impl Fn(&Content) -> Vec<u8>,
) -> CrashDisk {
    let inode = |inode: &Inode| {
        let now = keep(&inode.lock().unwrap());
        Arc::new(Mutex::new(Content { synced: now.clone(), now }))
    };
    let names: BTreeMap<_, _> = names.iter().map(|(path, content)| (path.clone(), inode(content))).collect();
    let state = State { dirs: dirs.clone(), durable: names.clone(), names, ..State::default() };
    CrashDisk(Arc::new(Mutex::new(state)))
}

impl Disk for CrashDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let inode = match (self.inode(path), how) {
            (Err(_), Open::Create | Open::Truncate) => {
                let inode = Inode::default();
                self.change(NameChange::Create(path.to_owned(), Arc::clone(&inode)))?;
                inode
            }
            (found, _) => found?,
        };
        if how == Open::Truncate {
            self.spend()?;
            inode.lock().unwrap().now.clear();
        }
        Ok(Arc::new(CrashFile { disk: self.clone(), inode }))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.0.lock().unwrap();
        Ok(state.names.contains_key(path) || state.dirs.contains(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let state = self.0.lock().unwrap();
        if !state.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        Ok(inside.map(|path| Entry { name: name(path), is_dir: false }).collect())
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        Ok(self.inode(path)?.lock().unwrap().now.len() as u64)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.0.lock().unwrap().dirs.insert(dir.to_owned());
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.dirs.remove(dir);
        state.names.retain(|path, _| path.parent() != Some(dir));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inode(path)?;
        self.change(NameChange::Remove(path.to_owned()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inode(from)?;
        self.change(NameChange::Rename(from.to_owned(), to.to_owned()))
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        self.spend()?;
        let mut state = self.0.lock().unwrap();
        state.durable = state.names.clone();
        state.pending.clear();
        Ok(())
    }

    fn sync_filesystem(&self, path: &Path) -> io::Result<()> {
        self.sync_dir(path)
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        Ok(Space { available: 1 << 40, total: 1 << 40 })
    }

    fn lock(&self, _path: &Path) -> io::Result<Option<Guard>> {
        Ok(Some(Box::new(())))
    }
}

#[derive(Debug)]
struct CrashFile {
    disk: CrashDisk,
    inode: Inode,
}

impl File for CrashFile {
    fn read_at(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let content = self.inode.lock().unwrap();
        let from = content.now.get(position as usize..).unwrap_or_default();
        let count = from.len().min(bytes.len());
        bytes[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        self.disk.spend()?;
        let mut content = self.inode.lock().unwrap();
        let end = position as usize + bytes.len();
        if content.now.len() < end {
            content.now.resize(end, 0);
        }
        content.now[position as usize..end].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_vectored_at(&self, slices: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.write_at(&bytes, position)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.spend()?;
        let mut content = self.inode.lock().unwrap();
        content.synced = content.now.clone();
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.spend()?;
        self.inode.lock().unwrap().now.resize(len as usize, 0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.inode.lock().unwrap().now.len() as u64)
    }

    fn allocate(&self, _position: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }
}
