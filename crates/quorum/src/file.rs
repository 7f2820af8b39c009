//! The metadata log of one node on its disk: snapshots, and log files that follow them.
//!
//! ```text
//! <folder>/snapshot-<end offset, 20 digits>   the image of all records below that offset
//! <folder>/log-<first offset, 20 digits>      frames from that offset on
//! ```
//!
//! Invariants: there is at most one frame that is written and not synced, at the end of the last log file; after a failed
//! write or sync nothing more is written (what the disk holds is unknown until it is read again at the next start).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use env::{Disk, File, Open};
use metadata::Record;
use thiserror::Error;

use crate::frame::{self, Batch, FrameError, Purpose};

/// The log cannot be opened or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file system failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// How.
        source: io::Error,
    },
    /// A file is not readable as what it should be.
    #[error("{}: {source}", path.display())]
    Frame {
        /// Where.
        path: PathBuf,
        /// How.
        source: FrameError,
    },
    /// Records are missing between two files.
    #[error("{}: it begins at record {found}, but the records from {wanted} on are missing", path.display())]
    Gap {
        /// The file behind the gap.
        path: PathBuf,
        /// The offset expected.
        wanted: u64,
        /// The offset found.
        found: u64,
    },
    /// An earlier write failed, so that nothing more may follow it.
    #[error("an earlier write to the metadata log failed; it is read again at the next start")]
    Poisoned,
}

/// What a log held when it was opened.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The newest snapshot: its end offset and its records.
    pub snapshot: Option<(u64, Vec<Record>)>,
    /// How long the file of that one is.
    pub snapshot_bytes: u64,
    /// What was committed behind it.
    pub batches: Vec<Batch>,
    /// How many bytes of a torn last write were cut off.
    pub torn_bytes: u64,
}

/// The open log.
#[derive(Debug)]
pub struct LogFile {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file: Arc<dyn File>,
    path: PathBuf,
    position: u64,
    end_offset: u64,
    is_poisoned: bool,
}

impl LogFile {
    /// Opens the log in `dir`, which becomes a folder with an empty log if there is nothing.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<(Self, Recovered), FileError> {
        at(dir, disk.create_dir_all(dir))?;
        if let Some(above) = dir.parent() {
            at(above, disk.sync_dir(above))?;
        }
        let names = Names::list(&*disk, dir)?;
        let mut recovered = Recovered::default();
        read_snapshot(&*disk, dir, &names, &mut recovered)?;
        let mut end_offset = recovered.snapshot.as_ref().map_or(0, |(end, _)| *end);
        let mut last = None;
        let first_needed = names.logs.iter().rposition(|first| *first <= end_offset).unwrap_or(0);
        let needed = names.logs.get(first_needed..).unwrap_or_default();
        for (place, first) in needed.iter().enumerate() {
            let path = dir.join(log_name(*first));
            let is_last = place + 1 == needed.len();
            let position = read_log(&*disk, &path, is_last, &mut end_offset, &mut recovered)?;
            last = Some((path, position));
        }
        let log = Self::at_end(disk, dir, last, end_offset)?;
        Ok((log, recovered))
    }

    fn at_end(
        disk: Arc<dyn Disk>,
        dir: &Path,
        last: Option<(PathBuf, u64)>,
        end_offset: u64,
    ) -> Result<Self, FileError> {
        let (path, position) = match last {
            Some(last) if last.1 > 0 => last,
            _ => create_log(&*disk, dir, end_offset, &[])?,
        };
        let file = at(&path, disk.open(&path, Open::Write))?;
        at(&path, file.truncate(position))?;
        Ok(Self { disk, dir: dir.into(), file, path, position, end_offset, is_poisoned: false })
    }

    /// The offset that the next record gets.
    pub fn end_offset(&self) -> u64 {
        self.end_offset
    }

    /// The length of the current log file in bytes.
    pub fn log_bytes(&self) -> u64 {
        self.position
    }

    /// Makes `records` durable, all or none, and returns the offset behind them.
    pub fn append(&mut self, records: &[Record]) -> Result<u64, FileError> {
        if self.is_poisoned {
            return Err(FileError::Poisoned);
        }
        let mut bytes = Vec::new();
        frame::put_frame(self.end_offset, records, &mut bytes);
        let written = self.file.write_all_at(&bytes, self.position).and_then(|()| self.file.sync_data());
        self.is_poisoned = written.is_err();
        at(&self.path, written)?;
        self.position += bytes.len() as u64;
        self.end_offset += records.len() as u64;
        Ok(self.end_offset)
    }

    /// Stores the image of all records before `end_offset` as `records`, begins a new log file behind it with `rest`, what was
    /// committed since, and removes what it makes needless. Gives the length of the image.
    pub fn snapshot(
        &mut self,
        end_offset: u64,
        records: &[Record],
        rest: &[Arc<Batch>],
    ) -> Result<u64, FileError> {
        if self.is_poisoned {
            return Err(FileError::Poisoned);
        }
        // Until all of it is done, it is unknown which log file the next start would read.
        self.is_poisoned = true;
        let bytes = self.replace_with_snapshot(end_offset, records, rest)?;
        self.is_poisoned = false;
        Ok(bytes)
    }

    fn replace_with_snapshot(
        &mut self,
        end_offset: u64,
        records: &[Record],
        rest: &[Arc<Batch>],
    ) -> Result<u64, FileError> {
        let follows = |at: u64, batch: &Arc<Batch>| (batch.first_offset == at).then(|| batch.end_offset());
        let end = rest.iter().try_fold(end_offset, follows);
        assert_eq!(end, Some(self.end_offset), "what is behind a snapshot leads to the log's end");
        let path = self.dir.join(snapshot_name(end_offset));
        let mut bytes = frame::head(Purpose::Snapshot, end_offset);
        frame::put_frame(0, records, &mut bytes);
        at(&path, self.disk.replace(&path, &bytes))?;
        let (path, position) = create_log(&*self.disk, &self.dir, end_offset, rest)?;
        self.file = at(&path, self.disk.open(&path, Open::Write))?;
        (self.path, self.position) = (path, position);
        self.remove_before(end_offset)?;
        Ok(bytes.len() as u64)
    }

    fn remove_before(&self, end_offset: u64) -> Result<(), FileError> {
        let names = Names::list(&*self.disk, &self.dir)?;
        let logs = names.logs.iter().filter(|first| **first < end_offset).map(|first| log_name(*first));
        let old = names.snapshots.iter().filter(|end| **end < end_offset).map(|end| snapshot_name(*end));
        for name in logs.chain(old) {
            let path = self.dir.join(name);
            at(&path, self.disk.remove(&path))?;
        }
        at(&self.dir, self.disk.sync_dir(&self.dir))
    }
}

/// The offsets in the names of a folder's files, ascending.
struct Names {
    logs: Vec<u64>,
    snapshots: Vec<u64>,
}

impl Names {
    fn list(disk: &dyn Disk, dir: &Path) -> Result<Self, FileError> {
        let (mut logs, mut snapshots) = (Vec::new(), Vec::new());
        for entry in at(dir, disk.list(dir))? {
            let (list, digits) = match entry.name.split_once('-') {
                Some(("log", digits)) => (&mut logs, digits),
                Some(("snapshot", digits)) => (&mut snapshots, digits),
                _ => continue,
            };
            // A name that is no number is a file that was being written aside.
            list.extend(digits.parse::<u64>());
        }
        logs.sort_unstable();
        snapshots.sort_unstable();
        Ok(Self { logs, snapshots })
    }
}

fn log_name(first_offset: u64) -> String {
    format!("log-{first_offset:020}")
}

fn snapshot_name(end_offset: u64) -> String {
    format!("snapshot-{end_offset:020}")
}

fn create_log(
    disk: &dyn Disk,
    dir: &Path,
    first_offset: u64,
    batches: &[Arc<Batch>],
) -> Result<(PathBuf, u64), FileError> {
    let path = dir.join(log_name(first_offset));
    let mut bytes = frame::head(Purpose::Log, first_offset);
    for batch in batches {
        frame::put_frame(batch.first_offset, &batch.records, &mut bytes);
    }
    at(&path, disk.replace(&path, &bytes))?;
    Ok((path, bytes.len() as u64))
}

fn read_snapshot(disk: &dyn Disk, dir: &Path, names: &Names, into: &mut Recovered) -> Result<(), FileError> {
    let Some(end) = names.snapshots.last() else { return Ok(()) };
    let path = dir.join(snapshot_name(*end));
    let bytes = at(&path, disk.read(&path))?;
    let end_offset = is(&path, frame::read_head(Purpose::Snapshot, &bytes))?;
    let body = bytes.get(frame::HEAD_BYTES..).unwrap_or_default();
    let (batch, length) = is(&path, frame::read_frame(body))?;
    if length != body.len() {
        return Err(FileError::Frame { path, source: FrameError::Damaged });
    }
    into.snapshot = Some((end_offset, batch.records));
    into.snapshot_bytes = bytes.len() as u64;
    Ok(())
}

/// Reads one log file into `recovered` and returns where its last whole frame ends.
fn read_log(
    disk: &dyn Disk,
    path: &Path,
    is_last: bool,
    end_offset: &mut u64,
    recovered: &mut Recovered,
) -> Result<u64, FileError> {
    let bytes = at(path, disk.read(path))?;
    let found = is(path, frame::read_head(Purpose::Log, &bytes))?;
    if found > *end_offset {
        return Err(FileError::Gap { path: path.into(), wanted: *end_offset, found });
    }
    let mut position = frame::HEAD_BYTES;
    while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
        match frame::read_frame(rest) {
            Ok((batch, length)) => {
                take_batch(path, batch, end_offset, recovered)?;
                position += length;
            }
            Err(FrameError::Damaged) if is_last && !frame::holds_a_frame(rest) => {
                recovered.torn_bytes += rest.len() as u64;
                break;
            }
            Err(source) => return Err(FileError::Frame { path: path.into(), source }),
        }
    }
    Ok(position as u64)
}

/// Keeps a batch unless the snapshot holds it already.
fn take_batch(
    path: &Path,
    batch: Batch,
    end_offset: &mut u64,
    into: &mut Recovered,
) -> Result<(), FileError> {
    if batch.end_offset() <= *end_offset {
        return Ok(());
    }
    if batch.first_offset != *end_offset {
        return Err(FileError::Gap { path: path.into(), wanted: *end_offset, found: batch.first_offset });
    }
    *end_offset = batch.end_offset();
    into.batches.push(batch);
    Ok(())
}

/// Whether a folder holds a metadata log with anything in it, of whichever engine.
pub fn holds_log(disk: &dyn Disk, dir: &Path) -> Result<bool, FileError> {
    if !at(dir, disk.exists(dir))? {
        return Ok(false);
    }
    for entry in at(dir, disk.list(dir))? {
        let path = dir.join(&entry.name);
        let is_log = entry.name.starts_with("log-") || entry.name.starts_with("snapshot-");
        if is_log && !entry.is_dir && at(&path, disk.len(&path))? > frame::HEAD_BYTES as u64 {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, FileError> {
    result.map_err(|source| FileError::Io { path: path.into(), source })
}

pub(crate) fn is<T>(path: &Path, result: Result<T, FrameError>) -> Result<T, FileError> {
    result.map_err(|source| FileError::Frame { path: path.into(), source })
}

#[cfg(test)]
mod tests;
