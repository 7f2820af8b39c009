//! One segment: a file of batches with its indexes. Readers share it; closed, it never changes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use env::File;
use records::{BatchHeader, HEADER_SIZE};

use crate::batch;
use crate::error::{Context, LogError, Result};
use crate::files::FileCache;
use crate::index::txn::{self, AbortedTxn};
use crate::index::{OffsetEntry, SparseIndex, TimeEntry};
use crate::names::{self, Kind};
use crate::planted::{self, Bug};
use base::Offset;

/// Where a partition's files are; changes when the folder is renamed.
#[derive(Debug)]
pub(crate) struct Place(Mutex<Arc<Path>>);

impl Place {
    pub fn new(dir: &Path) -> Arc<Self> {
        Arc::new(Self(Mutex::new(dir.into())))
    }

    pub fn dir(&self) -> Arc<Path> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The folder's name.
    pub fn folder(&self) -> String {
        self.dir().file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    }

    pub fn moved_to(&self, dir: &Path) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = dir.into();
    }
}

/// A segment's number within this process: what its open files are kept under.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A file of batches with its indexes.
#[derive(Debug)]
pub struct Segment {
    id: u64,
    base_offset: i64,
    place: Arc<Place>,
    suffix: Mutex<&'static str>,
    /// Whether its name, and that of its folder, would survive a power loss.
    named: AtomicBool,
    len: AtomicU64,
    pub(crate) offsets: SparseIndex<OffsetEntry>,
    pub(crate) times: SparseIndex<TimeEntry>,
    aborted: Mutex<Option<Vec<AbortedTxn>>>,
    /// Of a closed segment: the largest timestamp and the last offset of its batch.
    largest: Mutex<Option<TimeEntry>>,
    files: Arc<FileCache>,
}

impl Segment {
    /// A segment that starts empty.
    pub(crate) fn create(place: &Arc<Place>, base_offset: i64, files: &Arc<FileCache>) -> Self {
        Self {
            offsets: SparseIndex::empty(),
            times: SparseIndex::empty(),
            aborted: Mutex::new(Some(Vec::new())),
            named: AtomicBool::new(false),
            ..Self::load(place, base_offset, 0, files)
        }
    }

    /// A segment that starts empty under the names that the cleaner writes to; what an earlier round left there is overwritten.
    pub(crate) fn cleaned(place: &Arc<Place>, base_offset: i64, files: &Arc<FileCache>) -> Self {
        Self { suffix: Mutex::new(names::CLEANED), ..Self::create(place, base_offset, files) }
    }

    /// Its files were renamed one by one; this is what stands behind their names now.
    pub(crate) fn is_named(&self, suffix: &'static str) {
        *self.suffix() = suffix;
    }

    /// A segment whose files are there.
    pub(crate) fn load(place: &Arc<Place>, base_offset: i64, len: u64, files: &Arc<FileCache>) -> Self {
        Self {
            id: next_id(),
            base_offset,
            place: Arc::clone(place),
            suffix: Mutex::new(""),
            named: AtomicBool::new(true),
            len: AtomicU64::new(len),
            offsets: SparseIndex::on_disk(),
            times: SparseIndex::on_disk(),
            aborted: Mutex::new(None),
            largest: Mutex::new(None),
            files: Arc::clone(files),
        }
    }

    /// The offset in its name; no record of it has a smaller one.
    #[must_use]
    pub fn base_offset(&self) -> Offset {
        Offset(self.base_offset)
    }

    /// Its number within this process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The bytes of batches in it.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// The path of one of its files, as it is named now.
    #[must_use]
    pub fn path(&self, kind: Kind) -> PathBuf {
        let suffix = *self.suffix();
        self.path_with(kind, suffix)
    }

    fn path_with(&self, kind: Kind, suffix: &str) -> PathBuf {
        let path = names::segment_file(&self.place.dir(), self.base_offset, kind);
        if suffix.is_empty() { path } else { names::with_suffix(&path, suffix) }
    }

    fn suffix(&self) -> MutexGuard<'_, &'static str> {
        self.suffix.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of its index files, open; created when missing. A reader that opens it while it is being renamed waits, so that it
    /// finds the right one.
    pub(crate) fn file(&self, kind: Kind) -> std::io::Result<Arc<dyn File>> {
        let suffix = self.suffix();
        self.files.get((self.id, kind), || self.path_with(kind, *suffix))
    }

    /// The file of batches, open.
    pub(crate) fn log(&self) -> Result<Arc<dyn File>> {
        let suffix = self.suffix();
        let path = || self.path_with(Kind::Log, *suffix);
        let failed = |source| LogError::io("open", &path(), source);
        let file = self.files.get_existing((self.id, Kind::Log), path).map_err(failed)?;
        file.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))
    }

    /// One of its files, if it is there.
    fn existing(&self, kind: Kind) -> Result<Option<Arc<dyn File>>> {
        self.files.get_existing((self.id, kind), || self.path(kind)).during("open", (self, kind))
    }

    /// Creates the file of batches, empty.
    pub(crate) fn create_log(&self) -> Result<()> {
        let path = self.path(Kind::Log);
        self.file(Kind::Log).and_then(|file| file.truncate(0)).during("create", &path)
    }

    pub(crate) fn set_len(&self, len: u64) {
        self.len.store(len, Ordering::Release);
    }

    /// Nothing of it is known to be durable: the first sync of its batches is one of its name as well.
    pub(crate) fn distrust_name(&self) {
        self.named.store(false, Ordering::Release);
    }

    /// Closes the files; the next use opens them again.
    pub(crate) fn close_files(&self) {
        self.files.close_segment(self.id);
    }

    /// Renames its files so that they end in `suffix`; open handles go on.
    pub(crate) fn rename(&self, suffix: &'static str) -> Result<()> {
        self.rename_kinds(suffix, &Kind::ALL)
    }

    /// As [`Self::rename`], for some of its files; the others are no longer its own.
    pub(crate) fn rename_kinds(&self, suffix: &'static str, kinds: &[Kind]) -> Result<()> {
        let mut current = self.suffix();
        for kind in kinds {
            let (from, to) = (self.path_with(*kind, *current), self.path_with(*kind, suffix));
            match self.files.disk().rename(&from, &to) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LogError::io("rename", &from, error));
                }
                _ => {}
            }
        }
        *current = suffix;
        Ok(())
    }

    /// Removes its files.
    pub(crate) fn remove_files(&self) -> Result<()> {
        self.files.close_segment(self.id);
        for kind in Kind::ALL {
            let path = self.path(kind);
            match self.files.disk().remove(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LogError::io("remove", &path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A position in the file at or before the batch that holds `offset`.
    pub(crate) fn position_for(&self, offset: i64) -> Result<u64> {
        let key = offset - self.base_offset;
        let entry =
            self.offsets.floor(key, &|| self.file(Kind::Index)).during("search", (self, Kind::Index))?;
        // The entry names its batch by the last offset, so that the batch of `offset` starts there or later.
        Ok(entry.map_or(0, |entry| u64::try_from(entry.position).unwrap_or(0)))
    }

    /// The offset before which every record is older than `timestamp`, from the time index: where a scan may start.
    pub(crate) fn offset_before_timestamp(&self, timestamp: i64) -> Result<i64> {
        let floor = self.times.floor(timestamp - 1, &|| self.file(Kind::TimeIndex));
        let entry = floor.during("search", (self, Kind::TimeIndex))?;
        Ok(entry.map_or(self.base_offset, |entry| self.base_offset + i64::from(entry.relative)))
    }

    /// Of a closed segment: its largest timestamp and the last offset of the batch that holds it.
    pub(crate) fn largest(&self) -> Result<TimeEntry> {
        let mut largest = self.largest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = *largest {
            return Ok(known);
        }
        let entry = self.last_time_entry()?.unwrap_or(TimeEntry { timestamp: -1, relative: 0 });
        *largest = Some(entry);
        Ok(entry)
    }

    /// When it was last written to, where the disk knows.
    pub(crate) fn modified_ms(&self) -> Result<Option<i64>> {
        self.files.disk().modified_ms(&self.path(Kind::Log)).during("look at", (self, Kind::Log))
    }

    /// The last entry of the time index.
    pub(crate) fn last_time_entry(&self) -> Result<Option<TimeEntry>> {
        self.times.last(&|| self.file(Kind::TimeIndex)).during("read", (self, Kind::TimeIndex))
    }

    /// The segment is written again: what was noted of it as a closed one holds no longer.
    pub(crate) fn reopen(&self) {
        *self.largest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The header at `position`; `None` at the end.
    pub(crate) fn header_at(&self, file: &dyn File, position: u64) -> Result<Option<BatchHeader>> {
        let end = self.size();
        if position >= end {
            return Ok(None);
        }
        let mut bytes = [0; HEADER_SIZE];
        let count = file.read_full_at(&mut bytes, position).during("read", (self, Kind::Log))?;
        let header = bytes.get(..count).ok_or("nothing is left").and_then(batch::header);
        let header = header.and_then(|header| {
            if position + header.size() as u64 > end { Err("the batch is cut off") } else { Ok(header) }
        });
        header.map(Some).map_err(|reason| self.corrupt(position, -1, reason))
    }

    /// `len` bytes from `position`.
    pub(crate) fn bytes_at(&self, file: &dyn File, position: u64, len: usize) -> Result<Bytes> {
        let mut bytes = BytesMut::zeroed(len);
        file.read_exact_at(&mut bytes, position).during("read", (self, Kind::Log))?;
        Ok(bytes.freeze())
    }

    pub(crate) fn corrupt(&self, position: u64, offset: i64, reason: &'static str) -> LogError {
        LogError::Corrupt { path: self.path(Kind::Log), position, offset: Offset(offset), reason }
    }

    /// The aborted transactions whose markers are in it, as they were written.
    pub(crate) fn aborted(&self) -> Result<Vec<AbortedTxn>> {
        let mut aborted = self.aborted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*aborted {
            return Ok(known.clone());
        }
        let path = self.path(Kind::TxnIndex);
        let disk = self.files.disk();
        let found = match disk.read(&path) {
            Ok(bytes) => txn::read_all(&bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(LogError::io("read", &path, error)),
        };
        *aborted = Some(found.clone());
        Ok(found)
    }

    /// Adds an aborted transaction, to memory and to the file.
    pub(crate) fn push_aborted(&self, aborted_txn: AbortedTxn) -> Result<()> {
        let mut all = self.aborted()?;
        all.push(aborted_txn);
        self.set_aborted(all)
    }

    /// Replaces the transaction index; without entries there is no file.
    pub(crate) fn set_aborted(&self, all: Vec<AbortedTxn>) -> Result<()> {
        let path = self.path(Kind::TxnIndex);
        let mut bytes = Vec::with_capacity(all.len() * txn::ENTRY_BYTES);
        all.iter().for_each(|entry| entry.write(&mut bytes));
        if !bytes.is_empty() || self.files.disk().exists(&path).during("look for", &path)? {
            let file = self.file(Kind::TxnIndex).during("open", &path)?;
            file.write_all_at(&bytes, 0).during("write", &path)?;
            file.truncate(bytes.len() as u64).during("truncate", &path)?;
        }
        *self.aborted.lock().unwrap_or_else(PoisonError::into_inner) = Some(all);
        Ok(())
    }

    /// Forgets transactions whose markers lie at or behind `end`.
    pub(crate) fn keep_aborted(&self, end: i64) -> Result<()> {
        let mut all = self.aborted()?;
        let before = all.len();
        all.retain(|txn| txn.last_offset.0 < end);
        if all.len() == before { Ok(()) } else { self.set_aborted(all) }
    }

    /// Makes its batches durable, and its name if need be; returns how often the disk was waited for. A segment that is gone
    /// needs nothing.
    pub(crate) fn sync_batches(&self) -> Result<usize> {
        let Some(file) = self.existing(Kind::Log)? else { return Ok(0) };
        if planted::has(Bug::SyncOfTheWrongFile) {
            self.file(Kind::Index).and_then(|file| file.sync_data()).during("sync", (self, Kind::Log))?;
        } else {
            file.sync_data().during("sync", (self, Kind::Log))?;
        }
        if self.named.load(Ordering::Acquire) {
            return Ok(1);
        }
        let (disk, path) = (self.files.disk(), self.path(Kind::Log));
        if !disk.exists(&path).during("look for", &path)? {
            return Ok(1);
        }
        let dir = self.place.dir();
        let metadata = dir.join(names::PARTITION_METADATA);
        let metadata_file = disk.open(&metadata, env::Open::Write).during("open", &metadata)?;
        metadata_file.sync_data().during("sync", &metadata)?;
        if !planted::has(Bug::LostName) {
            disk.sync_dir(&dir).during("sync", &dir)?;
        }
        let parent = dir.parent().unwrap_or(&dir);
        if !planted::has(Bug::LostFolder) {
            disk.sync_dir(parent).during("sync", parent)?;
        }
        self.named.store(true, Ordering::Release);
        Ok(4)
    }

    /// Makes all its files durable; their names are for [`env::Disk::sync_dir`].
    pub(crate) fn sync(&self) -> Result<()> {
        for kind in [Kind::Log, Kind::Index, Kind::TimeIndex, Kind::TxnIndex, Kind::Snapshot] {
            if let Some(file) = self.existing(kind)? {
                file.sync_data().during("sync", (self, kind))?;
            }
        }
        Ok(())
    }

    /// Empties both index files, durably: another crash must not leave a mixture of what they held and what is written now.
    pub(crate) fn empty_indexes(&self) -> Result<()> {
        for kind in [Kind::Index, Kind::TimeIndex] {
            let Some(file) = self.existing(kind)? else { continue };
            if !file.is_empty().during("look at", (self, kind))? {
                file.truncate(0).during("empty", (self, kind))?;
                file.sync_data().during("sync", (self, kind))?;
            }
        }
        Ok(())
    }

    /// Closes both indexes: what is in memory goes to the files.
    pub(crate) fn close_indexes(&self) -> Result<()> {
        self.offsets.close(&|| self.file(Kind::Index)).during("close", (self, Kind::Index))?;
        self.times.close(&|| self.file(Kind::TimeIndex)).during("close", (self, Kind::TimeIndex))
    }
}
