//! An ordered map whose copies share what they have in common.
//!
//! An AVL tree of counted nodes: a clone costs one count, an insert or removal copies the O(log n) nodes on its path, and only
//! those that another copy still holds. So an image of 10,000 topics is published after a change of one for the price of one.
//!
//! Invariant: the heights of two siblings differ by at most one; `len` is the number of entries below and including a node.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::mem;

/// An ordered map, cheap to clone; see the module's text.
pub struct Map<K, V>(Link<K, V>);

type Link<K, V> = Option<Arc<Node<K, V>>>;

#[derive(Clone)]
struct Node<K, V> {
    key: K,
    value: V,
    left: Link<K, V>,
    right: Link<K, V>,
    height: u8,
    len: usize,
}

impl<K, V> Map<K, V> {
    /// The map without entries.
    pub const fn new() -> Self {
        Self(None)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        len(&self.0)
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All entries in the order of their keys.
    pub fn iter(&self) -> Iter<'_, K, V> {
        let mut iter = Iter { path: Vec::new() };
        iter.descend(self.0.as_deref());
        iter
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The entry with the greatest key.
    pub fn last(&self) -> Option<(&K, &V)> {
        let mut node = self.0.as_deref()?;
        while let Some(right) = node.right.as_deref() {
            node = right;
        }
        Some((&node.key, &node.value))
    }
}

impl<K: Ord, V> Map<K, V> {
    /// The value under `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let mut link = &self.0;
        while let Some(node) = link {
            link = match key.cmp(node.key.borrow()) {
                Ordering::Less => &node.left,
                Ordering::Greater => &node.right,
                Ordering::Equal => return Some(&node.value),
            };
        }
        None
    }

    /// Whether there is a value under `key`.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// The entries from `start` (inclusive) on, in order.
    pub fn range_from<Q: Ord + ?Sized>(&self, start: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let mut path = Vec::new();
        let mut link = self.0.as_deref();
        while let Some(node) = link {
            if node.key.borrow() < start {
                link = node.right.as_deref();
            } else {
                path.push(node);
                link = node.left.as_deref();
            }
        }
        Iter { path }
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    /// Puts `value` under `key` and returns the one it replaces.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        insert(&mut self.0, key, value)
    }

    /// Takes the value under `key` out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        // Looked up first, so that a miss copies nothing.
        self.contains_key(key).then(|| remove(&mut self.0, key)).flatten()
    }

    /// The value under `key`, to be changed in this copy alone.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        if !self.contains_key(key) {
            return None;
        }
        let mut link = &mut self.0;
        loop {
            let node = Arc::make_mut(link.as_mut()?);
            link = match key.cmp(node.key.borrow()) {
                Ordering::Less => &mut node.left,
                Ordering::Greater => &mut node.right,
                Ordering::Equal => return Some(&mut node.value),
            };
        }
    }
}

fn len<K, V>(link: &Link<K, V>) -> usize {
    link.as_ref().map_or(0, |node| node.len)
}

fn height<K, V>(link: &Link<K, V>) -> u8 {
    link.as_ref().map_or(0, |node| node.height)
}

fn insert<K: Ord + Clone, V: Clone>(link: &mut Link<K, V>, key: K, value: V) -> Option<V> {
    let Some(shared) = link else {
        *link = Some(Arc::new(Node { key, value, left: None, right: None, height: 1, len: 1 }));
        return None;
    };
    let node = Arc::make_mut(shared);
    let replaced = match key.cmp(&node.key) {
        Ordering::Less => insert(&mut node.left, key, value),
        Ordering::Greater => insert(&mut node.right, key, value),
        Ordering::Equal => Some(mem::replace(&mut node.value, value)),
    };
    balance(node);
    replaced
}

fn remove<K: Ord + Clone + Borrow<Q>, V: Clone, Q: Ord + ?Sized>(
    link: &mut Link<K, V>,
    key: &Q,
) -> Option<V> {
    let node = Arc::make_mut(link.as_mut()?);
    let removed = match key.cmp(node.key.borrow()) {
        Ordering::Less => remove(&mut node.left, key),
        Ordering::Greater => remove(&mut node.right, key),
        Ordering::Equal => return remove_root(link),
    };
    balance(node);
    removed
}

/// Removes the root of `link`: a lone child takes its place, of two the successor on the right.
fn remove_root<K: Ord + Clone, V: Clone>(link: &mut Link<K, V>) -> Option<V> {
    let node = Arc::make_mut(link.as_mut()?);
    if node.left.is_some() && node.right.is_some() {
        let (key, value) = remove_first(&mut node.right)?;
        node.key = key;
        let removed = mem::replace(&mut node.value, value);
        balance(node);
        return Some(removed);
    }
    let removed = node.value.clone();
    *link = node.left.take().or_else(|| node.right.take());
    Some(removed)
}

fn remove_first<K: Ord + Clone, V: Clone>(link: &mut Link<K, V>) -> Option<(K, V)> {
    let node = Arc::make_mut(link.as_mut()?);
    if node.left.is_some() {
        let first = remove_first(&mut node.left);
        balance(node);
        return first;
    }
    let first = (node.key.clone(), node.value.clone());
    *link = node.right.take();
    Some(first)
}

/// Restores the invariant at `node` after one of its children changed by one level.
fn balance<K: Clone, V: Clone>(node: &mut Node<K, V>) {
    let (left, right) = (height(&node.left), height(&node.right));
    if left > right + 1 {
        if let Some(child) = &mut node.left {
            let child = Arc::make_mut(child);
            if height(&child.right) > height(&child.left) {
                rotate_left(child);
            }
        }
        rotate_right(node);
    } else if right > left + 1 {
        if let Some(child) = &mut node.right {
            let child = Arc::make_mut(child);
            if height(&child.left) > height(&child.right) {
                rotate_right(child);
            }
        }
        rotate_left(node);
    } else {
        measure(node);
    }
}

fn measure<K, V>(node: &mut Node<K, V>) {
    node.height = 1 + height(&node.left).max(height(&node.right));
    node.len = 1 + len(&node.left) + len(&node.right);
}

/// The left child becomes the root, the root its right child.
fn rotate_right<K: Clone, V: Clone>(node: &mut Node<K, V>) {
    let Some(mut root) = node.left.take() else { return };
    let new = Arc::make_mut(&mut root);
    node.left = new.right.take();
    measure(node);
    mem::swap(node, new);
    node.right = Some(root);
    measure(node);
}

/// The right child becomes the root, the root its left child.
fn rotate_left<K: Clone, V: Clone>(node: &mut Node<K, V>) {
    let Some(mut root) = node.right.take() else { return };
    let new = Arc::make_mut(&mut root);
    node.right = new.left.take();
    measure(node);
    mem::swap(node, new);
    node.left = Some(root);
    measure(node);
}

/// The entries in order; `path` holds the nodes whose own entry is still to come.
pub struct Iter<'a, K, V> {
    path: Vec<&'a Node<K, V>>,
}

impl<'a, K, V> Iter<'a, K, V> {
    fn descend(&mut self, mut link: Option<&'a Node<K, V>>) {
        while let Some(node) = link {
            self.path.push(node);
            link = node.left.as_deref();
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let node = self.path.pop()?;
        self.descend(node.right.as_deref());
        Some((&node.key, &node.value))
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<K: Ord + Clone, V: Clone> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    fn check<K: Ord, V>(link: &Link<K, V>) {
        let Some(node) = link else { return };
        assert!(height(&node.left).abs_diff(height(&node.right)) <= 1, "unbalanced");
        assert_eq!(node.height, 1 + height(&node.left).max(height(&node.right)));
        assert_eq!(node.len, 1 + len(&node.left) + len(&node.right));
        check(&node.left);
        check(&node.right);
    }

    fn not_shared(one: &Link<u32, u32>, other: &[*const Node<u32, u32>]) -> usize {
        let Some(node) = one else { return 0 };
        if other.contains(&Arc::as_ptr(node)) {
            return 0;
        }
        1 + not_shared(&node.left, other) + not_shared(&node.right, other)
    }

    fn nodes(link: &Link<u32, u32>, into: &mut Vec<*const Node<u32, u32>>) {
        let Some(node) = link else { return };
        into.push(Arc::as_ptr(node));
        nodes(&node.left, into);
        nodes(&node.right, into);
    }

    #[test]
    fn a_change_copies_its_path_and_nothing_else() {
        let before: Map<u32, u32> = (0..1000).map(|key| (key, key)).collect();
        let mut shared = Vec::new();
        nodes(&before.0, &mut shared);
        for key in [0, 500, 999, 1000] {
            let mut after = before.clone();
            after.insert(key, 7);
            assert!(not_shared(&after.0, &shared) <= 14, "key {key}");
            after.remove(&key);
            assert!(not_shared(&after.0, &shared) <= 28, "key {key}");
        }
    }

    #[test]
    fn behaves_as_a_btree_map_and_copies_keep_what_they_had() {
        let (mut map, mut model, mut seed) = (Map::new(), BTreeMap::new(), 1_u64);
        let mut copies = Vec::new();
        for step in 0..4000_u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = (seed >> 40) % 500;
            match (seed >> 33) % 3 {
                0 => assert_eq!(map.remove(&key), model.remove(&key)),
                1 => assert_eq!(map.insert(key, step), model.insert(key, step)),
                _ => {
                    if let Some(value) = map.get_mut(&key) {
                        *value += 1;
                    }
                    model.entry(key).and_modify(|value| *value += 1);
                }
            }
            if step % 500 == 0 {
                copies.push((map.clone(), model.clone()));
            }
            check(&map.0);
            assert!(map.range_from(&key).eq(model.range(key..)));
        }
        copies.push((map, model));
        for (map, model) in copies {
            assert!(map.iter().eq(model.iter()));
            assert_eq!(map.last(), model.last_key_value());
        }
    }
}
