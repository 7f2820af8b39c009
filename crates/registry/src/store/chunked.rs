//! A sorted map whose copy costs one reference count: chunks of entries that copies share until one of them changes.
//!
//! ```text
//! top ──▶ [ chunk ▶ (k,v)(k,v)…   chunk ▶ …   chunk ▶ … ]      no chunk is empty; keys ascend over all of them
//! ```
//!
//! A change after a copy duplicates the list of chunks and one chunk. Entries that come in order fill their chunks.

use core::borrow::Borrow;
use std::sync::Arc;

/// How many entries a chunk may have.
const CHUNK: usize = 128;

type Chunk<K, V> = Arc<Vec<(K, V)>>;

/// The map.
#[derive(Debug)]
pub(super) struct Chunked<K, V>(Arc<Vec<Chunk<K, V>>>);

impl<K, V> Clone for Chunked<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Chunked<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, V> Chunked<K, V> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, by key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter().flat_map(|chunk| chunk.iter()).map(|(key, value)| (key, value))
    }

    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }
}

impl<K: Ord + Clone, V: Clone> Chunked<K, V> {
    /// The chunk that has the key or should have it, and the key's place there.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> (usize, Result<usize, usize>)
    where
        K: Borrow<Q>,
    {
        let after =
            self.0.partition_point(|chunk| chunk.first().is_some_and(|(first, _)| first.borrow() <= key));
        let number = after.saturating_sub(1);
        let chunk = self.0.get(number).map_or(&[] as &[(K, V)], |chunk| chunk.as_slice());
        (number, chunk.binary_search_by(|(known, _)| known.borrow().cmp(key)))
    }

    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (number, at) = self.place(key);
        self.0.get(number)?.get(at.ok()?).map(|(key, value)| (key, value))
    }

    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).is_some()
    }

    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (number, at) = self.place(key);
        let at = at.ok()?;
        let chunk = Arc::make_mut(Arc::make_mut(&mut self.0).get_mut(number)?);
        chunk.get_mut(at).map(|(_, value)| value)
    }

    /// Puts a value in the place of the key's value, or beside the others.
    pub fn insert(&mut self, key: K, value: V) {
        let (number, at) = self.place(&key);
        let chunks = Arc::make_mut(&mut self.0);
        let is_last = number + 1 >= chunks.len();
        let Some(chunk) = chunks.get_mut(number).map(Arc::make_mut) else {
            chunks.push(Arc::new(vec![(key, value)]));
            return;
        };
        match at {
            Ok(at) => {
                if let Some(slot) = chunk.get_mut(at) {
                    *slot = (key, value);
                }
            }
            Err(at) if chunk.len() < CHUNK => chunk.insert(at, (key, value)),
            // What comes in order fills its chunks.
            Err(at) if is_last && at == chunk.len() => chunks.push(Arc::new(vec![(key, value)])),
            Err(at) => {
                let mut upper = chunk.split_off(CHUNK / 2);
                match at.checked_sub(CHUNK / 2) {
                    Some(above) => upper.insert(above, (key, value)),
                    None => chunk.insert(at, (key, value)),
                }
                chunks.insert(number + 1, Arc::new(upper));
            }
        }
    }

    /// The value of a key, made if there is none.
    pub fn of(&mut self, key: K) -> Option<&mut V>
    where
        V: Default,
    {
        if !self.contains_key(&key) {
            self.insert(key.clone(), V::default());
        }
        self.get_mut(&key)
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (number, at) = self.place(key);
        let at = at.ok()?;
        let chunks = Arc::make_mut(&mut self.0);
        let chunk = Arc::make_mut(chunks.get_mut(number)?);
        let (_, removed) = chunk.remove(at);
        if chunk.is_empty() {
            chunks.remove(number);
        }
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_is_a_map_whose_copies_stay_as_they_were() {
        let (mut map, mut model) = (Chunked::default(), BTreeMap::new());
        let mut copies = Vec::new();
        let mut state = 1_u64;
        for step in 0..6000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // At first in order, then anywhere.
            let key = if step < 1500 { step } else { state >> 33 & 0x7ff };
            if step >= 1500 && state & 1 << 40 == 0 {
                assert_eq!(map.remove(&key), model.remove(&key));
            } else if state & 1 << 41 == 0 {
                map.insert(key, step);
                model.insert(key, step);
            } else {
                *map.of(key).unwrap() += step;
                *model.entry(key).or_default() += step;
            }
            if step % 1000 == 0 {
                copies.push((map.clone(), model.clone()));
            }
        }
        copies.push((map, model));
        for (map, model) in copies {
            assert!(map.iter().eq(model.iter()));
            assert!(map.0.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK));
            for key in 0..2100 {
                assert_eq!(map.get(&key), model.get(&key));
            }
        }
    }

    #[test]
    fn entries_in_order_fill_their_chunks() {
        let mut map = Chunked::default();
        for key in 0..1000 {
            map.insert(key, ());
        }
        assert_eq!(map.0.len(), 1000_usize.div_ceil(CHUNK));
        let copy = map.clone();
        map.insert(1000, ());
        assert_eq!(copy.iter().count(), 1000);
        assert!(Arc::ptr_eq(&map.0[0], &copy.0[0]), "what did not change is shared");
    }
}
