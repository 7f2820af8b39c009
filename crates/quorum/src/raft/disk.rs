//! A voter's files: who it is and its last vote, its entries, its snapshot.
//!
//! ```text
//! <folder>/voter                             head, frame of one item: directory id, vote if there is one
//! <folder>/log-<first index, 20 digits>      head, frames of entries; a frame's offset is the index of its first entry
//! <folder>/snapshot-<index, 20 digits>       head, frame: what it covers, then the image's records
//! ```
//!
//! A frame that begins at an index that is there already cuts off what was from there on: that is how Raft's conflicts are
//! written, without touching old bytes. Invariants: there is at most one frame that is written and not synced; after a failed
//! write or sync nothing more is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Uuid;
use bytes::Bytes;
use env::{Disk, File, Open, Random};
use metadata::Record;

use super::codec::{Coded, Malformed};
use super::types::{Entry, LogId, SnapshotMeta, Vote};
use crate::FileError;
use crate::file::{at, is};
use crate::frame::{self, FrameError, Purpose};

const VOTER: &str = "voter";

/// What the folder held.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// The last vote.
    pub vote: Option<Vote>,
    /// The newest snapshot: what it covers, its records and its bytes.
    pub snapshot: Option<Snapshot>,
    /// The entries behind it.
    pub entries: BTreeMap<u64, Entry>,
}

/// An image with its place.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub meta: SnapshotMeta,
    pub records: Arc<Vec<Record>>,
    pub bytes: Bytes,
}

impl Snapshot {
    /// Of an image.
    pub fn of(meta: SnapshotMeta, records: Vec<Record>) -> Self {
        let mut bytes = Vec::new();
        let mut items = vec![meta.to_bytes()];
        items.extend(records.iter().map(|record| {
            let mut out = Vec::new();
            record.encode(&mut out);
            out
        }));
        frame::put_items(0, &items, |item: &Vec<u8>, out| out.extend_from_slice(item), &mut bytes);
        Self { meta, records: Arc::new(records), bytes: bytes.into() }
    }

    /// From a frame.
    pub fn read(bytes: Bytes) -> Result<Self, FrameError> {
        let (items, length) = frame::read_items(&bytes)?;
        let (first, rest) = items.items.split_first().ok_or(FrameError::Damaged)?;
        let meta = SnapshotMeta::from_bytes(first).map_err(damaged)?;
        let records = rest.iter().map(|item| Record::decode(item)).collect::<Result<Vec<_>, _>>()?;
        if length != bytes.len() {
            return Err(FrameError::Damaged);
        }
        Ok(Self { meta, records: Arc::new(records), bytes })
    }

    fn index(&self) -> u64 {
        self.meta.last_log_id.as_ref().map_or(0, |id| id.index)
    }
}

fn damaged(_: Malformed) -> FrameError {
    FrameError::Damaged
}

/// The open folder.
#[derive(Debug)]
pub(super) struct Files {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    directory: Uuid,
    file: Arc<dyn File>,
    path: PathBuf,
    position: u64,
    is_poisoned: bool,
}

impl Files {
    /// Opens the folder; an empty one gets an identity of its own.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        random: &dyn Random,
    ) -> Result<(Self, Recovered), FileError> {
        at(dir, disk.create_dir_all(dir))?;
        if let Some(above) = dir.parent() {
            at(above, disk.sync_dir(above))?;
        }
        let mut recovered = Recovered::default();
        let directory = open_voter(&*disk, dir, random, &mut recovered)?;
        let (logs, snapshots) = names(&*disk, dir)?;
        if let Some(index) = snapshots.last() {
            let path = dir.join(snapshot_name(*index));
            let bytes = Bytes::from(at(&path, disk.read(&path))?);
            is(&path, frame::read_head(Purpose::RaftSnapshot, &bytes))?;
            let body = bytes.slice(frame::HEAD_BYTES.min(bytes.len())..);
            recovered.snapshot = Some(is(&path, Snapshot::read(body))?);
        }
        let mut end = None;
        for (place, first) in logs.iter().enumerate() {
            let path = dir.join(log_name(*first));
            let position = read_log(&*disk, &path, place + 1 == logs.len(), &mut recovered.entries)?;
            end = Some((path, position));
        }
        let covered = recovered.snapshot.as_ref().and_then(|snapshot| snapshot.meta.last_log_id);
        if let Some(covered) = covered {
            recovered.entries.retain(|index, _| *index > covered.index);
        }
        check_gaps(dir, covered, &recovered.entries)?;
        let (path, position) = match end {
            Some(end) => end,
            None => create_log(&*disk, dir, 0, &[])?,
        };
        let file = at(&path, disk.open(&path, Open::Write))?;
        at(&path, file.truncate(position))?;
        Ok((Self { disk, dir: dir.into(), directory, file, path, position, is_poisoned: false }, recovered))
    }

    /// The identity of the folder.
    pub fn directory(&self) -> Uuid {
        self.directory
    }

    /// The length of the current log file.
    pub fn log_bytes(&self) -> u64 {
        self.position
    }

    /// Makes a vote durable.
    pub fn save_vote(&mut self, vote: &Vote) -> Result<(), FileError> {
        self.guarded(|files| write_voter(&*files.disk, &files.dir, files.directory, Some(vote)))
    }

    /// Makes frames durable.
    pub fn append(&mut self, frames: &[u8]) -> Result<(), FileError> {
        self.guarded(|files| {
            let written =
                files.file.write_all_at(frames, files.position).and_then(|()| files.file.sync_data());
            at(&files.path, written)?;
            files.position += frames.len() as u64;
            Ok(())
        })
    }

    /// Stores a snapshot; what it makes needless goes with [`Files::purge`].
    pub fn save_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), FileError> {
        self.guarded(|files| {
            let path = files.dir.join(snapshot_name(snapshot.index()));
            let mut bytes = frame::head(Purpose::RaftSnapshot, snapshot.index());
            bytes.extend_from_slice(&snapshot.bytes);
            at(&path, files.disk.replace(&path, &bytes))
        })
    }

    /// Begins a new log file with `rest`, what is left behind `purged`, and removes all before.
    pub fn purge(&mut self, purged: LogId, rest: &[Entry]) -> Result<(), FileError> {
        self.guarded(|files| {
            let (path, position) = create_log(&*files.disk, &files.dir, purged.index + 1, rest)?;
            files.file = at(&path, files.disk.open(&path, Open::Write))?;
            (files.path, files.position) = (path, position);
            let (logs, snapshots) = names(&*files.disk, &files.dir)?;
            let newest = snapshots.last().copied();
            let logs = logs.into_iter().filter(|first| *first <= purged.index).map(log_name);
            let old = snapshots.into_iter().filter(|index| Some(*index) < newest).map(snapshot_name);
            for name in logs.chain(old) {
                let path = files.dir.join(name);
                at(&path, files.disk.remove(&path))?;
            }
            at(&files.dir, files.disk.sync_dir(&files.dir))
        })
    }

    /// Until an action is done it is unknown what the next start would read.
    fn guarded(&mut self, act: impl FnOnce(&mut Self) -> Result<(), FileError>) -> Result<(), FileError> {
        if std::mem::replace(&mut self.is_poisoned, true) {
            return Err(FileError::Poisoned);
        }
        act(self)?;
        self.is_poisoned = false;
        Ok(())
    }
}

/// A frame of entries; without any it only cuts off what was from `first` on.
pub(super) fn put_entries(first: u64, entries: &[Entry], out: &mut Vec<u8>) {
    frame::put_items(first, entries, Coded::put, out);
}

/// As [`put_entries`], of entries that are encoded.
pub(super) fn put_items(first: u64, items: &[Vec<u8>], out: &mut Vec<u8>) {
    frame::put_items(first, items, |item: &Vec<u8>, out| out.extend_from_slice(item), out);
}

fn open_voter(
    disk: &dyn Disk,
    dir: &Path,
    random: &dyn Random,
    into: &mut Recovered,
) -> Result<Uuid, FileError> {
    let path = dir.join(VOTER);
    if !at(&path, disk.exists(&path))? {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        let directory = Uuid::from_random(bytes);
        write_voter(disk, dir, directory, None)?;
        return Ok(directory);
    }
    let bytes = at(&path, disk.read(&path))?;
    is(&path, frame::read_head(Purpose::RaftState, &bytes))?;
    let (items, _) = is(&path, frame::read_items(bytes.get(frame::HEAD_BYTES..).unwrap_or_default()))?;
    let mut item = items.items.first().copied().unwrap_or_default();
    let read = super::codec::take(&mut item).and_then(|directory| {
        into.vote = Option::get(&mut item)?;
        Ok(Uuid(directory))
    });
    is(&path, read.map_err(damaged))
}

fn write_voter(disk: &dyn Disk, dir: &Path, directory: Uuid, vote: Option<&Vote>) -> Result<(), FileError> {
    let path = dir.join(VOTER);
    let mut item = directory.0.to_vec();
    vote.copied().put(&mut item);
    let mut bytes = frame::head(Purpose::RaftState, 0);
    frame::put_items(0, &[item], |item: &Vec<u8>, out| out.extend_from_slice(item), &mut bytes);
    at(&path, disk.replace(&path, &bytes))
}

/// The indices in the names of log files and snapshots, ascending.
fn names(disk: &dyn Disk, dir: &Path) -> Result<(Vec<u64>, Vec<u64>), FileError> {
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
    Ok((logs, snapshots))
}

fn log_name(first: u64) -> String {
    format!("log-{first:020}")
}

fn snapshot_name(index: u64) -> String {
    format!("snapshot-{index:020}")
}

fn create_log(
    disk: &dyn Disk,
    dir: &Path,
    first: u64,
    entries: &[Entry],
) -> Result<(PathBuf, u64), FileError> {
    let path = dir.join(log_name(first));
    let mut bytes = frame::head(Purpose::RaftLog, first);
    if !entries.is_empty() {
        put_entries(first, entries, &mut bytes);
    }
    at(&path, disk.replace(&path, &bytes))?;
    Ok((path, bytes.len() as u64))
}

/// Reads one log file and returns where its last whole frame ends.
fn read_log(
    disk: &dyn Disk,
    path: &Path,
    is_last: bool,
    entries: &mut BTreeMap<u64, Entry>,
) -> Result<u64, FileError> {
    let bytes = at(path, disk.read(path))?;
    is(path, frame::read_head(Purpose::RaftLog, &bytes))?;
    let mut position = frame::HEAD_BYTES;
    while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
        match frame::read_items(rest) {
            Ok((items, length)) => {
                entries.split_off(&items.first_offset);
                for item in items.items {
                    let entry = is(path, Entry::from_bytes(item).map_err(damaged))?;
                    entries.insert(entry.log_id.index, entry);
                }
                position += length;
            }
            Err(FrameError::Damaged) if is_last && !frame::holds_a_frame(rest) => {
                tracing::warn!(bytes = rest.len(), "cut off the torn last write of the metadata log");
                break;
            }
            Err(source) => return Err(FileError::Frame { path: path.into(), source }),
        }
    }
    Ok(position as u64)
}

/// Entries follow each other and the snapshot without a gap.
fn check_gaps(dir: &Path, covered: Option<LogId>, entries: &BTreeMap<u64, Entry>) -> Result<(), FileError> {
    let begin = covered.map_or(0, |id| id.index + 1);
    match (begin..).zip(entries.keys()).find(|(wanted, index)| wanted != *index) {
        Some((wanted, found)) => Err(FileError::Gap { path: dir.into(), wanted, found: *found }),
        None => Ok(()),
    }
}
