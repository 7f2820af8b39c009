//! The partitions that may have something to clean, and the threads that wait for some.

use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::TopicIdPartition;

/// Notes of partitions in which a segment was closed.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Each with the number of its last note, so that a note which comes while one looks is not lost.
    noted: HashMap<TopicIdPartition, u64>,
    /// Those that a thread works on.
    busy: HashSet<TopicIdPartition>,
    /// Those that cannot be cleaned: Kafka's "uncleanable partitions".
    given_up: HashSet<TopicIdPartition>,
    notes: u64,
    /// Rises with each [`Dirty::look_again`].
    looks: u64,
    stopped: bool,
}

impl State {
    fn has_work(&self) -> bool {
        self.noted.keys().any(|key| !self.busy.contains(key))
    }
}

impl Dirty {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A segment was closed in this partition.
    pub fn note(&self, key: TopicIdPartition) {
        let mut state = self.lock();
        if state.given_up.contains(&key) {
            return;
        }
        state.notes += 1;
        let number = state.notes;
        state.noted.insert(key, number);
        drop(state);
        self.changed.notify_one();
    }

    /// Those that are noted and that nobody works on, each with its note.
    pub fn noted(&self) -> Vec<(TopicIdPartition, u64)> {
        let state = self.lock();
        let free = state.noted.iter().filter(|(key, _)| !state.busy.contains(*key));
        free.map(|(key, note)| (*key, *note)).collect()
    }

    /// Nothing is to be done for this note.
    pub fn settle(&self, key: TopicIdPartition, note: u64) {
        let mut state = self.lock();
        if state.noted.get(&key) == Some(&note) {
            state.noted.remove(&key);
        }
    }

    /// This partition cannot be cleaned: no note of it is taken any more.
    pub fn give_up(&self, key: TopicIdPartition) {
        let mut state = self.lock();
        state.given_up.insert(key);
        state.noted.remove(&key);
    }

    /// A partition is gone.
    pub fn forget(&self, key: TopicIdPartition) {
        let mut state = self.lock();
        state.given_up.remove(&key);
        state.noted.remove(&key);
    }

    /// Takes a partition to work on; `false` if another thread was faster.
    pub fn take(&self, key: TopicIdPartition) -> bool {
        self.lock().busy.insert(key)
    }

    /// The work on a partition is over.
    pub fn give_back(&self, key: TopicIdPartition) {
        let was_taken = self.lock().busy.remove(&key);
        assert!(was_taken, "only what was taken is given back");
    }

    /// Waits until something is noted, without a timer while nothing is; or for `pause` if something is already.
    pub fn wait(&self, pause: Duration) {
        let state = self.lock();
        let looks = state.looks;
        let unmoved = |state: &State| !state.stopped && state.looks == looks;
        if state.has_work() {
            drop(self.changed.wait_timeout_while(state, pause, |state| unmoved(state)));
        } else {
            drop(self.changed.wait_while(state, |state| unmoved(state) && !state.has_work()));
        }
    }

    /// Ends all waits once.
    pub fn look_again(&self) {
        self.lock().looks += 1;
        self.changed.notify_all();
    }

    /// Ends all waits for good.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Whether it is over.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::TopicId;

    fn key(partition: i32) -> TopicIdPartition {
        TopicIdPartition { topic: TopicId::default(), partition }
    }

    #[test]
    fn a_note_that_comes_while_one_looks_is_not_lost() {
        let dirty = Dirty::default();
        dirty.note(key(1));
        let [(found, note)] = dirty.noted()[..] else { panic!("one is noted") };
        assert_eq!(found, key(1));
        dirty.note(key(1));
        dirty.settle(found, note);
        let [(_, note)] = dirty.noted()[..] else { panic!("it is noted again") };
        dirty.settle(found, note);
        assert!(dirty.noted().is_empty());
    }

    #[test]
    fn what_one_works_on_no_other_takes() {
        let dirty = Dirty::default();
        dirty.note(key(1));
        assert!(dirty.take(key(1)) && !dirty.take(key(1)));
        assert!(dirty.noted().is_empty());
        dirty.give_back(key(1));
        assert_eq!(dirty.noted().len(), 1);
    }

    #[test]
    fn one_that_cannot_be_cleaned_is_not_looked_at_again_and_stops_no_other() {
        let dirty = Dirty::default();
        (1..=2).for_each(|partition| dirty.note(key(partition)));
        dirty.give_up(key(1));
        dirty.note(key(1));
        assert!(dirty.noted().iter().map(|(key, _)| *key).eq([key(2)]));
        dirty.forget(key(1));
        dirty.note(key(1));
        assert_eq!(dirty.noted().len(), 2);
    }

    #[test]
    fn waits_end_by_a_note_and_by_the_stop() {
        let dirty = Dirty::default();
        std::thread::scope(|threads| {
            // A note that comes first makes it a pause.
            let waiting = threads.spawn(|| dirty.wait(Duration::from_millis(100)));
            dirty.note(key(1));
            waiting.join().unwrap();
            let pausing = threads.spawn(|| dirty.wait(Duration::from_secs(60)));
            dirty.stop();
            pausing.join().unwrap();
        });
        assert!(dirty.is_stopped());
    }
}
