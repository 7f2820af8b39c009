//! Who leads a partition next, and the record that says so.
//!
//! A change is built from the partition as it is: set what is wanted, then [`Change::build`] completes a reassignment that has
//! become possible, elects a leader where one is missing or wanted, and yields a record of just what differs.
//!
//! Eligible leader replicas (KIP-966): while fewer than `min.insync.replicas` are in sync nothing is committed, so a replica that leaves
//! the ISR then, or leads it below that number, still has all that is. It may lead, until enough are in sync again and go on without
//! it, or until it comes back without its data.

use alloc::vec;
use alloc::vec::Vec;

use base::planted::Bug;
use base::{TopicId, Uuid};

use super::Controller;
use crate::config::topic_config_value;
use crate::image::{ConfigResource, Partition, ResourceType};
use crate::record::{PartitionChangeRecord, Record};

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
    /// A broker that came back without its data: its replica is neither in sync nor eligible.
    pub lost: Option<i32>,
    /// One of which nothing at all is left, so that it is not the last known leader either.
    pub gone: Option<i32>,
    /// In which directory a broker says that its replica lies.
    pub directory: Option<(i32, Uuid)>,
    /// `min.insync.replicas` of the topic.
    pub min_isr: usize,
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
            lost: None,
            gone: None,
            directory: None,
            min_isr: controller.min_isr(topic_id),
            election: if controller.elects_uncleanly(topic_id) {
                Election::Unclean
            } else {
                Election::Online
            },
        }
    }

    /// The record of the change, if anything differs.
    pub(super) fn build(mut self) -> Option<PartitionChangeRecord> {
        self.complete_reassignment();
        self.isr.retain(|replica| Some(*replica) != self.lost);
        let mut elr = self.eligible();
        let elected = self.elect(&elr);
        if elected.is_unclean || elr.contains(&elected.leader) {
            self.isr = vec![elected.leader];
            elr.retain(|replica| *replica != elected.leader);
        }
        if elected.is_unclean || self.has_enough() {
            elr.clear();
        }
        let last_known_elr = self.last_known(elected.leader);
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
            elr: changed(&elr, &before.elr),
            last_known_elr: changed(&last_known_elr, &before.last_known_elr),
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

    fn elect(&self, elr: &[i32]) -> Elected {
        let clean = |leader| Elected { leader, is_unclean: false };
        let unclean = |leader| Elected { leader, is_unclean: true };
        let may_lead = |replica: i32| self.may_lead(replica, elr);
        let preferred = self.replicas.first().copied().unwrap_or(-1);
        if self.election == Election::Preferred && self.isr.contains(&preferred) && may_lead(preferred) {
            return clean(preferred);
        }
        if may_lead(self.partition.leader) {
            return clean(self.partition.leader);
        }
        let mut candidates = self.replicas.iter().copied().filter(|replica| may_lead(*replica));
        if let Some(first) = candidates.next() {
            // Those in sync come before the eligible, whose election leaves the ISR with one.
            let in_sync =
                core::iter::once(first).chain(candidates).find(|replica| self.isr.contains(replica));
            return clean(in_sync.unwrap_or(first));
        }
        match self.replicas.iter().copied().find(|replica| self.lives(*replica)) {
            _ if self.last_known_returns(elr) => unclean(self.last_known(-1).first().copied().unwrap_or(-1)),
            Some(leader) if self.election == Election::Unclean || self.is_hopeless(leader, elr) => {
                unclean(leader)
            }
            _ => clean(-1),
        }
    }

    /// Whether nobody has all that was committed, and the last leader is there: it has more than the others (KIP-966's balanced
    /// recovery). That is so of topics which do not sync before they acknowledge, after all their replicas crashed.
    fn last_known_returns(&self, elr: &[i32]) -> bool {
        let known = self.last_known(-1);
        self.isr.is_empty()
            && elr.is_empty()
            && known.iter().any(|leader| self.replicas.contains(leader) && self.lives(*leader))
    }

    fn may_lead(&self, replica: i32, elr: &[i32]) -> bool {
        let is_complete = self.isr.contains(&replica)
            || elr.contains(&replica)
            || self.controller.planted.has(Bug::ElectAnyone);
        is_complete && self.replicas.contains(&replica) && self.lives(replica)
    }

    /// Whether this is the only replica there is and its data are gone: waiting brings nothing back.
    fn is_hopeless(&self, replica: i32, elr: &[i32]) -> bool {
        self.replicas == [replica] && self.isr.is_empty() && elr.is_empty()
    }

    fn lives(&self, replica: i32) -> bool {
        let is_active = self.included == Some(replica)
            || (self.excluded != Some(replica) && self.controller.is_active(replica));
        is_active && self.is_in_place(replica)
    }

    /// Whether the directory in which the replica lies, where that was told, works.
    fn is_in_place(&self, replica: i32) -> bool {
        let directory = self.directory_of(replica);
        let broker = self.controller.image.brokers().get(&replica);
        directory.is_zero() || broker.is_some_and(|broker| broker.log_dirs.contains(&directory))
    }

    fn directory_of(&self, replica: i32) -> Uuid {
        if let Some((_, told)) = self.directory.filter(|(broker, _)| *broker == replica) {
            return told;
        }
        let place = self.partition.replicas.iter().position(|before| *before == replica);
        place.and_then(|place| self.partition.directories.get(place).copied()).unwrap_or(Uuid::ZERO)
    }

    fn has_enough(&self) -> bool {
        self.isr.len() >= self.min_isr.min(self.replicas.len())
    }

    /// The replicas that are out of sync and yet have all that is committed.
    fn eligible(&self) -> Vec<i32> {
        if self.has_enough() {
            return Vec::new();
        }
        let before = self.partition.elr.iter().chain(&self.partition.isr).copied();
        let mut eligible: Vec<i32> = Vec::new();
        for replica in before.filter(|replica| self.replicas.contains(replica)) {
            let is_known = self.isr.contains(&replica) || eligible.contains(&replica);
            if !is_known && Some(replica) != self.lost {
                eligible.push(replica);
            }
        }
        eligible
    }

    /// Who led last, for as long as nobody leads and unless its data are gone; Kafka, too, keeps the last leader alone.
    fn last_known(&self, leader: i32) -> Vec<i32> {
        let before = self.partition;
        let mut known = match (leader, before.leader) {
            (0.., _) => Vec::new(),
            (_, last @ 0..) => vec![last],
            _ => before.last_known_elr.clone(),
        };
        known.retain(|replica| Some(*replica) != self.gone);
        known
    }

    fn directories(&self) -> Option<Vec<Uuid>> {
        if self.replicas == self.partition.replicas && self.directory.is_none() {
            return None;
        }
        let places: Vec<_> = self.replicas.iter().map(|replica| self.directory_of(*replica)).collect();
        (places != self.partition.directories).then_some(places)
    }
}

fn changed(new: &[i32], old: &[i32]) -> Option<Vec<i32>> {
    (new != old).then(|| new.into())
}

impl Controller {
    fn topic_value(&self, topic: TopicId, name: &str) -> Option<crate::config::Value> {
        let own = self.image.topic(topic).and_then(|topic| {
            self.image.configs(&ConfigResource { kind: ResourceType::TOPIC, name: topic.name().clone() })
        });
        topic_config_value(&self.broker_configs(), &own.cloned().unwrap_or_default(), name)
    }

    /// `min.insync.replicas` of a topic.
    pub(super) fn min_isr(&self, topic: TopicId) -> usize {
        let number = self.topic_value(topic, "min.insync.replicas").map_or(1, |value| value.as_i64());
        usize::try_from(number).unwrap_or(1)
    }

    fn elects_uncleanly(&self, topic: TopicId) -> bool {
        self.topic_value(topic, "unclean.leader.election.enable").is_some_and(|value| value.as_bool())
    }

    /// Whether what the topic acknowledges may be lost with the power: `flush.messages` or `flush.ms` say when it is synced.
    pub(super) fn is_relaxed(&self, topic: TopicId) -> bool {
        let own = self.image.topic(topic).and_then(|topic| {
            self.image.configs(&ConfigResource { kind: ResourceType::TOPIC, name: topic.name().clone() })
        });
        let set = |name: &str| {
            let on_topic = own.and_then(|own| own.get(name)).map(|value| value.as_str().into());
            on_topic.or_else(|| {
                self.broker_configs().set_anywhere(if name == "flush.ms" {
                    "log.flush.interval.ms"
                } else {
                    "log.flush.interval.messages"
                })
            })
        };
        let messages: Option<alloc::string::String> = set("flush.messages");
        match messages.as_deref() {
            Some("1") => false,
            Some(_) => true,
            None => set("flush.ms").is_some(),
        }
    }

    /// The records that make eligible replicas agree with a topic's new `min.insync.replicas`.
    pub(super) fn settle_eligible(&self, topic: TopicId, min_isr: usize) -> Vec<Record> {
        let partitions = self.image.topic(topic).into_iter().flat_map(|topic| topic.partitions().iter());
        let changes = partitions.filter(|(_, state)| !state.elr.is_empty()).filter_map(|(index, state)| {
            let mut change = Change::new(self, topic, *index, state);
            change.min_isr = min_isr;
            change.build()
        });
        changes.map(Record::from).collect()
    }
}
