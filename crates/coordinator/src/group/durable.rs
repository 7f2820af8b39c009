//! What the log of `__consumer_offsets` says about groups, and the only code that changes it.
//!
//! One space of ids serves classic, consumer, share and streams groups: an id belongs to one [`Group`], whatever its kind.

use alloc::collections::BTreeMap;

use base::{ProducerId, Str};

use super::classic::Generation;
use super::offsets::{OffsetAndMetadata, Offsets};
use super::record::{GroupMetadataValue, GroupRecord, OffsetCommitValue};
use crate::engine::Position;

/// A group of any kind, as the log has it.
#[derive(Clone, PartialEq, Debug)]
pub enum Group {
    /// A group of the classic protocol, or one that merely commits offsets ("simple").
    Classic(Generation),
}

/// All that a shard's log says.
#[derive(Default, PartialEq, Debug)]
pub struct Durable {
    groups: BTreeMap<Str, Group>,
    offsets: Offsets,
}

impl Durable {
    /// The group, if the log knows it.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.get(id)
    }

    /// All groups, in the order of ids.
    pub fn groups(&self) -> impl Iterator<Item = (&Str, &Group)> {
        self.groups.iter()
    }

    /// The commits of all groups.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    pub(super) fn replay(&mut self, record: &GroupRecord, producer: Option<ProducerId>, position: Position) {
        match record {
            GroupRecord::OffsetCommit { group, topic, partition, value: Some(value) } => {
                self.replay_commit((group, topic, *partition), value, producer, position);
            }
            GroupRecord::OffsetCommit { group, topic, partition, value: None } => {
                self.offsets.remove(group, topic, *partition);
            }
            GroupRecord::GroupMetadata { group, value: Some(value) } => self.replay_generation(group, value),
            GroupRecord::GroupMetadata { group, value: None } => {
                self.groups.remove(group);
            }
        }
    }

    fn replay_commit(
        &mut self,
        (group, topic, partition): (&Str, &Str, i32),
        value: &OffsetCommitValue,
        producer: Option<ProducerId>,
        position: Position,
    ) {
        // Whoever commits without membership makes a simple group by it.
        if !self.groups.contains_key(group) {
            self.groups.insert(group.clone(), Group::Classic(Generation::default()));
        }
        let commit = OffsetAndMetadata { value: value.clone(), position };
        match producer {
            Some(producer) => self.offsets.put_pending(producer, (group, topic, partition), commit),
            None => self.offsets.put(group, topic, partition, commit),
        }
    }

    fn replay_generation(&mut self, group: &Str, value: &GroupMetadataValue) {
        self.groups.insert(group.clone(), Group::Classic(Generation::from_record(value)));
    }

    pub(super) fn end_transaction(&mut self, producer: ProducerId, committed: bool) {
        self.offsets.end_transaction(producer, committed);
    }
}
