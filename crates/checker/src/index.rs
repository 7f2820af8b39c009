//! Values as small numbers, and who wrote and read each.

use crate::history::{History, Key, Outcome, Value};

/// "No operation", "no place".
pub(crate) const NONE: u32 = u32::MAX;

/// Every (key, value) of a history has an id: its place in the sorted list of all.
#[derive(Debug)]
pub(crate) struct Index {
    values: Vec<(Key, Value)>,
    /// The operation that sent it.
    pub writer: Vec<u32>,
    /// How that ended.
    pub written: Vec<Option<Outcome>>,
    /// Whether an ok operation read it.
    pub read_ok: Vec<bool>,
    /// Whether any operation read it.
    pub read_any: Vec<bool>,
    /// Operations that must have happened: ok, or info with a write that was read.
    pub committed: Vec<bool>,
    /// Readers by value, as a flat list with starts.
    readers: Vec<u32>,
    reader_starts: Vec<u32>,
}

impl Index {
    pub fn new(history: &History) -> Self {
        let values = all_values(history);
        let count = values.len();
        let mut index = Self {
            values,
            writer: vec![NONE; count],
            written: vec![None; count],
            read_ok: vec![false; count],
            read_any: vec![false; count],
            committed: Vec::new(),
            readers: Vec::new(),
            reader_starts: Vec::new(),
        };
        index.note_ops(history);
        index.committed = history
            .ops
            .iter()
            .map(|op| match op.outcome {
                Outcome::Ok => true,
                Outcome::Fail => false,
                Outcome::Info => op.sends().any(|(key, value, _)| index.is_read_ok(key, value)),
            })
            .collect();
        index.note_readers(history);
        index
    }

    fn note_ops(&mut self, history: &History) {
        for (place, op) in history.ops.iter().enumerate() {
            for (key, value, _) in op.sends() {
                let Some(id) = self.id(key, value) else { continue };
                if self.writer[id] == NONE {
                    self.writer[id] = place as u32;
                    self.written[id] = Some(op.outcome);
                }
            }
            for (key, _, value) in op.reads() {
                let Some(id) = self.id(key, value) else { continue };
                self.read_any[id] = true;
                self.read_ok[id] |= op.is_ok();
            }
        }
    }

    fn note_readers(&mut self, history: &History) {
        let mut pairs = Vec::new();
        for (place, op) in history.ops.iter().enumerate().filter(|(place, _)| self.committed[*place]) {
            pairs.extend(
                op.polled().filter_map(|(key, _, value)| Some((self.id(key, value)? as u32, place as u32))),
            );
        }
        pairs.sort_unstable();
        pairs.dedup();
        self.reader_starts = starts(self.values.len(), pairs.iter().map(|(id, _)| *id));
        self.readers = pairs.into_iter().map(|(_, op)| op).collect();
    }

    /// The id of a value; `None` if the history does not have it.
    pub fn id(&self, key: Key, value: Value) -> Option<usize> {
        self.values.binary_search(&(key, value)).ok()
    }

    pub fn value(&self, id: usize) -> (Key, Value) {
        self.values[id]
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// All keys, and the ids of each one's values.
    pub fn keys(&self) -> impl Iterator<Item = (Key, std::ops::Range<usize>)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (key, _) = *self.values.get(at)?;
            let begin = at;
            at += self.values[begin..].partition_point(|(other, _)| *other == key);
            Some((key, begin..at))
        })
    }

    /// The operations that must have happened and polled this value.
    pub fn readers(&self, id: usize) -> &[u32] {
        let range = self.reader_starts[id] as usize..self.reader_starts[id + 1] as usize;
        &self.readers[range]
    }

    fn is_read_ok(&self, key: Key, value: Value) -> bool {
        self.id(key, value).is_some_and(|id| self.read_ok[id])
    }
}

fn all_values(history: &History) -> Vec<(Key, Value)> {
    let mut values = Vec::new();
    for op in &history.ops {
        values.extend(op.sends().map(|(key, value, _)| (key, value)));
        values.extend(op.reads().map(|(key, _, value)| (key, value)));
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// Where each group begins in a list sorted by group, with one more entry for the end.
pub(crate) fn starts(groups: usize, sorted: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut starts = vec![0_u32; groups + 1];
    for group in sorted {
        starts[group as usize + 1] += 1;
    }
    for place in 1..starts.len() {
        starts[place] += starts[place - 1];
    }
    starts
}
