//! What was used last, bounded in number and in bytes.

use std::collections::{BTreeMap, VecDeque};

/// The values that were put last, by key: at most so many, and of at most so many bytes together.
pub(super) struct Kept<K, V> {
    values: BTreeMap<K, (V, usize)>,
    order: VecDeque<K>,
    most: usize,
    bytes: usize,
    bytes_most: usize,
}

impl<K: Ord + Clone, V: Clone> Kept<K, V> {
    pub fn new(most: usize, bytes_most: usize) -> Self {
        Self { values: BTreeMap::new(), order: VecDeque::new(), most, bytes: 0, bytes_most }
    }

    pub fn get(&self, key: &K) -> Option<V> {
        self.values.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps a value that counts for so many bytes; one that is larger than all may be together is not kept.
    pub fn put(&mut self, key: K, value: V, bytes: usize) {
        if bytes > self.bytes_most {
            return;
        }
        self.bytes += bytes;
        match self.values.insert(key.clone(), (value, bytes)) {
            Some((_, before)) => self.bytes -= before,
            None => self.order.push_back(key),
        }
        while self.order.len() > self.most || self.bytes > self.bytes_most {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some((_, freed)) = self.values.remove(&oldest) {
                self.bytes -= freed;
            }
        }
        assert_eq!(self.order.len(), self.values.len(), "every value that is kept can go");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_they_are_too_large() {
        let mut kept = Kept::new(3, 100);
        let has = |kept: &Kept<u8, ()>| (0..10).filter(|key| kept.get(key).is_some()).collect::<Vec<u8>>();
        (0..4).for_each(|key| kept.put(key, (), 10));
        assert_eq!(has(&kept), [1, 2, 3]);
        kept.put(4, (), 85);
        assert_eq!(has(&kept), [3, 4]);
        kept.put(4, (), 95);
        assert_eq!(has(&kept), [4]);
        kept.put(5, (), 101);
        assert_eq!((has(&kept), kept.bytes), (vec![4], 95));
    }
}
