//! Deadlines in order of time, each under a key that can be moved or dropped.
//!
//! Invariant: a key has at most one deadline, and both maps hold the same pairs.

use alloc::collections::{BTreeMap, BTreeSet};

/// Keys that fall due at a time, in milliseconds since 1970.
#[derive(Debug)]
pub struct Deadlines<K> {
    by_time: BTreeSet<(i64, K)>,
    by_key: BTreeMap<K, i64>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Deadlines<K> {
    /// Sets or moves the deadline of `key`.
    pub fn set(&mut self, key: K, at_ms: i64) {
        if let Some(before) = self.by_key.insert(key.clone(), at_ms) {
            if before == at_ms {
                return;
            }
            self.by_time.remove(&(before, key.clone()));
        }
        self.by_time.insert((at_ms, key));
    }

    /// Drops the deadline of `key`, if it has one.
    pub fn cancel(&mut self, key: &K) {
        if let Some(at_ms) = self.by_key.remove(key) {
            let known = self.by_time.remove(&(at_ms, key.clone()));
            assert!(known, "a deadline stands in one map only");
        }
    }

    /// The earliest deadline, in milliseconds since 1970.
    pub fn next(&self) -> Option<i64> {
        self.by_time.first().map(|(at_ms, _)| *at_ms)
    }

    /// Takes one key whose deadline is `now_ms` or before, earliest first.
    pub fn take_due(&mut self, now_ms: i64) -> Option<K> {
        if self.next()? > now_ms {
            return None;
        }
        let (_, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }

    /// The deadline of `key`.
    pub fn get(&self, key: &K) -> Option<i64> {
        self.by_key.get(key).copied()
    }

    /// How many keys have a deadline.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether nothing ever falls due.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_keys_leave_in_order_of_time_and_moved_ones_once() {
        let mut deadlines = Deadlines::default();
        deadlines.set("late", 30);
        deadlines.set("moved", 10);
        deadlines.set("dropped", 15);
        deadlines.set("moved", 20);
        deadlines.cancel(&"dropped");
        assert_eq!((deadlines.next(), deadlines.len()), (Some(20), 2));
        assert_eq!(deadlines.take_due(19), None);
        assert_eq!(deadlines.take_due(30), Some("moved"));
        assert_eq!(deadlines.take_due(30), Some("late"));
        assert!(deadlines.is_empty() && deadlines.take_due(99).is_none());
    }
}
