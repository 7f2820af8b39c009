//! What a request repeats is answered once.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Keeps the first of those that have one key: a few bytes that are repeated must not be answered with as many whole answers.
pub(super) fn once<T, K: Hash + Eq>(list: &mut Vec<T>, key: impl Fn(&T) -> K) {
    // Most requests name one.
    if list.len() < 2 {
        return;
    }
    let mut seen = HashSet::new();
    list.retain(|one| seen.insert(key(one)));
}

/// Answers that stand once each, in the order in which they came, found by their keys.
pub(super) struct Answered<K, T> {
    places: HashMap<K, usize>,
    pub all: Vec<T>,
}

impl<K: Hash + Eq, T> Default for Answered<K, T> {
    fn default() -> Self {
        Self { places: HashMap::new(), all: Vec::new() }
    }
}

impl<K: Hash + Eq, T> Answered<K, T> {
    /// Adds an answer, or to the one that is there.
    pub fn add(&mut self, key: K, answer: T, merge: impl FnOnce(&mut T, T)) {
        let place = *self.places.entry(key).or_insert(self.all.len());
        match self.all.get_mut(place) {
            Some(known) => merge(known, answer),
            None => self.all.push(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_twice_is_answered_once() {
        let mut list = vec![3, 1, 3, 2, 1];
        once(&mut list, |number| *number);
        assert_eq!(list, [3, 1, 2]);
        let mut answered = Answered::default();
        for (key, answer) in [("a", 1), ("b", 2), ("a", 4)] {
            answered.add(key, answer, |known, more| *known += more);
        }
        assert_eq!(answered.all, [5, 2]);
    }
}
