//! What the clients tried, and what they were told: the acknowledgement log that the data are compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use client::TopicPartition;

/// What holds of one partition.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    /// Every value that was tried: what it was sent as, and after which other of its producer it comes.
    pub tried: BTreeMap<Bytes, Tried>,
    /// What was acknowledged, by offset.
    pub acked: BTreeMap<i64, Bytes>,
    /// When that was heard, in seconds since 1970.
    pub when: BTreeMap<i64, f64>,
    /// What was read at the last check, by offset.
    pub seen: BTreeMap<i64, Bytes>,
    /// The log's start at the last check.
    pub start: i64,
}

/// A value that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its key.
    pub key: Bytes,
    /// Who sent it; its values keep their order.
    pub producer: u64,
    /// Its number with that producer.
    pub number: u64,
}

/// Topics that come and go.
#[derive(Clone, Debug, Default)]
pub struct Topics {
    /// Creations that were answered, without those whose deletion was asked for.
    pub there: BTreeSet<String>,
    /// Deletions that were answered.
    pub gone: BTreeSet<String>,
}

/// Everything that is known of an era.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Book>);

/// The ledger's content.
#[derive(Debug)]
pub struct Book {
    /// By partition.
    pub lanes: BTreeMap<TopicPartition, Lane>,
    /// Topics that come and go.
    pub topics: Topics,
    /// The largest offset whose commit was answered (−1 before the first), and the largest that was tried, of the one group.
    pub committed: (i64, i64),
    /// Records that a producer was told are not written.
    pub refused: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self { lanes: BTreeMap::new(), topics: Topics::default(), committed: (-1, 0), refused: 0 }
    }
}

impl Ledger {
    /// The content, for as long as it is held.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970.
pub fn now() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}

impl Book {
    /// A record is about to be sent.
    pub fn trying(&mut self, partition: &TopicPartition, value: &Bytes, tried: Tried) {
        self.lanes.entry(partition.clone()).or_default().tried.insert(value.clone(), tried);
    }

    /// A record was acknowledged; a retry that the broker recognised comes without its offset.
    pub fn acked(&mut self, partition: &TopicPartition, value: &Bytes, offset: Option<i64>) {
        if let Some(offset) = offset {
            let lane = self.lanes.entry(partition.clone()).or_default();
            lane.acked.insert(offset, value.clone());
            lane.when.insert(offset, now());
        }
    }

    /// Records that were acknowledged, of all partitions.
    pub fn acked_count(&self) -> usize {
        self.lanes.values().map(|lane| lane.acked.len()).sum()
    }
}
