//! Who waits for something to move at a partition: one structure for long polls, fetch sessions and deletions of records.
//!
//! Appends that wait for their commit stand in their partition in the order of offsets (`partition/acks.rs`), and members of groups in
//! their shard with the answer they wait for (`coordinators/shard.rs`): both are told once, by their owner, and need no key.
//!
//! A waiter registers under a key and is told whenever something moves there, until its registration is dropped. Nothing runs for a
//! key nobody waits on: no task, no timer, no entry. Registering and cancelling cost the same however many others wait.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::TopicIdPartition;

const SHARDS: usize = 32;

/// What can move.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Key {
    /// A partition's high watermark, last stable offset, log start, leadership or existence.
    Partition(TopicIdPartition),
    /// The end of a log that followers copy, and who leads it.
    LogEnd(TopicIdPartition),
}

/// Told when a key moves. Runs on the mover's thread with the key's shard locked: it must neither block nor register or cancel.
pub trait Waiter: Send + Sync {
    /// Something moved under the key registered with this token.
    fn moved(&self, token: usize);
}

/// One who waits for a single thing.
#[derive(Default)]
struct Signal(tokio::sync::Notify);

impl Waiter for Signal {
    fn moved(&self, _: usize) {
        self.0.notify_one();
    }
}

/// All waiters of a broker.
pub struct Waiters {
    shards: Vec<Mutex<HashMap<Key, Places>>>,
    hasher: RandomState,
}

/// The waiters of one key, in places that are used again.
#[derive(Default)]
struct Places {
    taken: Vec<Option<(Arc<dyn Waiter>, usize)>>,
    free: Vec<usize>,
}

/// A place among the waiters of a key; dropping it cancels.
pub struct Registration {
    waiters: Arc<Waiters>,
    key: Key,
    place: usize,
}

impl std::fmt::Debug for Waiters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiters").finish_non_exhaustive()
    }
}

impl Default for Waiters {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Waiters {
    /// Registers `waiter` under `key`; it hears of every move after this call returns.
    pub fn register(self: &Arc<Self>, key: Key, waiter: Arc<dyn Waiter>, token: usize) -> Registration {
        let mut shard = self.shard(&key);
        let places = shard.entry(key.clone()).or_default();
        let place = match places.free.pop() {
            Some(place) => place,
            None => {
                places.taken.push(None);
                places.taken.len() - 1
            }
        };
        if let Some(slot) = places.taken.get_mut(place) {
            *slot = Some((waiter, token));
        }
        drop(shard);
        Registration { waiters: Arc::clone(self), key, place }
    }

    /// Waits until `done` says so, asking whenever something moves under `key`; `false` if it did not within `timeout`.
    pub async fn wait_until(
        self: &Arc<Self>,
        key: Key,
        timeout: Duration,
        mut done: impl FnMut() -> bool,
    ) -> bool {
        let signal = Arc::new(Signal::default());
        let _registration = self.register(key, Arc::clone(&signal) as _, 0);
        let waited = async {
            while !done() {
                signal.0.notified().await;
            }
        };
        tokio::time::timeout(timeout, waited).await.is_ok()
    }

    /// Tells everyone registered under `key`.
    pub fn moved(&self, key: &Key) {
        if let Some(places) = self.shard(key).get(key) {
            for (waiter, token) in places.taken.iter().flatten() {
                waiter.moved(*token);
            }
        }
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, HashMap<Key, Places>> {
        let index = usize::try_from(self.hasher.hash_one(key)).unwrap_or_default() % SHARDS;
        #[expect(clippy::indexing_slicing, reason = "the index is taken modulo the length")]
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registration({:?})", self.key)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut shard = self.waiters.shard(&self.key);
        let Some(places) = shard.get_mut(&self.key) else { return };
        let gone = places.taken.get_mut(self.place).and_then(Option::take);
        places.free.push(self.place);
        if places.free.len() == places.taken.len() {
            shard.remove(&self.key);
        }
        drop(shard);
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Sum(AtomicUsize);

    impl Waiter for Sum {
        fn moved(&self, token: usize) {
            self.0.fetch_add(token, Ordering::Relaxed);
        }
    }

    fn key(partition: i32) -> Key {
        Key::Partition(TopicIdPartition { topic: Default::default(), partition })
    }

    #[test]
    fn only_those_registered_under_the_key_hear() {
        let waiters = Arc::new(Waiters::default());
        let sum = Arc::new(Sum::default());
        let one = waiters.register(key(1), sum.clone(), 1);
        let _two = waiters.register(key(1), sum.clone(), 10);
        let _other = waiters.register(key(2), sum.clone(), 100);
        waiters.moved(&key(1));
        assert_eq!(sum.0.load(Ordering::Relaxed), 11);
        drop(one);
        waiters.moved(&key(1));
        assert_eq!(sum.0.load(Ordering::Relaxed), 21);
    }

    #[test]
    fn a_key_without_waiters_costs_nothing() {
        let waiters = Arc::new(Waiters::default());
        let places: Vec<_> =
            (0..100).map(|n| waiters.register(key(1), Arc::new(Sum::default()), n)).collect();
        drop(places);
        assert!(waiters.shards.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }
}
