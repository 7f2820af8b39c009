//! What partitions hand to the committer, in the order in which they did it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::TopicIdPartition;
use bytes::Bytes;

use crate::segment::{Place, Segment};
use crate::view::Shared;

/// The partition that something is about.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub shared: Arc<Shared>,
    pub place: Arc<Place>,
}

/// Batches that are in the page cache of a segment and wait to be durable.
#[derive(Debug)]
pub(crate) struct Append {
    pub source: Source,
    pub segment: Arc<Segment>,
    pub position: u64,
    pub first_offset: i64,
    pub next_offset: i64,
    pub epoch: i32,
    pub len: u64,
    pub pieces: Vec<Bytes>,
    /// As it was when the batches were written.
    pub truncations: u64,
}

/// One thing to be made durable, or to be known.
#[derive(Debug)]
pub(crate) enum Item {
    Append(Append),
    /// The log ends at `offset`, which is `position` in this segment; later segments are gone. Without a segment everything is
    /// gone, and the log begins anew there. `id` is the intent's.
    Truncate {
        source: Source,
        segment: Option<Arc<Segment>>,
        position: u64,
        offset: i64,
        id: i64,
        /// As it was behind this truncation.
        truncations: u64,
    },
    /// The log starts at `offset`.
    LogStart {
        source: Source,
        offset: i64,
    },
    /// The partition is gone from this directory.
    Delete {
        source: Source,
    },
    /// A segment was closed: it and its indexes must be durable before the recovery point passes it. `end` is its end.
    Closed {
        source: Source,
        segment: Arc<Segment>,
        end: i64,
    },
    /// A log was opened that ends at `end`, and is durable up to there: its recovery point may move once nothing older is left.
    Opened {
        source: Source,
        end: i64,
    },
    /// Nothing may be left of a partition that moved away: the commit log is emptied, then `done` hears of it.
    Empty {
        key: TopicIdPartition,
        done: Sender<()>,
    },
}

/// The queue between the partitions of a directory and its committer. Unbounded in itself: the broker refuses clients'
/// appends while [`Self::bytes`] is more than it allows.
#[derive(Debug, Default)]
pub struct CommitQueue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    bytes: AtomicU64,
    turn_wanted: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    items: Vec<Item>,
    stopped: bool,
}

impl CommitQueue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Bytes of batches that wait.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Waits until something is there, the queue is stopped, or the time is over; `false` once it is stopped and empty.
    pub fn wait(&self, timeout: Duration) -> bool {
        let waiting = self.lock();
        let idle = |waiting: &mut Waiting| waiting.items.is_empty() && !waiting.stopped;
        let (waiting, _) =
            self.wake.wait_timeout_while(waiting, timeout, idle).unwrap_or_else(PoisonError::into_inner);
        !(waiting.stopped && waiting.items.is_empty())
    }

    /// Ends the waiting: the committer's thread leaves its loop when everything is done.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.wake.notify_all();
    }

    /// Someone waits for closed segments to be handed over: the committer does so before long, and not more than once for all who
    /// asked until then.
    pub(crate) fn want_turn(&self) {
        self.turn_wanted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_turn_wanted(&self) -> bool {
        self.turn_wanted.load(Ordering::Relaxed)
    }

    pub(crate) fn turned(&self) {
        self.turn_wanted.store(false, Ordering::Relaxed);
    }

    pub(crate) fn push(&self, item: Item) {
        if let Item::Append(append) = &item {
            self.bytes.fetch_add(append.len, Ordering::Relaxed);
        }
        let mut waiting = self.lock();
        waiting.items.push(item);
        let first = waiting.items.len() == 1;
        drop(waiting);
        if first {
            self.wake.notify_one();
        }
    }

    pub(crate) fn take(&self) -> Vec<Item> {
        let items = std::mem::take(&mut self.lock().items);
        self.bytes.fetch_sub(bytes_of(&items), Ordering::Relaxed);
        items
    }

    /// Puts back, in front, what could not be written for want of room.
    pub(crate) fn put_back(&self, mut items: Vec<Item>) {
        self.bytes.fetch_add(bytes_of(&items), Ordering::Relaxed);
        let mut waiting = self.lock();
        items.append(&mut waiting.items);
        waiting.items = items;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(items: &[Item]) -> u64 {
    items.iter().map(|item| if let Item::Append(append) = item { append.len } else { 0 }).sum()
}
