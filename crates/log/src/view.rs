//! What readers see of a partition: watermarks and segments, read without a lock and without a hop to the owner.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use base::{Offset, TopicIdPartition};

use crate::hot::{HotBudget, HotTail};
use crate::segment::Segment;

/// "No transaction is open": larger than any offset.
const STABLE: i64 = i64::MAX;

/// The numbers and segments of one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// The first offset that may be read.
    pub log_start: Offset,
    /// The log's start as it would be after a crash.
    pub durable_log_start: Offset,
    /// The first offset in local segments; below it is tiered storage.
    pub local_log_start: Offset,
    /// The offset that the next record gets.
    pub log_end: Offset,
    /// Everything below survives a power loss (in relaxed mode: is in the page cache).
    pub durable_end: Offset,
    /// Everything below is committed and visible.
    pub high_watermark: Offset,
    /// Everything below is committed and belongs to no open transaction.
    pub last_stable_offset: Offset,
    /// The segments, oldest first.
    pub segments: Arc<Vec<Arc<Segment>>>,
}

/// What the owner, the readers and the committer of a partition share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub key: TopicIdPartition,
    pub segments: ArcSwap<Vec<Arc<Segment>>>,
    pub hot: Arc<HotTail>,
    log_start: AtomicI64,
    local_log_start: AtomicI64,
    log_end: AtomicI64,
    durable_end: AtomicI64,
    high_watermark: AtomicI64,
    first_unstable: AtomicI64,
    durable_log_start: AtomicI64,
    recovery_point: AtomicI64,
    /// Rises with each truncation, so that a commit of what is gone announces nothing.
    truncations: AtomicU64,
    /// Transactions by first offset, with the marker's offset once there is one; kept until the marker is committed.
    unstable: Mutex<BTreeMap<i64, Option<i64>>>,
}

impl Shared {
    pub fn new(key: TopicIdPartition, hot: &Arc<HotBudget>) -> Self {
        Self {
            key,
            segments: ArcSwap::from_pointee(Vec::new()),
            hot: HotTail::new(hot),
            log_start: AtomicI64::new(0),
            local_log_start: AtomicI64::new(0),
            log_end: AtomicI64::new(0),
            durable_end: AtomicI64::new(0),
            high_watermark: AtomicI64::new(0),
            first_unstable: AtomicI64::new(STABLE),
            durable_log_start: AtomicI64::new(0),
            recovery_point: AtomicI64::new(0),
            truncations: AtomicU64::new(0),
            unstable: Mutex::default(),
        }
    }

    pub fn log_start(&self) -> i64 {
        self.log_start.load(Ordering::Acquire)
    }

    pub fn log_end(&self) -> i64 {
        self.log_end.load(Ordering::Acquire)
    }

    pub fn durable_end(&self) -> i64 {
        self.durable_end.load(Ordering::Acquire)
    }

    pub fn high_watermark(&self) -> i64 {
        self.high_watermark.load(Ordering::Acquire)
    }

    pub fn last_stable(&self) -> i64 {
        self.high_watermark().min(self.first_unstable.load(Ordering::Acquire))
    }

    pub fn view(&self) -> View {
        // In this order each number is at most the next, since they only grow (a truncation swaps the lowest first).
        let last_stable = self.last_stable();
        let high_watermark = self.high_watermark();
        let durable_end = self.durable_end();
        let log_end = self.log_end();
        View {
            log_start: Offset(self.log_start()),
            durable_log_start: Offset(self.durable_log_start()),
            local_log_start: Offset(self.local_log_start.load(Ordering::Acquire)),
            log_end: Offset(log_end),
            durable_end: Offset(durable_end.min(log_end)),
            high_watermark: Offset(high_watermark.min(log_end)),
            last_stable_offset: Offset(last_stable.min(high_watermark).min(log_end)),
            segments: self.segments.load_full(),
        }
    }

    pub fn set_log_start(&self, offset: i64) {
        self.log_start.store(offset, Ordering::Release);
        self.high_watermark.fetch_max(offset, Ordering::AcqRel);
    }

    pub fn set_local_log_start(&self, offset: i64) {
        self.local_log_start.store(offset, Ordering::Release);
    }

    pub fn set_log_end(&self, offset: i64) {
        self.log_end.store(offset, Ordering::Release);
    }

    /// Below this offset nothing comes back after a crash.
    pub fn durable_log_start(&self) -> i64 {
        self.durable_log_start.load(Ordering::Acquire)
    }

    pub fn set_durable_log_start(&self, offset: i64) {
        self.durable_log_start.fetch_max(offset, Ordering::AcqRel);
    }

    /// The log begins anew, perhaps before where it began.
    pub fn restart_durable_log_start(&self, offset: i64) {
        self.durable_log_start.fetch_min(offset, Ordering::AcqRel);
    }

    /// Below this offset the segments need no commit log.
    pub fn recovery_point(&self) -> i64 {
        self.recovery_point.load(Ordering::Acquire)
    }

    pub fn advance_recovery_point(&self, offset: i64) {
        self.recovery_point.fetch_max(offset, Ordering::AcqRel);
    }

    pub fn lower_recovery_point(&self, offset: i64) {
        self.recovery_point.fetch_min(offset, Ordering::AcqRel);
    }

    /// The number to hand to [`Self::advance_durable`] later.
    pub fn truncations(&self) -> u64 {
        self.truncations.load(Ordering::Acquire)
    }

    /// Announces a durable end, unless the log was truncated since `truncations` was read; returns the end that holds now.
    pub fn advance_durable(&self, offset: i64, truncations: u64) -> Option<i64> {
        let _order = self.unstable();
        if self.truncations() != truncations {
            return None;
        }
        let before = self.durable_end.fetch_max(offset, Ordering::AcqRel);
        Some(before.max(offset))
    }

    /// Moves the high watermark forward, never back and never beyond the log's end; returns whether it moved.
    pub fn advance_high_watermark(&self, offset: i64) -> bool {
        let mut unstable = self.unstable();
        let offset = offset.min(self.log_end());
        let moved = self.high_watermark.fetch_max(offset, Ordering::AcqRel) < offset;
        if moved && !unstable.is_empty() {
            unstable.retain(|_, last| last.is_none_or(|last| last >= offset));
            self.publish_first_unstable(&unstable);
        }
        moved
    }

    /// All watermarks back to `end` where they are beyond it.
    pub fn truncated(&self, end: i64) {
        let mut unstable = self.unstable();
        self.truncations.fetch_add(1, Ordering::AcqRel);
        self.high_watermark.fetch_min(end, Ordering::AcqRel);
        self.durable_end.fetch_min(end, Ordering::AcqRel);
        self.log_end.store(end, Ordering::Release);
        unstable.retain(|first, _| *first < end);
        unstable.values_mut().for_each(|last| *last = last.filter(|last| *last < end));
        self.publish_first_unstable(&unstable);
    }

    /// A transaction began at `first`.
    pub fn transaction_began(&self, first: i64) {
        let mut unstable = self.unstable();
        unstable.entry(first).or_insert(None);
        self.publish_first_unstable(&unstable);
    }

    /// Its marker was appended at `last`; it stays unstable until the marker is committed.
    pub fn transaction_ended(&self, first: i64, last: i64) {
        let mut unstable = self.unstable();
        unstable.insert(first, Some(last));
        if last < self.high_watermark() {
            unstable.remove(&first);
        }
        self.publish_first_unstable(&unstable);
    }

    /// Replaces all open transactions, after the producers' state was loaded anew.
    pub fn set_open_transactions(&self, firsts: impl Iterator<Item = i64>) {
        let mut unstable = self.unstable();
        *unstable = firsts.map(|first| (first, None)).collect();
        self.publish_first_unstable(&unstable);
    }

    /// The offset of the first record whose transaction is not decided, apart from `ending`: what a marker's index entry names.
    pub fn last_stable_without(&self, ending: i64, marker: i64) -> i64 {
        let unstable = self.unstable();
        let open = unstable.iter().find(|(first, last)| **first != ending && last.is_none());
        open.map_or(marker + 1, |(first, _)| *first)
    }

    fn publish_first_unstable(&self, unstable: &BTreeMap<i64, Option<i64>>) {
        let first = unstable.first_key_value().map_or(STABLE, |(first, _)| *first);
        self.first_unstable.store(first, Ordering::Release);
    }

    fn unstable(&self) -> MutexGuard<'_, BTreeMap<i64, Option<i64>>> {
        self.unstable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
