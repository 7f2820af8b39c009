//! The disk: what a log needs of a file system, and not one call more.
//!
//! Promises that the callers build on, and no others:
//! - what was written is there after a crash only if [`File::sync_data`] on that file succeeded since;
//! - a file's name (created, renamed, removed) is there after a crash only if [`Disk::sync_dir`] on its folder succeeded since;
//! - a rename is atomic;
//! - unsynced writes survive or vanish independently, 512 bytes at a time, in any order;
//! - after a failed sync nothing is known about what was written since the last good one.

use std::any::Any;
use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

/// How a file is opened; all but [`Open::Read`] allow reading and writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Open {
    /// Must exist; no writing.
    Read,
    /// Must exist.
    Write,
    /// Is created when missing.
    Create,
    /// Is created when missing, emptied otherwise.
    Truncate,
}

/// One name in a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// The name within the folder.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_dir: bool,
}

/// The room on a file system, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Room for unprivileged writers.
    pub available: u64,
    /// The size of the file system.
    pub total: u64,
}

/// Held as long as a lock is; letting go releases it.
pub type Guard = Box<dyn Any + Send + Sync>;

/// A file system.
pub trait Disk: Send + Sync + Debug {
    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>>;
    /// Whether a file or folder has this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// What a folder holds, in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    /// A file's length in bytes, without opening it.
    fn len(&self, path: &Path) -> io::Result<u64>;
    /// When a file was last written to, in milliseconds of the wall clock; `None` where that is not kept.
    fn modified_ms(&self, _path: &Path) -> io::Result<Option<i64>> {
        Ok(None)
    }
    /// Creates a folder and those above it.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Removes a folder with all it holds.
    fn remove_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Removes a file; open handles go on reading.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames a file or folder, replacing a file of the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes everything on the file system of `path` durable: cheaper than many single syncs (Linux 5.8 reports its errors).
    fn sync_filesystem(&self, path: &Path) -> io::Result<()>;
    /// How many files are worth syncing at once, from as many threads: waits for the disk overlap then. One where the order of calls
    /// must repeat itself.
    fn syncs_at_once(&self) -> usize {
        1
    }
    /// The room left where `path` lies.
    fn space(&self, path: &Path) -> io::Result<Space>;
    /// Takes the exclusive advisory lock on a file, creating it; `None` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Guard>>;

    /// A whole small file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.open(path, Open::Read)?;
        let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Replaces a small file so that a crash leaves the old or the new content: written aside, synced, renamed, folder synced.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let aside = aside(path);
        let file = self.open(&aside, Open::Truncate)?;
        file.write_all_at(bytes, 0)?;
        file.sync_data()?;
        drop(file);
        self.rename(&aside, path)?;
        self.sync_dir(path.parent().unwrap_or(Path::new(".")))
    }
}

/// The name under which [`Disk::replace`] prepares a file: the name with `.tmp` behind it, as Kafka has it.
fn aside(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}

/// An open file. All positions are in bytes from its start; there is no cursor.
pub trait File: Send + Sync + Debug {
    /// Reads up to `bytes.len()` bytes; fewer at the end of the file.
    fn read_at(&self, bytes: &mut [u8], position: u64) -> io::Result<usize>;
    /// Writes up to `bytes.len()` bytes.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize>;
    /// Writes the slices one behind the other; may stop early.
    fn write_vectored_at(&self, slices: &[IoSlice<'_>], position: u64) -> io::Result<usize>;
    /// Makes the content and the length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts or extends the file to `len` bytes.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether nothing is in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Reserves blocks for `len` bytes from `position` without changing the length. Where the file system cannot, nothing happens.
    fn allocate(&self, position: u64, len: u64) -> io::Result<()>;
    /// The descriptor, where there is one (for `sendfile`).
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Reads exactly `bytes.len()` bytes or fails with `UnexpectedEof`.
    fn read_exact_at(&self, bytes: &mut [u8], position: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, position + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => done += count,
            }
        }
        Ok(())
    }

    /// Reads as much of `bytes` as the file holds and says how much that was.
    fn read_full_at(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, position + done as u64)? {
                0 => break,
                count => done += count,
            }
        }
        Ok(done)
    }

    /// Writes all of `bytes`.
    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match self.write_at(rest, position + done as u64)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => done += count,
            }
        }
        Ok(())
    }

    /// Writes all of the slices one behind the other.
    fn write_all_vectored_at(&self, slices: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        /// Linux takes at most this many slices in one call.
        const SLICES_MAX: usize = 1024;
        let mut rest = slices;
        let mut position = position;
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let batch = rest.get(..SLICES_MAX).unwrap_or(rest);
            match self.write_vectored_at(batch, position)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => {
                    IoSlice::advance_slices(&mut rest, count);
                    position += count as u64;
                }
            }
        }
        Ok(())
    }
}
