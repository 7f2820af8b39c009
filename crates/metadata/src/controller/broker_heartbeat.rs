//! BrokerHeartbeat: who lives, who is fenced, who leads after that (KIP-631).

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use base::TopicId;
use wire::messages::broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};

use super::election::Change;
use super::{Command, Controller, Moment, Outcome};
use crate::image::{Broker, Partition};
use crate::record::{BrokerChangeRecord, Record};

impl Command for BrokerHeartbeatRequest {
    type Answer = BrokerHeartbeatResponse;

    fn heard_from(&self) -> Option<(i32, i64)> {
        Some((self.broker_id, self.broker_epoch))
    }

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<BrokerHeartbeatResponse> {
        let broker = match controller.check_broker_epoch(self.broker_id, self.broker_epoch) {
            Ok(broker) => broker,
            Err(error) => {
                let error_code = error.code;
                return Outcome::only(BrokerHeartbeatResponse { error_code, ..Default::default() });
            }
        };
        let records = controller.on_heartbeat(self, broker);
        let is_fenced = if broker.fenced { self.want_fence || self.want_shut_down } else { self.want_fence };
        let leads = || controller.partitions().any(|(_, _, partition)| partition.leader == broker.id);
        // A broker may stop once nobody needs it any more, or nobody could take over.
        let should_shut_down = self.want_shut_down && (!leads() || controller.is_last(broker.id));
        let answer = BrokerHeartbeatResponse {
            is_caught_up: true,
            is_fenced,
            should_shut_down,
            session_ms: i32::try_from(controller.setting("broker.session.timeout.ms")).unwrap_or(i32::MAX),
            ..Default::default()
        };
        Outcome { records, answer }
    }
}

/// Fences a broker whose heartbeats failed to come; asked by the controller's own clock.
///
/// One at a time, as Kafka does: what becomes of partitions is judged by the image, which must know of the first before the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceExpired;

impl Command for FenceExpired {
    /// The brokers that are fenced now.
    type Answer = Vec<i32>;

    fn decide(&self, controller: &Controller, at: Moment) -> Outcome<Vec<i32>> {
        let expired = |broker: &&Arc<Broker>| !broker.fenced && !controller.has_session(broker, at.now_ms);
        let Some(broker) = controller.image.brokers().values().find(expired) else {
            return Outcome::only(Vec::new());
        };
        let mut records = vec![change(broker, |change| change.fenced = Some(true))];
        records.extend(controller.leave(broker.id));
        let answer = vec![broker.id];
        Outcome { records, answer }
    }
}

/// What there is of the data of a replica whose broker goes or comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Left {
    /// Everything.
    All,
    /// What was synced, which may not be all that was acknowledged.
    Some,
    /// Nothing.
    Nothing,
}

fn change(broker: &Broker, set: impl FnOnce(&mut BrokerChangeRecord)) -> Record {
    let mut record =
        BrokerChangeRecord { broker_id: broker.id, broker_epoch: broker.epoch, ..Default::default() };
    set(&mut record);
    record.into()
}

impl Controller {
    fn on_heartbeat(&self, asked: &BrokerHeartbeatRequest, broker: &Broker) -> Vec<Record> {
        let mut records = self.on_directories(asked, broker);
        if asked.want_shut_down && !broker.in_controlled_shutdown && !broker.fenced {
            records.push(change(broker, |change| change.in_controlled_shutdown = Some(true)));
            records.extend(self.leave(broker.id));
        } else if asked.want_fence && !broker.fenced {
            records.push(change(broker, |change| change.fenced = Some(true)));
            records.extend(self.leave(broker.id));
        } else if !asked.want_fence && !asked.want_shut_down && broker.fenced {
            records.push(change(broker, |change| change.fenced = Some(false)));
            records.extend(self.arrive(broker.id));
        }
        records
    }

    fn on_directories(&self, asked: &BrokerHeartbeatRequest, broker: &Broker) -> Vec<Record> {
        let mut records = vec![];
        let left: Vec<_> =
            broker.log_dirs.iter().copied().filter(|dir| !asked.offline_log_dirs.contains(dir)).collect();
        if left.len() < broker.log_dirs.len() {
            records.push(change(broker, |change| change.log_dirs = Some(left)));
        }
        if let Some(cordoned) =
            asked.cordoned_log_dirs.as_ref().filter(|dirs| **dirs != broker.cordoned_log_dirs)
        {
            records.push(change(broker, |change| change.cordoned_log_dirs = Some(cordoned.clone())));
        }
        records
    }

    /// Whether the broker was heard of within its session.
    pub(super) fn has_session(&self, broker: &Broker, now_ms: i64) -> bool {
        let session_ms = self.setting("broker.session.timeout.ms");
        let contact = self.contacts.get(&broker.id).filter(|contact| contact.epoch == broker.epoch);
        contact.is_some_and(|contact| now_ms.saturating_sub(contact.at_ms) < session_ms)
    }

    /// All partitions with their topic and index.
    fn partitions(&self) -> impl Iterator<Item = (TopicId, i32, &Arc<Partition>)> {
        let topics = self.image.topics().iter();
        topics.flat_map(|(id, topic)| topic.partitions().iter().map(|(index, state)| (*id, *index, state)))
    }

    /// Whether no other broker could lead anything.
    fn is_last(&self, broker: i32) -> bool {
        self.image.brokers().values().all(|other| other.id == broker || !other.is_active())
    }

    /// Takes leadership and in-sync membership from a broker that goes.
    pub(super) fn leave(&self, broker: i32) -> Vec<Record> {
        self.leave_with(broker, |_, _| Left::All)
    }

    /// The same, where `left` says what there still is of each of its replicas.
    pub(super) fn leave_with(&self, broker: i32, left: impl Fn(TopicId, &Partition) -> Left) -> Vec<Record> {
        let held = self.partitions().filter(|(_, _, state)| {
            let known = [&state.isr, &state.elr, &state.last_known_elr];
            state.leader == broker || known.iter().any(|replicas| replicas.contains(&broker))
        });
        let changes = held.filter_map(|(topic_id, index, state)| {
            let mut change = Change::new(self, topic_id, index, state);
            change.isr.retain(|replica| *replica != broker);
            change.excluded = Some(broker);
            let left = left(topic_id, state);
            change.lost = (left != Left::All).then_some(broker);
            change.gone = (left == Left::Nothing).then_some(broker);
            change.build()
        });
        changes.map(Record::from).collect()
    }

    /// Gives leadership to a broker that came, wherever nobody leads and it may.
    fn arrive(&self, broker: i32) -> Vec<Record> {
        let orphans =
            self.partitions().filter(|(_, _, state)| state.leader < 0 && state.replicas.contains(&broker));
        let changes = orphans.filter_map(|(topic_id, index, state)| {
            let mut change = Change::new(self, topic_id, index, state);
            change.included = Some(broker);
            change.build()
        });
        changes.map(Record::from).collect()
    }
}
