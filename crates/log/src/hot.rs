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

/// The batches of one chunk.
const CHUNK_SLOTS: usize = 32;
/// What a chunk costs beside its batches.
const CHUNK_BYTES: u64 = (CHUNK_SLOTS * size_of::<OnceLock<HotBatch>>()) as u64 + 128;

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
    oldest: Mutex<VecDeque<(Weak<HotTail>, Arc<Chunk>)>>,
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
            if let Some(tail) = tail.upgrade() {
                tail.forget(&chunk);
            }
        }
    }

    fn register(&self, tail: &Arc<HotTail>, chunk: Arc<Chunk>) {
        let mut oldest = lock(&self.oldest);
        oldest.push_back((Arc::downgrade(tail), chunk));
        // Chunks of tails that are gone, or that were forgotten otherwise, must not pile up in a budget that is never reached.
        while oldest
            .front()
            .is_some_and(|(tail, chunk)| tail.strong_count() == 0 || Arc::strong_count(chunk) == 1)
        {
            oldest.pop_front();
        }
    }
}

/// The youngest batches of one partition.
#[derive(Debug)]
pub(crate) struct HotTail {
    budget: Arc<HotBudget>,
    chunks: ArcSwap<Vec<Arc<Chunk>>>,
    /// How many slots of the last chunk are taken; the lock orders all that change the list.
    filled: Mutex<usize>,
}

impl HotTail {
    pub fn new(budget: &Arc<HotBudget>) -> Arc<Self> {
        let chunks = ArcSwap::from_pointee(Vec::new());
        Arc::new(Self { budget: Arc::clone(budget), chunks, filled: Mutex::new(CHUNK_SLOTS) })
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
        let cost = if begun.is_some() { size + CHUNK_BYTES } else { size };
        self.budget.used.fetch_add(cost, Ordering::Relaxed);
        if let Some(chunk) = begun {
            self.budget.register(self, chunk);
        }
        self.budget.enforce();
    }

    /// Puts the batch into a slot; returns the chunk if it had to be begun.
    fn place(&self, batch: HotBatch) -> Option<Arc<Chunk>> {
        let mut filled = lock(&self.filled);
        let chunks = self.chunks.load();
        let open = chunks.last().filter(|_| *filled < CHUNK_SLOTS);
        let (chunk, begun) = match open {
            Some(chunk) => (Arc::clone(chunk), false),
            None => (Arc::new(Chunk::new(batch.first_offset)), true),
        };
        if begun {
            *filled = 0;
            chunk.bytes.store(CHUNK_BYTES, Ordering::Relaxed);
        }
        chunk.bytes.fetch_add(batch.len() as u64, Ordering::Relaxed);
        if let Some(slot) = chunk.slots.get(*filled) {
            assert!(slot.set(batch).is_ok(), "a slot of the hot tail was set twice");
        }
        *filled += 1;
        if !begun {
            return None;
        }
        let list = chunks.iter().cloned().chain([Arc::clone(&chunk)]).collect();
        self.chunks.store(Arc::new(list));
        Some(chunk)
    }

    /// Lets go of everything: the partition was truncated, or is idle.
    pub fn clear(&self) {
        let filled = lock(&self.filled);
        self.drop_chunks(filled, |_| true);
    }

    /// Lets go of one chunk and those before it.
    fn forget(&self, chunk: &Arc<Chunk>) {
        let filled = lock(&self.filled);
        if !self.chunks.load().iter().any(|held| Arc::ptr_eq(held, chunk)) {
            return;
        }
        let upto = chunk.first_offset;
        self.drop_chunks(filled, |held| held.first_offset <= upto);
    }

    fn drop_chunks(&self, mut filled: MutexGuard<'_, usize>, goes: impl Fn(&Chunk) -> bool) {
        let (gone, kept): (Vec<_>, Vec<_>) =
            self.chunks.load().iter().cloned().partition(|chunk| goes(chunk));
        if kept.is_empty() {
            *filled = CHUNK_SLOTS;
        }
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
        let batches = chunks.iter().skip(start).flat_map(|chunk| chunk.slots.iter().map_while(OnceLock::get));
        for batch in batches.skip_while(|batch| batch.next_offset <= offset) {
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
    fn new(first_offset: i64) -> Self {
        let slots = (0..CHUNK_SLOTS).map(|_| OnceLock::new()).collect();
        Self { first_offset, slots, bytes: AtomicU64::new(0) }
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
