//! Who leads a partition next, and the record that says so.
//!
//! A change is built from the partition as it is: set what is wanted, then [`Change::build`] completes a reassignment that has
//! become possible, elects a leader where one is missing or wanted, and yields a record of just what differs.

use alloc::vec;
use alloc::vec::Vec;

use base::TopicId;

use super::Controller;
use crate::image::Partition;
use crate::record::PartitionChangeRecord;

/// Which leaders will do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Election {
    /// The preferred replica if it may; else as before.
    Preferred,
    /// Any replica that has all committed records.
    Online,
    /// Any live replica, at the price of records.
    Unclean,
}

/// A partition's change in the making.
pub(super) struct Change<'a> {
    controller: &'a Controller,
    topic_id: TopicId,
    index: i32,
    partition: &'a Partition,
    /// The replicas wanted.
    pub replicas: Vec<i32>,
    /// The in-sync replicas wanted.
    pub isr: Vec<i32>,
    /// The replicas still to come.
    pub adding: Vec<i32>,
    /// The replicas still to go.
    pub removing: Vec<i32>,
    /// A broker that may not lead any more although the image does not say so yet.
    pub excluded: Option<i32>,
    /// A broker that may lead although the image does not say so yet.
    pub included: Option<i32>,
    /// Which leaders will do.
    pub election: Election,
}

/// The leader found, and whether records may be lost by it.
struct Elected {
    leader: i32,
    is_unclean: bool,
}

impl<'a> Change<'a> {
    pub(super) fn new(
        controller: &'a Controller,
        topic_id: TopicId,
        index: i32,
        partition: &'a Partition,
    ) -> Self {
        Self {
            controller,
            topic_id,
            index,
            partition,
            replicas: partition.replicas.clone(),
            isr: partition.isr.clone(),
            adding: partition.adding_replicas.clone(),
            removing: partition.removing_replicas.clone(),
            excluded: None,
            included: None,
            election: Election::Online,
        }
    }

    /// The record of the change, if anything differs.
    pub(super) fn build(mut self) -> Option<PartitionChangeRecord> {
        self.complete_reassignment();
        let elected = self.elect();
        let was_from_elr = elected.leader >= 0 && !elected.is_unclean && !self.isr.contains(&elected.leader);
        if elected.is_unclean || was_from_elr {
            self.isr = vec![elected.leader];
        }
        if self.isr.is_empty() {
            // The last replica stays in sync, or nobody could ever lead again without loss.
            self.isr = self.partition.isr.clone();
        }
        let before = self.partition;
        // A replica that leaves must stop serving: a new leader epoch tells it.
        let leaves = before.replicas.iter().any(|replica| !self.replicas.contains(replica));
        let leader_changes = elected.leader != before.leader || leaves;
        let record = PartitionChangeRecord {
            topic_id: self.topic_id,
            partition: self.index,
            replicas: changed(&self.replicas, &before.replicas),
            directories: self.directories(),
            isr: changed(&self.isr, &before.isr),
            removing_replicas: changed(&self.removing, &before.removing_replicas),
            adding_replicas: changed(&self.adding, &before.adding_replicas),
            elr: self.elr(),
            last_known_elr: None,
            leader: leader_changes.then_some(elected.leader),
            leader_recovery_state: (elected.is_unclean && before.leader_recovery_state == 0).then_some(1),
        };
        let nothing = PartitionChangeRecord {
            topic_id: self.topic_id,
            partition: self.index,
            ..PartitionChangeRecord::default()
        };
        (record != nothing).then_some(record)
    }

    /// Drops the replicas to go once all that are to come, and one that stays, are in sync.
    fn complete_reassignment(&mut self) {
        if self.adding.is_empty() && self.removing.is_empty() {
            return;
        }
        let stays = |replica: &i32| !self.removing.contains(replica);
        let replicas: Vec<i32> = self.replicas.iter().copied().filter(stays).collect();
        let isr: Vec<i32> = self.isr.iter().copied().filter(stays).collect();
        let is_done = self.adding.iter().all(|replica| isr.contains(replica)) && !isr.is_empty();
        if is_done && !replicas.is_empty() {
            (self.replicas, self.isr) = (replicas, isr);
            self.adding.clear();
            self.removing.clear();
        }
    }

    fn elect(&self) -> Elected {
        let clean = |leader| Elected { leader, is_unclean: false };
        let preferred = self.replicas.first().copied().unwrap_or(-1);
        if self.election == Election::Preferred && self.may_lead(preferred) {
            return clean(preferred);
        }
        if self.may_lead(self.partition.leader) {
            return clean(self.partition.leader);
        }
        if let Some(leader) = self.replicas.iter().copied().find(|replica| self.may_lead(*replica)) {
            return clean(leader);
        }
        let living = self.replicas.iter().copied().find(|replica| self.lives(*replica));
        match living {
            Some(leader) if self.election == Election::Unclean => Elected { leader, is_unclean: true },
            _ => clean(-1),
        }
    }

    fn may_lead(&self, replica: i32) -> bool {
        let is_complete = self.isr.contains(&replica) || self.partition.elr.contains(&replica);
        is_complete && self.replicas.contains(&replica) && self.lives(replica)
    }

    fn lives(&self, replica: i32) -> bool {
        self.included == Some(replica)
            || (self.excluded != Some(replica) && self.controller.is_active(replica))
    }

    /// The eligible replicas that are left: none that is in sync, none that is no replica any more.
    fn elr(&self) -> Option<Vec<i32>> {
        let left = |replica: &i32| !self.isr.contains(replica) && self.replicas.contains(replica);
        let elr: Vec<i32> = self.partition.elr.iter().copied().filter(left).collect();
        changed(&elr, &self.partition.elr)
    }

    fn directories(&self) -> Option<Vec<base::Uuid>> {
        if self.replicas == self.partition.replicas {
            return None;
        }
        let places = self.replicas.iter().map(|replica| {
            let place = self.partition.replicas.iter().position(|before| before == replica);
            place.and_then(|place| self.partition.directories.get(place).copied()).unwrap_or(base::Uuid::ZERO)
        });
        Some(places.collect())
    }
}

fn changed(new: &[i32], old: &[i32]) -> Option<Vec<i32>> {
    (new != old).then(|| new.into())
}
