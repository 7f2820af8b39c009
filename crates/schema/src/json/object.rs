//! An object whose keys keep their order and are found in logarithmic time.

use super::Json;

/// Objects smaller than this are searched from the front; larger ones carry a sorted index.
const INDEXED_FROM: usize = 12;

/// The members of a JSON object, in the order of their first appearance.
#[derive(Clone, Debug, Default)]
pub struct Object {
    entries: Vec<(String, Json)>,
    by_key: Vec<u32>,
}

impl Object {
    /// An object of members whose keys all differ.
    pub fn from_unique(entries: Vec<(String, Json)>) -> Self {
        let mut object = Self { entries, by_key: Vec::new() };
        object.index();
        object
    }

    /// An object of members among which a later one replaces an earlier one of the same key, in the earlier one's place.
    pub fn from_entries(entries: Vec<(String, Json)>) -> Self {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|a, b| {
            let keys = (entries.get(*a).map(|e| &e.0), entries.get(*b).map(|e| &e.0));
            keys.0.cmp(&keys.1).then(a.cmp(b))
        });
        let duplicates = order.windows(2).any(|pair| match pair {
            [a, b] => entries.get(*a).map(|e| &e.0) == entries.get(*b).map(|e| &e.0),
            _ => false,
        });
        if !duplicates {
            return Self::from_unique(entries);
        }
        Self::from_unique(merge(entries, &order))
    }

    fn index(&mut self) {
        if self.entries.len() < INDEXED_FROM {
            return;
        }
        let entries = &self.entries;
        let mut by_key: Vec<u32> = (0..entries.len() as u32).collect();
        by_key.sort_by(|a, b| key_at(entries, *a).cmp(key_at(entries, *b)));
        self.by_key = by_key;
    }

    /// The member of that name.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.place(key).and_then(|place| self.entries.get(place)).map(|(_, value)| value)
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.by_key.is_empty() {
            return self.entries.iter().position(|(name, _)| name == key);
        }
        let at = self.by_key.binary_search_by(|i| key_at(&self.entries, *i).cmp(key)).ok()?;
        self.by_key.get(at).map(|entry| *entry as usize)
    }

    /// The member of that name, to be changed in its place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        let place = self.place(key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Gives the member of that name another value, or becomes one member longer.
    pub fn set(&mut self, key: &str, value: Json) {
        match self.get_mut(key) {
            Some(place) => *place = value,
            None => {
                self.entries.push((key.to_owned(), value));
                self.index();
            }
        }
    }

    /// Takes the member of that name out.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let place = self.place(key)?;
        let (_, value) = self.entries.remove(place);
        self.by_key.clear();
        self.index();
        Some(value)
    }

    /// Whether there is a member of that name.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The members in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Json)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The names in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The members, owned.
    pub fn into_entries(self) -> Vec<(String, Json)> {
        self.entries
    }
}

fn key_at(entries: &[(String, Json)], at: u32) -> &str {
    entries.get(at as usize).map_or("", |(key, _)| key.as_str())
}

/// Keeps, for each key, the first place and the last value. `order` sorts by key, then by place.
fn merge(entries: Vec<(String, Json)>, order: &[usize]) -> Vec<(String, Json)> {
    let mut values: Vec<Option<(String, Json)>> = entries.into_iter().map(Some).collect();
    let mut run_start = 0usize;
    for at in 1..=order.len() {
        let first = order.get(run_start).copied().unwrap_or(0);
        let same = order.get(at).is_some_and(|next| {
            values.get(*next).and_then(|v| v.as_ref().map(|e| &e.0))
                == values.get(first).and_then(|v| v.as_ref().map(|e| &e.0))
        });
        if same {
            let next = order.get(at).copied().unwrap_or(0);
            let newer = values.get_mut(next).and_then(Option::take);
            // The key is put back so that further duplicates still compare equal with the first place.
            if let (Some(newer), Some(slot)) = (newer, values.get_mut(first)) {
                *slot = Some(newer);
            }
        } else {
            run_start = at;
        }
    }
    values.into_iter().flatten().collect()
}

impl PartialEq for Object {
    /// Order does not matter to equality.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}
