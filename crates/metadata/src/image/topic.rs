//! Topics and partitions as the cluster knows them.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Str, TopicId, Uuid};

use crate::map::Map;
use crate::record::{PartitionChangeRecord, PartitionRecord};

/// A topic; cheap to clone.
#[derive(Clone, PartialEq, Debug)]
pub struct Topic {
    pub(super) name: Str,
    pub(super) id: TopicId,
    pub(super) partitions: Map<i32, Arc<Partition>>,
}

impl Topic {
    /// Its name.
    pub fn name(&self) -> &Str {
        &self.name
    }

    /// Its identity.
    pub fn id(&self) -> TopicId {
        self.id
    }

    /// Its partitions by index.
    pub fn partitions(&self) -> &Map<i32, Arc<Partition>> {
        &self.partitions
    }
}

/// A partition's state, decided by the controller alone.
#[derive(Clone, PartialEq, Debug)]
pub struct Partition {
    /// All replicas, the preferred leader first.
    pub replicas: Vec<i32>,
    /// The log directory of each replica, in the order of `replicas`.
    pub directories: Vec<Uuid>,
    /// The in-sync replicas.
    pub isr: Vec<i32>,
    /// Replicas that a reassignment takes away.
    pub removing_replicas: Vec<i32>,
    /// Replicas that a reassignment brings.
    pub adding_replicas: Vec<i32>,
    /// Eligible leader replicas (KIP-966).
    pub elr: Vec<i32>,
    /// Who led last, while nobody leads (KIP-966).
    pub last_known_elr: Vec<i32>,
    /// The leader, -1 for none.
    pub leader: i32,
    /// 1 while a leader elected uncleanly recovers, else 0.
    pub leader_recovery_state: i8,
    /// Rises with each leader.
    pub leader_epoch: i32,
    /// Rises with each change.
    pub partition_epoch: i32,
}

impl Partition {
    /// The replica that should lead when all are well.
    pub fn preferred(&self) -> i32 {
        self.replicas.first().copied().unwrap_or(-1)
    }

    /// Whether a reassignment is under way.
    pub fn is_reassigning(&self) -> bool {
        !self.adding_replicas.is_empty() || !self.removing_replicas.is_empty()
    }

    pub(super) fn from_record(record: &PartitionRecord) -> Self {
        Self {
            replicas: record.replicas.clone(),
            directories: record.directories.clone(),
            isr: record.isr.clone(),
            removing_replicas: record.removing_replicas.clone(),
            adding_replicas: record.adding_replicas.clone(),
            elr: record.elr.clone(),
            last_known_elr: record.last_known_elr.clone(),
            leader: record.leader,
            leader_recovery_state: record.leader_recovery_state,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        }
    }

    pub(super) fn to_record(&self, topic_id: TopicId, partition: i32) -> PartitionRecord {
        PartitionRecord {
            topic_id,
            partition,
            replicas: self.replicas.clone(),
            directories: self.directories.clone(),
            isr: self.isr.clone(),
            removing_replicas: self.removing_replicas.clone(),
            adding_replicas: self.adding_replicas.clone(),
            elr: self.elr.clone(),
            last_known_elr: self.last_known_elr.clone(),
            leader: self.leader,
            leader_recovery_state: self.leader_recovery_state,
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
        }
    }

    pub(crate) fn change(&mut self, record: &PartitionChangeRecord) {
        let lists = [
            (&mut self.replicas, &record.replicas),
            (&mut self.isr, &record.isr),
            (&mut self.removing_replicas, &record.removing_replicas),
            (&mut self.adding_replicas, &record.adding_replicas),
            (&mut self.elr, &record.elr),
            (&mut self.last_known_elr, &record.last_known_elr),
        ];
        for (list, new) in lists {
            if let Some(new) = new {
                list.clone_from(new);
            }
        }
        if let Some(directories) = &record.directories {
            self.directories.clone_from(directories);
        }
        if let Some(leader) = record.leader {
            self.leader = leader;
            self.leader_epoch += 1;
        }
        self.leader_recovery_state = record.leader_recovery_state.unwrap_or(self.leader_recovery_state);
        self.partition_epoch += 1;
    }
}
