//! Committed offsets, and those that wait for their transaction to end (KIP-98, KIP-447).
//!
//! Invariant: only replay changes this; a pending commit takes effect at its own place in the log, so that one which a later plain
//! commit overtook does not come back.

use alloc::collections::{BTreeMap, BTreeSet};

use base::{ProducerId, Str, TopicId};

use super::record::OffsetCommitValue;
use crate::engine::Position;

/// A commit and where in the log it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct OffsetAndMetadata {
    /// What was committed.
    pub value: OffsetCommitValue,
    /// Which of two commits is the later one.
    pub position: Position,
}

/// One group's commits: by topic name, then by partition.
pub type GroupOffsets = BTreeMap<Str, BTreeMap<i32, OffsetAndMetadata>>;

type Place = (Str, Str, i32);

/// All commits of a shard.
#[derive(Default, PartialEq, Debug)]
pub struct Offsets {
    by_group: BTreeMap<Str, GroupOffsets>,
    pending: BTreeMap<ProducerId, BTreeMap<Place, OffsetAndMetadata>>,
    open: BTreeMap<Str, BTreeMap<(Str, i32), BTreeSet<ProducerId>>>,
}

impl Offsets {
    /// What `group` committed.
    pub fn of_group(&self, group: &str) -> Option<&GroupOffsets> {
        self.by_group.get(group)
    }

    /// What `group` committed for one partition.
    pub fn get(&self, group: &str, topic: &str, partition: i32) -> Option<&OffsetCommitValue> {
        Some(&self.by_group.get(group)?.get(topic)?.get(&partition)?.value)
    }

    /// Whether a transaction that has not ended yet holds a commit of `group` for the partition.
    pub fn has_pending(&self, group: &str, topic: &str, partition: i32) -> bool {
        let Some(open) = self.open.get(group) else { return false };
        open.contains_key(&(Str::from(topic), partition))
    }

    /// Whether any transaction that has not ended yet holds commits of `group`.
    pub fn has_any_pending(&self, group: &str) -> bool {
        self.open.contains_key(group)
    }

    /// The partitions of `group` that wait for a transaction.
    pub fn pending_of_group(&self, group: &str) -> impl Iterator<Item = (&Str, i32)> {
        self.open
            .get(group)
            .into_iter()
            .flat_map(|open| open.keys().map(|(topic, partition)| (topic, *partition)))
    }

    /// Every group with commits, in the order of ids.
    pub fn groups(&self) -> impl Iterator<Item = (&Str, &GroupOffsets)> {
        self.by_group.iter()
    }

    /// Every group with commits that wait for a transaction.
    pub fn groups_with_pending(&self) -> impl Iterator<Item = &Str> {
        self.open.keys()
    }

    /// Every topic, by name and id, that a commit is for.
    pub fn topics(&self) -> BTreeSet<(&Str, TopicId)> {
        let topics = self.by_group.values().flatten();
        topics
            .flat_map(|(name, commits)| commits.values().map(move |commit| (name, commit.value.topic_id)))
            .collect()
    }

    /// How many partitions have a commit, over all groups.
    pub fn len(&self) -> usize {
        self.by_group.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum()
    }

    /// Whether nothing is committed.
    pub fn is_empty(&self) -> bool {
        self.by_group.is_empty()
    }

    pub(super) fn put(&mut self, group: &Str, topic: &Str, partition: i32, commit: OffsetAndMetadata) {
        let topics = self.by_group.entry(group.clone()).or_default();
        if let Some(partitions) = topics.get_mut(topic) {
            partitions.insert(partition, commit);
            return;
        }
        topics.insert(topic.clone(), BTreeMap::from([(partition, commit)]));
    }

    /// A commit of a transaction: it waits.
    pub(super) fn put_pending(
        &mut self,
        producer: ProducerId,
        (group, topic, partition): (&Str, &Str, i32),
        commit: OffsetAndMetadata,
    ) {
        let place = (group.clone(), topic.clone(), partition);
        self.pending.entry(producer).or_default().insert(place, commit);
        let open = self.open.entry(group.clone()).or_default();
        open.entry((topic.clone(), partition)).or_default().insert(producer);
    }

    /// A tombstone: the commit goes, and whatever transactions hold for the partition.
    pub(super) fn remove(&mut self, group: &Str, topic: &Str, partition: i32) {
        if let Some(topics) = self.by_group.get_mut(group) {
            if let Some(partitions) = topics.get_mut(topic) {
                partitions.remove(&partition);
                if partitions.is_empty() {
                    topics.remove(topic);
                }
            }
            if topics.is_empty() {
                self.by_group.remove(group);
            }
        }
        self.remove_pending(group, topic, partition);
    }

    fn remove_pending(&mut self, group: &Str, topic: &Str, partition: i32) {
        let Some(open) = self.open.get_mut(group) else { return };
        let producers = open.remove(&(topic.clone(), partition)).unwrap_or_default();
        if open.is_empty() {
            self.open.remove(group);
        }
        for producer in producers {
            if let Some(places) = self.pending.get_mut(&producer) {
                places.remove(&(group.clone(), topic.clone(), partition));
                if places.is_empty() {
                    self.pending.remove(&producer);
                }
            }
        }
    }

    /// The transaction ended: its commits take effect unless a later one stands, or vanish.
    pub(super) fn end_transaction(&mut self, producer: ProducerId, committed: bool) {
        for ((group, topic, partition), commit) in self.pending.remove(&producer).unwrap_or_default() {
            self.close(&group, &topic, partition, producer);
            let standing = self.by_group.get(&group).and_then(|topics| topics.get(&topic)?.get(&partition));
            if committed && standing.is_none_or(|standing| standing.position < commit.position) {
                self.put(&group, &topic, partition, commit);
            }
        }
    }

    fn close(&mut self, group: &Str, topic: &Str, partition: i32, producer: ProducerId) {
        let place = (topic.clone(), partition);
        let Some(open) = self.open.get_mut(group) else { return };
        if let Some(producers) = open.get_mut(&place) {
            producers.remove(&producer);
            if producers.is_empty() {
                open.remove(&place);
            }
        }
        if open.is_empty() {
            self.open.remove(group);
        }
    }
}

impl OffsetAndMetadata {
    /// Whether the commit belongs to another topic of the same name (KIP-848, KIP-516); an unknown id matches all.
    pub fn is_of_other_topic(&self, topic_id: TopicId) -> bool {
        let own = self.value.topic_id;
        own != TopicId::ZERO && topic_id != TopicId::ZERO && own != topic_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(offset: i64, position: u64) -> OffsetAndMetadata {
        let value = OffsetCommitValue {
            offset,
            leader_epoch: -1,
            metadata: Str::default(),
            commit_timestamp_ms: 0,
            expire_timestamp_ms: None,
            topic_id: TopicId::ZERO,
        };
        OffsetAndMetadata { value, position: Position(position) }
    }

    fn offset(offsets: &Offsets) -> Option<i64> {
        offsets.get("g", "t", 0).map(|value| value.offset)
    }

    #[test]
    fn a_transactions_commit_waits_and_takes_its_own_place() {
        let (group, topic, one, two) = (Str::from("g"), Str::from("t"), ProducerId(1), ProducerId(2));
        let mut offsets = Offsets::default();
        offsets.put_pending(one, (&group, &topic, 0), commit(10, 1));
        offsets.put_pending(two, (&group, &topic, 0), commit(30, 3));
        assert!(offsets.has_pending("g", "t", 0) && offset(&offsets).is_none());
        offsets.put(&group, &topic, 0, commit(20, 2));
        offsets.end_transaction(one, true);
        assert_eq!((offset(&offsets), offsets.has_pending("g", "t", 0)), (Some(20), true));
        offsets.end_transaction(two, true);
        assert_eq!((offset(&offsets), offsets.has_any_pending("g")), (Some(30), false));
    }

    #[test]
    fn an_aborted_commit_vanishes_and_a_tombstone_takes_pending_ones_along() {
        let (group, topic, one) = (Str::from("g"), Str::from("t"), ProducerId(1));
        let mut offsets = Offsets::default();
        offsets.put_pending(one, (&group, &topic, 0), commit(10, 1));
        offsets.end_transaction(one, false);
        assert!(offsets.is_empty() && !offsets.has_any_pending("g"));
        offsets.put(&group, &topic, 0, commit(20, 2));
        offsets.put_pending(one, (&group, &topic, 0), commit(30, 3));
        offsets.remove(&group, &topic, 0);
        offsets.end_transaction(one, true);
        assert!(offsets.is_empty() && offsets.pending.is_empty() && offsets.open.is_empty());
    }
}
