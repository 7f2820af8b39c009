//! A sorted map in one allocation: most subjects have few versions, and most ids few users, but there are many of either.

/// A map for few entries. Additions at the end are cheap however many there are.
#[derive(Clone, Debug)]
pub(super) struct SmallMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: core::borrow::Borrow<Q>,
    {
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        let at = self.place(key).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Puts a value in the place of the key's value, or beside the others.
    pub fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(at) => {
                if let Some(slot) = self.0.get_mut(at) {
                    *slot = (key, value);
                }
            }
            Err(at) => {
                if self.0.len() < 4 {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (key, value));
            }
        }
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.place(key).ok()?;
        Some(self.0.remove(at).1)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, by key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Those from a key on, by key.
    pub fn from(&self, key: &K) -> impl Iterator<Item = (&K, &V)> {
        let at = self.place(key).unwrap_or_else(|at| at);
        self.0.iter().skip(at).map(|(key, value)| (key, value))
    }

    /// Changes the values of all keys up to one.
    pub fn change_to(&mut self, last: &K, change: impl Fn(&mut V)) {
        self.0.iter_mut().take_while(|(key, _)| key <= last).for_each(|(_, value)| change(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map() {
        let mut map = SmallMap::default();
        for key in [3, 1, 2, 9, 5, 1] {
            map.insert(key, key * 10);
        }
        assert!(map.iter().map(|(key, _)| *key).eq([1, 2, 3, 5, 9]));
        assert_eq!((map.get(&5), map.get(&4)), (Some(&50), None));
        assert!(map.from(&4).map(|(_, value)| *value).eq([50, 90]));
        map.change_to(&3, |value| *value = 0);
        assert!(map.iter().map(|(_, value)| *value).eq([0, 0, 0, 50, 90]));
        assert_eq!((map.remove(&9), map.remove(&9), map.is_empty()), (Some(90), None, false));
    }
}
