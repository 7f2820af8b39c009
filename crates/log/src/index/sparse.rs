//! One sparse index: blocks in the file, the youngest entries in memory.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use env::File;

/// The entries that are kept in memory before they are spilled: 4 to 6 KiB.
const SPILL_ENTRIES: usize = 512;
/// The entries that the last step of a search reads at once.
const BLOCK_ENTRIES: u64 = 256;

/// An entry of a fixed size under a rising key.
pub(crate) trait IndexEntry: Copy + Default {
    /// Its bytes.
    const SIZE: usize;
    /// What it is searched by.
    fn key(self) -> i64;
    /// Appends its bytes.
    fn write(self, bytes: &mut Vec<u8>);
    /// Reads its bytes; `None` when there are too few.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// A source of the index's file; asked only when the answer is not in memory.
pub(crate) type Opener<'a> = &'a dyn Fn() -> io::Result<Arc<dyn File>>;

#[derive(Debug)]
pub(crate) struct SparseIndex<E> {
    inner: Mutex<Inner<E>>,
}

#[derive(Debug)]
struct Inner<E> {
    /// Entries in the file; unknown until first asked for when the segment was loaded.
    on_disk: Option<u64>,
    tail: Vec<E>,
}

impl<E: IndexEntry> SparseIndex<E> {
    /// The index of a segment that is being begun; what the file may hold is overwritten.
    pub fn empty() -> Self {
        Self { inner: Mutex::new(Inner { on_disk: Some(0), tail: Vec::new() }) }
    }

    /// The index of a segment that was closed in order.
    pub fn on_disk() -> Self {
        Self { inner: Mutex::new(Inner { on_disk: None, tail: Vec::new() }) }
    }

    /// Adds an entry; a full block goes to the file.
    pub fn push(&self, entry: E, file: Opener<'_>) -> io::Result<()> {
        let mut inner = self.lock();
        inner.tail.push(entry);
        if inner.tail.len() >= SPILL_ENTRIES { inner.spill(file) } else { Ok(()) }
    }

    /// Writes what is in memory and cuts the file to its entries.
    pub fn close(&self, file: Opener<'_>) -> io::Result<()> {
        let mut inner = self.lock();
        inner.spill(file)?;
        inner.tail = Vec::new();
        let len = inner.count_on_disk(file)? * E::SIZE as u64;
        let file = file()?;
        if file.len()? == len { Ok(()) } else { file.truncate(len) }
    }

    /// Whether the file ends with an entry's last byte.
    pub fn is_whole(&self, file: Opener<'_>) -> io::Result<bool> {
        let _held = self.lock();
        Ok(file()?.len()?.is_multiple_of(E::SIZE as u64))
    }

    /// The bytes of all entries.
    pub fn bytes(&self, file: Opener<'_>) -> io::Result<u64> {
        let mut inner = self.lock();
        Ok((inner.count_on_disk(file)? + inner.tail.len() as u64) * E::SIZE as u64)
    }

    /// The last entry.
    pub fn last(&self, file: Opener<'_>) -> io::Result<Option<E>> {
        let mut inner = self.lock();
        if let Some(entry) = inner.tail.last() {
            return Ok(Some(*entry));
        }
        match inner.count_on_disk(file)? {
            0 => Ok(None),
            count => read_entry(&*file()?, count - 1).map(Some),
        }
    }

    /// The last entry whose key is at most `key`.
    pub fn floor(&self, key: i64, file: Opener<'_>) -> io::Result<Option<E>> {
        let mut inner = self.lock();
        if let Some(place) = inner.tail.partition_point(|entry| entry.key() <= key).checked_sub(1) {
            return Ok(inner.tail.get(place).copied());
        }
        let count = inner.count_on_disk(file)?;
        drop(inner);
        if count == 0 { Ok(None) } else { floor_on_disk(&*file()?, count, key) }
    }

    /// All entries.
    pub fn entries(&self, file: Opener<'_>) -> io::Result<Vec<E>> {
        let mut inner = self.lock();
        let count = inner.count_on_disk(file)?;
        let mut bytes = vec![0; count as usize * E::SIZE];
        if count > 0 {
            file()?.read_exact_at(&mut bytes, 0)?;
        }
        let on_disk = bytes.chunks_exact(E::SIZE).filter_map(E::read);
        Ok(on_disk.chain(inner.tail.iter().copied()).collect())
    }

    /// Forgets all entries from the first for which `beyond` holds, in the file too: what follows may lie at other positions.
    pub fn truncate(&self, beyond: impl Fn(&E) -> bool, file: Opener<'_>) -> io::Result<()> {
        let mut inner = self.lock();
        let keep = inner.tail.partition_point(|entry| !beyond(entry));
        inner.tail.truncate(keep);
        if keep > 0 {
            return Ok(());
        }
        let mut count = inner.count_on_disk(file)?;
        if count > 0 {
            let file = file()?;
            let kept = partition_point_on_disk(&*file, count, |entry: &E| !beyond(entry))?;
            if kept < count {
                file.truncate(kept * E::SIZE as u64)?;
            }
            count = kept;
        }
        inner.on_disk = Some(count);
        Ok(())
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.lock() = Inner { on_disk: Some(0), tail: Vec::new() };
    }

    fn lock(&self) -> MutexGuard<'_, Inner<E>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: IndexEntry> Inner<E> {
    fn count_on_disk(&mut self, file: Opener<'_>) -> io::Result<u64> {
        if let Some(count) = self.on_disk {
            return Ok(count);
        }
        let count = file()?.len()? / E::SIZE as u64;
        self.on_disk = Some(count);
        Ok(count)
    }

    fn spill(&mut self, file: Opener<'_>) -> io::Result<()> {
        if self.tail.is_empty() {
            return Ok(());
        }
        let count = self.count_on_disk(file)?;
        let mut bytes = Vec::with_capacity(self.tail.len() * E::SIZE);
        self.tail.iter().for_each(|entry| entry.write(&mut bytes));
        file()?.write_all_at(&bytes, count * E::SIZE as u64)?;
        self.on_disk = Some(count + self.tail.len() as u64);
        self.tail.clear();
        Ok(())
    }
}

fn read_entry<E: IndexEntry>(file: &dyn File, place: u64) -> io::Result<E> {
    let mut bytes = [0; 16];
    let bytes = bytes.get_mut(..E::SIZE).unwrap_or_default();
    file.read_exact_at(bytes, place * E::SIZE as u64)?;
    E::read(bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn floor_on_disk<E: IndexEntry>(file: &dyn File, count: u64, key: i64) -> io::Result<Option<E>> {
    match partition_point_on_disk(file, count, |entry: &E| entry.key() <= key)? {
        0 => Ok(None),
        place => read_entry(file, place - 1).map(Some),
    }
}

/// The number of leading entries for which `holds` is true: single reads down to one block, then the block at once.
fn partition_point_on_disk<E: IndexEntry>(
    file: &dyn File,
    count: u64,
    holds: impl Fn(&E) -> bool,
) -> io::Result<u64> {
    let (mut low, mut high) = (0, count);
    while high - low > BLOCK_ENTRIES {
        let middle = low + (high - low) / 2;
        if holds(&read_entry(file, middle)?) { low = middle + 1 } else { high = middle }
    }
    let mut bytes = vec![0; (high - low) as usize * E::SIZE];
    file.read_exact_at(&mut bytes, low * E::SIZE as u64)?;
    let leading =
        bytes.chunks_exact(E::SIZE).take_while(|chunk| E::read(chunk).is_some_and(|entry| holds(&entry)));
    Ok(low + leading.count() as u64)
}
