//! Which partitions a rebalance has moved between whom, so that no two partitions of one topic pass each other.
//!
//! Where a partition of a topic went from A to B and another shall go from B to A, the first is sent back instead: the same
//! balance with one change less.

use std::collections::{BTreeMap, HashMap};

use base::Str;

use super::java;
use crate::TopicPartition;

type Pair = (Str, Str);

#[derive(Default)]
pub(super) struct Movements {
    by_partition: HashMap<TopicPartition, Pair>,
    /// Partitions moved per topic and pair, in the order in which they were moved.
    by_topic: HashMap<Str, BTreeMap<Pair, Vec<TopicPartition>>>,
}

impl Movements {
    /// The partition to move instead of `partition`.
    pub(super) fn actual(&self, partition: &TopicPartition, from: &Str, to: &Str) -> TopicPartition {
        let Some(moves) = self.by_topic.get(&partition.topic) else { return partition.clone() };
        let from = self.by_partition.get(partition).map_or(from, |(source, _)| source);
        let opposite = moves.get(&(to.clone(), from.clone())).cloned().unwrap_or_default();
        let ordered = java::hash_order(opposite, |moved| java::partition_hash(&moved.topic, moved.partition));
        ordered.into_iter().next().unwrap_or_else(|| partition.clone())
    }

    /// Remembers a move; one that leads back is forgotten with the one it undoes.
    pub(super) fn record(&mut self, partition: &TopicPartition, from: &Str, to: &Str) {
        let origin = self.forget(partition).unwrap_or_else(|| from.clone());
        if origin == *to {
            return;
        }
        let pair = (origin, to.clone());
        self.by_partition.insert(partition.clone(), pair.clone());
        let moves = self.by_topic.entry(partition.topic.clone()).or_default();
        moves.entry(pair).or_default().push(partition.clone());
    }

    /// Takes the record of an earlier move away and returns where the partition came from.
    fn forget(&mut self, partition: &TopicPartition) -> Option<Str> {
        let pair = self.by_partition.remove(partition)?;
        let moves = self.by_topic.get_mut(&partition.topic)?;
        if let Some(moved) = moves.get_mut(&pair) {
            moved.retain(|one| one != partition);
            if moved.is_empty() {
                moves.remove(&pair);
            }
        }
        if moves.is_empty() {
            self.by_topic.remove(&partition.topic);
        }
        Some(pair.0)
    }
}
