//! The picture of a cluster, as answers to Metadata paint it. Pure: times are arguments.
//!
//! A partition's leader is replaced only by one of the same or a later epoch, so that a broker that lags behind cannot turn the
//! picture back (KIP-320), unless the topic has another id: then it is another topic.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use base::{Str, Uuid};
use wire::ErrorCode;
use wire::messages::metadata::{MetadataResponse, MetadataResponsePartition, MetadataResponseTopic};

use crate::{Address, TopicPartition};

/// A broker and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// `node.id`.
    pub id: i32,
    /// Where clients reach it.
    pub address: Address,
    /// `broker.rack`.
    pub rack: Option<Str>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionView {
    /// Its index.
    pub partition: i32,
    /// The leader's `node.id`, if there is a leader.
    pub leader: Option<i32>,
    /// How many leaders there were before; -1 where not told.
    pub leader_epoch: i32,
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub isr: Vec<i32>,
    /// Those of them that are not there.
    pub offline: Vec<i32>,
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicView {
    /// Its name.
    pub name: Str,
    /// Its id; zero from brokers before Kafka 2.8.
    pub id: Uuid,
    /// Whether it belongs to Kafka itself.
    pub is_internal: bool,
    /// Its partitions by index.
    pub partitions: BTreeMap<i32, PartitionView>,
    /// When this was learned.
    pub fetched_at: Instant,
}

/// Brokers and topics.
#[derive(Clone, Debug, Default)]
pub struct ClusterView {
    /// The cluster's id.
    pub cluster_id: Option<Str>,
    /// The `node.id` of the broker to send changes to.
    pub controller: Option<i32>,
    /// The live brokers by `node.id`.
    pub brokers: BTreeMap<i32, Broker>,
    /// The topics asked for so far.
    pub topics: HashMap<Str, TopicView>,
    names: HashMap<Uuid, Str>,
    /// What was wrong with topics when last asked for.
    pub(crate) errors: HashMap<Str, ErrorCode>,
}

impl ClusterView {
    /// Takes an answer in. With `all` it lists every topic, so that those missing are gone.
    pub(crate) fn merge(&mut self, response: &MetadataResponse, all: bool, now: Instant) {
        self.cluster_id = response.cluster_id.as_ref().map(Str::detached).or(self.cluster_id.take());
        self.controller = Some(response.controller_id).filter(|id| *id >= 0);
        if !response.brokers.is_empty() {
            self.brokers = response
                .brokers
                .iter()
                .map(|broker| broker_of(broker.node_id, &broker.host, broker.port, broker.rack.as_ref()))
                .collect();
        }
        if all {
            let listed: Vec<&Str> = response.topics.iter().filter_map(|topic| topic.name.as_ref()).collect();
            self.topics.retain(|name, _| listed.contains(&name));
            self.errors.clear();
        }
        for topic in &response.topics {
            self.merge_topic(topic, now);
        }
    }

    fn merge_topic(&mut self, topic: &MetadataResponseTopic, now: Instant) {
        let Some(name) = topic.name.as_ref().map(Str::detached) else { return };
        // A topic whose leaders are being elected is told whole, with the error beside it.
        if topic.error_code.is_error() && topic.error_code != ErrorCode::LEADER_NOT_AVAILABLE {
            self.errors.insert(name.clone(), topic.error_code);
            if matches!(topic.error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC_ID)
            {
                self.forget(&name);
            }
            return;
        }
        self.errors.remove(&name);
        let known = self.topics.get(&name).filter(|known| known.id == topic.topic_id);
        let partitions = topic.partitions.iter().map(|partition| {
            let fresh = partition_of(partition);
            let old = known.and_then(|known| known.partitions.get(&fresh.partition));
            let kept =
                old.filter(|old| fresh.leader_epoch >= 0 && old.leader_epoch > fresh.leader_epoch).cloned();
            (fresh.partition, kept.unwrap_or(fresh))
        });
        let partitions: BTreeMap<i32, PartitionView> = partitions.collect();
        if let Some(old) = self.topics.get(&name) {
            self.names.remove(&old.id);
        }
        if !topic.topic_id.is_zero() {
            self.names.insert(topic.topic_id, name.clone());
        }
        let view = TopicView {
            name: name.clone(),
            id: topic.topic_id,
            is_internal: topic.is_internal,
            partitions,
            fetched_at: now,
        };
        self.topics.insert(name, view);
    }

    fn forget(&mut self, name: &Str) {
        if let Some(gone) = self.topics.remove(name) {
            self.names.remove(&gone.id);
        }
    }

    /// A broker named a partition's new leader beside its error (KIP-951). Returns whether that is news.
    pub(crate) fn learn_leader(&mut self, partition: &TopicPartition, leader: i32, epoch: i32) -> bool {
        let topic = self.topics.get_mut(&partition.topic);
        let Some(known) = topic.and_then(|topic| topic.partitions.get_mut(&partition.partition)) else {
            return false;
        };
        let is_news = leader >= 0 && epoch > known.leader_epoch && self.brokers.contains_key(&leader);
        if is_news {
            known.leader = Some(leader);
            known.leader_epoch = epoch;
        }
        is_news
    }

    /// A broker told of another one.
    pub(crate) fn learn_broker(&mut self, id: i32, host: &Str, port: i32, rack: Option<&Str>) {
        let (id, broker) = broker_of(id, host, port, rack);
        self.brokers.insert(id, broker);
    }

    /// One partition, if known.
    pub fn partition(&self, partition: &TopicPartition) -> Option<&PartitionView> {
        self.topics.get(&partition.topic)?.partitions.get(&partition.partition)
    }

    /// The leader of a partition, if it has one and the broker is known.
    pub fn leader(&self, partition: &TopicPartition) -> Option<i32> {
        self.partition(partition)?.leader.filter(|leader| self.brokers.contains_key(leader))
    }

    /// The name of the topic with this id.
    pub fn name_of(&self, id: Uuid) -> Option<&Str> {
        self.names.get(&id)
    }

    /// The id of the topic with this name; zero if it has none.
    pub fn id_of(&self, name: &Str) -> Option<Uuid> {
        self.topics.get(name).map(|topic| topic.id)
    }
}

fn broker_of(id: i32, host: &Str, port: i32, rack: Option<&Str>) -> (i32, Broker) {
    let address = Address { host: host.as_str().to_owned(), port: u16::try_from(port).unwrap_or(0) };
    (id, Broker { id, address, rack: rack.map(Str::detached) })
}

fn partition_of(partition: &MetadataResponsePartition) -> PartitionView {
    PartitionView {
        partition: partition.partition_index,
        leader: Some(partition.leader_id).filter(|leader| *leader >= 0),
        leader_epoch: partition.leader_epoch,
        replicas: partition.replica_nodes.clone(),
        isr: partition.isr_nodes.clone(),
        offline: partition.offline_replicas.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(id: u8, leader: i32, epoch: i32) -> MetadataResponse {
        let partition =
            MetadataResponsePartition { leader_id: leader, leader_epoch: epoch, ..Default::default() };
        let topic = MetadataResponseTopic {
            name: Some("t".into()),
            topic_id: Uuid([id; 16]),
            partitions: vec![partition],
            ..Default::default()
        };
        let brokers = (1..=3)
            .map(|node_id| wire::messages::metadata::MetadataResponseBroker {
                node_id,
                host: "h".into(),
                port: 9092,
                rack: None,
            })
            .collect();
        MetadataResponse { brokers, topics: vec![topic], ..Default::default() }
    }

    #[test]
    fn an_older_epoch_does_not_turn_the_picture_back() {
        let partition = TopicPartition::new("t", 0);
        let mut view = ClusterView::default();
        for (id, leader, epoch, expected) in [(1, 1, 5, 1), (1, 2, 4, 1), (1, 3, 5, 3), (2, 2, 0, 2)] {
            view.merge(&answer(id, leader, epoch), false, Instant::now());
            assert_eq!(view.leader(&partition), Some(expected), "{id} {leader} {epoch}");
        }
        assert!(!view.learn_leader(&partition, 1, 0));
        assert!(view.learn_leader(&partition, 1, 1));
        assert_eq!(view.leader(&partition), Some(1));
    }

    #[test]
    fn a_topic_that_is_gone_leaves() {
        let mut view = ClusterView::default();
        view.merge(&answer(1, 1, 1), false, Instant::now());
        let mut gone = answer(1, 1, 1);
        gone.topics[0].error_code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        view.merge(&gone, false, Instant::now());
        assert!(view.topics.is_empty());
        assert_eq!(view.name_of(Uuid([1; 16])), None);
    }
}
