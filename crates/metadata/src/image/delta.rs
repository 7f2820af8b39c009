//! What a run of records changed.

use alloc::collections::{BTreeMap, BTreeSet};

use base::{Str, TopicId, TopicIdPartition};

use super::ConfigResource;

/// Names what changed between two images, so that whoever follows looks at that alone; the values stand in the newer image.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Delta {
    /// Topics that were created, under their identity.
    pub created_topics: BTreeSet<TopicId>,
    /// Topics that were deleted, with the name they had.
    pub removed_topics: BTreeMap<TopicId, Str>,
    /// Partitions that were created or changed, of topics that still exist.
    pub partitions: BTreeSet<TopicIdPartition>,
    /// Brokers that registered, changed or left.
    pub brokers: BTreeSet<i32>,
    /// Controllers that registered.
    pub controllers: BTreeSet<i32>,
    /// Resources whose configs changed.
    pub configs: BTreeSet<ConfigResource>,
    /// Features whose finalized level changed.
    pub features: BTreeSet<Str>,
    /// Whether a block of producer ids was given out.
    pub producer_ids: bool,
    /// Whether a client quota changed.
    pub quotas: bool,
    /// Whether an ACL changed.
    pub acls: bool,
    /// Whether a SCRAM credential changed.
    pub scram: bool,
}

impl Delta {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes that a topic is gone, whatever happened to it before.
    pub(super) fn remove_topic(&mut self, id: TopicId, name: Str) {
        let first = TopicIdPartition { topic: id, partition: i32::MIN };
        let last = TopicIdPartition { topic: id, partition: i32::MAX };
        let gone: alloc::vec::Vec<_> = self.partitions.range(first..=last).copied().collect();
        for partition in gone {
            self.partitions.remove(&partition);
        }
        self.created_topics.remove(&id);
        self.removed_topics.insert(id, name);
    }
}
