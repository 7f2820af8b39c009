//! The order of each key's values, as far as the history shows it.
//!
//! From every poll of any outcome (what a client was shown must be true) and from the sends of operations that must have happened.
//! Offsets without a value are dropped, so that neighbours are neighbours whatever lies between (markers, aborted records).

use std::collections::BTreeMap;

use crate::history::{History, Key};
use crate::index::{Index, NONE};

/// One key's log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The offsets that hold a value, rising.
    pub offsets: Vec<i64>,
    /// The values at each, as a flat list with starts: one, unless offsets are inconsistent.
    values: Vec<u32>,
    starts: Vec<u32>,
}

impl Log {
    /// The ids of the values at a place.
    pub fn at(&self, place: usize) -> &[u32] {
        &self.values[self.starts[place] as usize..self.starts[place + 1] as usize]
    }

    pub fn len(&self) -> usize {
        self.offsets.len()
    }
}

/// The logs of all keys, and each value's places in its own.
#[derive(Debug)]
pub(crate) struct Versions {
    pub logs: BTreeMap<Key, Log>,
    /// By value id: the first place in its log, or [`NONE`].
    pub first: Vec<u32>,
    /// By value id: the last place.
    pub last: Vec<u32>,
    /// By value id: how many places.
    pub places: Vec<u32>,
}

impl Versions {
    pub fn new(history: &History, index: &Index) -> Self {
        let mut seen: Vec<(Key, i64, u32)> = Vec::new();
        for (place, op) in history.ops.iter().enumerate() {
            let id = |key, value| index.id(key, value).map_or(NONE, |id| id as u32);
            seen.extend(op.reads().map(|(key, offset, value)| (key, offset, id(key, value))));
            if index.committed[place] {
                let told = op.sends().filter_map(|(key, value, offset)| Some((key, offset?, id(key, value))));
                seen.extend(told);
            }
        }
        seen.sort_unstable();
        seen.dedup();
        let mut versions = Self {
            logs: BTreeMap::new(),
            first: vec![NONE; index.len()],
            last: vec![NONE; index.len()],
            places: vec![0; index.len()],
        };
        for of_key in seen.chunk_by(|one, other| one.0 == other.0) {
            versions.add(of_key);
        }
        versions
    }

    fn add(&mut self, seen: &[(Key, i64, u32)]) {
        let mut log = Log::default();
        for at_offset in seen.chunk_by(|one, other| one.1 == other.1) {
            let place = log.offsets.len() as u32;
            log.starts.push(log.values.len() as u32);
            for (_, offset, id) in at_offset {
                if log.offsets.len() as u32 == place {
                    log.offsets.push(*offset);
                }
                log.values.push(*id);
                let id = *id as usize;
                self.first[id] = self.first[id].min(place);
                self.last[id] = place;
                self.places[id] += 1;
            }
        }
        log.starts.push(log.values.len() as u32);
        if let Some((key, ..)) = seen.first() {
            self.logs.insert(*key, log);
        }
    }

    /// How far `later` lies behind `earlier` in their log; 1, as if neighbours, where either has no place.
    pub fn delta(&self, earlier: usize, later: usize) -> i64 {
        match (self.last[earlier], self.last[later]) {
            (NONE, _) | (_, NONE) => 1,
            (earlier, later) => i64::from(later) - i64::from(earlier),
        }
    }
}
