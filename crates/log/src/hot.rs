//! The hot tail: the youngest batches of a partition, kept in memory so that those who read along touch no file.
//!
//! One writer pushes, any number read without a lock: batches lie in chunks whose slots are set once, and the list of chunks
//! is swapped as a whole. All tails of a node share one budget in bytes; the oldest chunk of the node goes first. What is here
//! is in the file as well, so that letting go loses nothing.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use arc_swap::ArcSwap;
use bytes::Bytes;

/// The batches that a tail's first chunk has room for …
const SLOTS_MIN: usize = 4;
/// … and any chunk at the most: each has twice the room of the one before, so that the list of a busy tail stays short.
const SLOTS_MAX: usize = 512;
/// A chunk with this many bytes of batches takes no more, so that letting go of one never costs much of the tail.
const CHUNK_BYTES_MAX: u64 = 1 << 20;

/// With as many chunks, and each time with twice as many, those that are gone are struck off.
const SWEPT_FROM: usize = 1024;

/// One batch.
#[derive(Debug, Clone)]
pub(crate) struct HotBatch {
    pub first_offset: i64,
    pub next_offset: i64,
    /// The header, where it is not in one piece with the rest; else empty.
    pub head: Bytes,
    /// The rest, or all of it.
    pub body: Bytes,
}

impl HotBatch {
    pub fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

#[derive(Debug)]
struct Chunk {
    first_offset: i64,
    slots: Box<[OnceLock<HotBatch>]>,
    bytes: AtomicU64,
}

/// The bytes that all hot tails of a node may hold together.
#[derive(Debug)]
pub struct HotBudget {
    limit: u64,
    used: AtomicU64,
    /// Weak, so that a chunk that its tail let go of is gone.
    oldest: Mutex<VecDeque<(Weak<HotTail>, Weak<Chunk>)>>,
}

impl HotBudget {
    /// A budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicU64::new(0), oldest: Mutex::default() })
    }

    /// The bytes held now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn enforce(&self) {
        while self.used() > self.limit {
            let Some((tail, chunk)) = lock(&self.oldest).pop_front() else { return };
            if let (Some(tail), Some(chunk)) = (tail.upgrade(), chunk.upgrade()) {
                tail.forget(&chunk);
            }
        }
    }

    fn register(&self, tail: &Arc<HotTail>, chunk: &Arc<Chunk>) {
        let mut oldest = lock(&self.oldest);
        // What is left of chunks that are gone must not pile up in a budget that is never reached.
        if oldest.len() >= SWEPT_FROM && oldest.len().is_power_of_two() {
            oldest.retain(|(_, chunk)| chunk.strong_count() > 0);
        }
        oldest.push_back((Arc::downgrade(tail), Arc::downgrade(chunk)));
    }
}

/// The youngest batches of one partition.
#[derive(Debug)]
pub(crate) struct HotTail {
    budget: Arc<HotBudget>,
    chunks: ArcSwap<Vec<Arc<Chunk>>>,
    /// The lock orders all that change the list.
    last: Mutex<Last>,
}

/// The chunk that was begun last.
#[derive(Debug, Default)]
struct Last {
    slots: usize,
    used: usize,
}

impl Last {
    /// Room for the chunk after it: by what the last one took before it was full, of batches or of bytes.
    fn next_slots(&self) -> usize {
        if self.used < self.slots {
            self.used.max(SLOTS_MIN)
        } else {
            (2 * self.slots).clamp(SLOTS_MIN, SLOTS_MAX)
        }
    }
}

impl HotTail {
    pub fn new(budget: &Arc<HotBudget>) -> Arc<Self> {
        let chunks = ArcSwap::from_pointee(Vec::new());
        Arc::new(Self { budget: Arc::clone(budget), chunks, last: Mutex::default() })
    }

    /// Adds what was appended last.
    pub fn push(self: &Arc<Self>, batch: HotBatch) {
        let size = batch.len() as u64;
        if size > self.budget.limit / 2 {
            // It would push everyone else out; readers find it in the file, and nothing older here may hide that gap.
            self.clear();
            return;
        }
        let begun = self.place(batch);
        let cost = begun.as_ref().map_or(size, |chunk| size + chunk.own_bytes());
        self.budget.used.fetch_add(cost, Ordering::Relaxed);
        if let Some(chunk) = begun {
            self.budget.register(self, &chunk);
        }
        self.budget.enforce();
    }

    /// Puts the batch into a slot; returns the chunk if it had to be begun.
    fn place(&self, batch: HotBatch) -> Option<Arc<Chunk>> {
        let mut last = lock(&self.last);
        let chunks = self.chunks.load();
        let open = chunks.last().filter(|chunk| {
            last.used < chunk.slots.len() && chunk.bytes.load(Ordering::Relaxed) < CHUNK_BYTES_MAX
        });
        if let Some(chunk) = open {
            chunk.set(last.used, batch);
            last.used += 1;
            return None;
        }
        let slots = last.next_slots();
        let chunk = Arc::new(Chunk::new(batch.first_offset, slots));
        chunk.set(0, batch);
        *last = Last { slots, used: 1 };
        let list = chunks.iter().cloned().chain([Arc::clone(&chunk)]).collect();
        self.chunks.store(Arc::new(list));
        Some(chunk)
    }

    /// Lets go of everything: the partition was truncated, or is idle.
    pub fn clear(&self) {
        let last = lock(&self.last);
        self.drop_chunks(&last, |_| true);
    }

    /// Lets go of one chunk and those before it.
    fn forget(&self, chunk: &Arc<Chunk>) {
        let last = lock(&self.last);
        if !self.chunks.load().iter().any(|held| Arc::ptr_eq(held, chunk)) {
            return;
        }
        let upto = chunk.first_offset;
        self.drop_chunks(&last, |held| held.first_offset <= upto);
    }

    /// The list's lock is held.
    fn drop_chunks(&self, _: &MutexGuard<'_, Last>, goes: impl Fn(&Chunk) -> bool) {
        let (gone, kept): (Vec<_>, Vec<_>) =
            self.chunks.load().iter().cloned().partition(|chunk| goes(chunk));
        self.chunks.store(Arc::new(kept));
        let freed = gone.iter().map(|chunk| chunk.bytes.load(Ordering::Relaxed)).sum();
        self.budget.used.fetch_sub(freed, Ordering::Relaxed);
    }

    /// Batches from the one that holds `offset` on, all below `bound`, up to `max_bytes` but at least one when `whole_first`.
    ///
    /// `None` when the tail does not reach back to `offset`.
    pub fn read(
        &self,
        offset: i64,
        bound: i64,
        max_bytes: usize,
        whole_first: bool,
    ) -> Option<Vec<HotBatch>> {
        let chunks = self.chunks.load();
        let start = chunks.partition_point(|chunk| chunk.first_offset <= offset).checked_sub(1)?;
        let mut found = Vec::new();
        let mut bytes = 0_usize;
        let in_first = chunks.get(start)?.before(offset);
        let batches = chunks.iter().skip(start).flat_map(|chunk| chunk.slots.iter().map_while(OnceLock::get));
        for batch in batches.skip(in_first) {
            let fits = bytes + batch.len() <= max_bytes || (whole_first && found.is_empty());
            if !fits || batch.next_offset > bound {
                break;
            }
            bytes += batch.len();
            found.push(batch.clone());
        }
        Some(found)
    }
}

impl Drop for HotTail {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Chunk {
    fn new(first_offset: i64, slots: usize) -> Self {
        let slots: Box<[_]> = (0..slots).map(|_| OnceLock::new()).collect();
        let chunk = Self { first_offset, slots, bytes: AtomicU64::new(0) };
        chunk.bytes.store(chunk.own_bytes(), Ordering::Relaxed);
        chunk
    }

    /// What it costs beside its batches.
    fn own_bytes(&self) -> u64 {
        size_of_val(&*self.slots) as u64 + 128
    }

    fn set(&self, slot: usize, batch: HotBatch) {
        self.bytes.fetch_add(batch.len() as u64, Ordering::Relaxed);
        let set = self.slots.get(slot).map(|place| place.set(batch).is_ok());
        assert!(set == Some(true), "a slot of the hot tail was set twice");
    }

    /// How many of its batches end at or before `offset`.
    fn before(&self, offset: i64) -> usize {
        self.slots.partition_point(|slot| slot.get().is_some_and(|batch| batch.next_offset <= offset))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first: i64, len: usize) -> HotBatch {
        HotBatch {
            first_offset: first,
            next_offset: first + 10,
            head: Bytes::new(),
            body: Bytes::from(vec![first as u8; len]),
        }
    }

    #[test]
    fn reads_follow_bounds() {
        let tail = HotTail::new(&HotBudget::new(1 << 20));
        (0..100).for_each(|place| tail.push(batch(1000 + place * 10, 100)));
        let firsts = |offset, bound, max, whole| {
            tail.read(offset, bound, max, whole)
                .map(|found| found.iter().map(|batch| batch.first_offset).collect::<Vec<_>>())
        };
        assert_eq!(firsts(999, 2000, 1000, true), None);
        assert_eq!(firsts(1000, 2000, 250, true), Some(vec![1000, 1010]));
        assert_eq!(firsts(1009, 2000, 50, true), Some(vec![1000]));
        assert_eq!(firsts(1009, 2000, 50, false), Some(vec![]));
        assert_eq!(firsts(1985, 1990, 1000, true), Some(vec![1980]));
        assert_eq!(firsts(1985, 1989, 1000, true), Some(vec![]));
        assert_eq!(firsts(1310, 1340, 1000, true), Some(vec![1310, 1320, 1330]));
    }

    #[test]
    fn the_budget_holds_over_all_tails_and_frees_all() {
        let budget = HotBudget::new(100_000);
        let tails: Vec<_> = (0..10).map(|_| HotTail::new(&budget)).collect();
        for round in 0..200 {
            tails.iter().for_each(|tail| tail.push(batch(round * 10, 500)));
            assert!(budget.used() <= 100_000 + 10_000, "{}", budget.used());
        }
        assert!(tails[9].read(1990, 2000, 1000, true).is_some_and(|found| found.len() == 1));
        assert!(tails[0].read(0, 2000, 1000, true).is_none());
        drop(tails);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn chunks_grow_with_the_tail_but_not_with_large_batches() {
        let slots = |sizes: &[usize]| {
            let tail = HotTail::new(&HotBudget::new(1 << 30));
            sizes.iter().enumerate().for_each(|(place, size)| tail.push(batch(place as i64 * 10, *size)));
            tail.chunks.load().iter().map(|chunk| chunk.slots.len()).collect::<Vec<_>>()
        };
        assert_eq!(slots(&[100]), [4]);
        assert_eq!(slots(&[100; 20]), [4, 8, 16]);
        assert_eq!(slots(&[300_000; 14]), [4, 8, 4, 8]);
        assert_eq!(slots(&[100; 2000]).last(), Some(&SLOTS_MAX));
    }

    #[test]
    fn a_batch_beyond_the_budget_clears_the_tail() {
        let tail = HotTail::new(&HotBudget::new(10_000));
        tail.push(batch(0, 100));
        tail.push(batch(10, 9_000));
        assert!(tail.read(0, 100, 1000, true).is_none());
        tail.push(batch(20, 100));
        assert!(tail.read(10, 100, 1000, true).is_none());
        assert_eq!(tail.read(20, 100, 1000, true).map(|found| found.len()), Some(1));
    }
}
