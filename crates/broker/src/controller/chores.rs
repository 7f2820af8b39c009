//! What the active controller does by itself: leaders go back to preferred replicas, and internal topics get the replicas that they
//! could not have when the cluster was smaller.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use metadata::MetadataImage;
use metadata::config::BrokerConfigs;
use metadata::controller::is_internal_topic;
use metadata::image::Topic;
use wire::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use wire::messages::elect_leaders::ElectLeadersRequest;

use super::auto_create::INTERNAL_REPLICAS_MAX;
use crate::Broker;

/// How long the brokers must be the same before internal topics spread over them.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// When what was done last.
#[derive(Debug)]
pub(super) struct Chores {
    balanced: Instant,
    /// The number of active brokers, and since when it is that.
    active: (usize, Instant),
    spread: usize,
}

impl Chores {
    pub fn new() -> Self {
        let now = Instant::now();
        Self { balanced: now, active: (0, now), spread: 0 }
    }

    /// The election that is due now, if one is.
    pub fn balance(&mut self, configs: &BrokerConfigs<'_>) -> Option<ElectLeadersRequest> {
        let every = configs.number("leader.imbalance.check.interval.seconds");
        let every = Duration::from_secs(u64::try_from(every).unwrap_or(u64::MAX).max(1));
        if self.balanced.elapsed() < every {
            return None;
        }
        self.balanced = Instant::now();
        let is_wanted = configs.value("auto.leader.rebalance.enable").is_none_or(|value| value.as_bool());
        is_wanted.then(|| ElectLeadersRequest {
            election_type: 0,
            topic_partitions: None,
            ..Default::default()
        })
    }

    /// The moves by which internal topics get more replicas, if brokers came.
    pub fn spread(
        &mut self,
        broker: &Broker,
        image: &MetadataImage,
    ) -> Option<AlterPartitionReassignmentsRequest> {
        let active = image.brokers().values().filter(|one| one.is_active()).count();
        if self.active.0 != active {
            self.active = (active, Instant::now());
        }
        let wanted = active.min(INTERNAL_REPLICAS_MAX);
        if wanted <= self.spread || self.active.1.elapsed() < SETTLED_AFTER {
            return None;
        }
        self.spread = wanted;
        let was_chosen = |name: &str| match name {
            "__consumer_offsets" => {
                broker.config.properties.get("offsets.topic.replication.factor").is_none()
            }
            "__transaction_state" => {
                broker.config.properties.get("transaction.state.log.replication.factor").is_none()
            }
            _ => false,
        };
        let topics = image
            .topics()
            .values()
            .filter(|topic| is_internal_topic(topic.name()) && was_chosen(topic.name()));
        let moved: Vec<_> = topics.filter_map(|topic| more_replicas(image, topic, wanted)).collect();
        (!moved.is_empty())
            .then(|| AlterPartitionReassignmentsRequest { topics: moved, ..Default::default() })
    }
}

/// A topic's partitions with as many replicas as wanted, the new ones where there are fewest.
fn more_replicas(image: &MetadataImage, topic: &Topic, wanted: usize) -> Option<ReassignableTopic> {
    let mut held: BTreeMap<i32, usize> =
        image.brokers().values().filter(|one| one.is_active()).map(|one| (one.id, 0)).collect();
    for state in topic.partitions().values() {
        for id in &state.replicas {
            *held.entry(*id).or_default() += 1;
        }
    }
    let mut partitions = Vec::new();
    for (index, state) in topic.partitions().iter().filter(|(_, state)| state.replicas.len() < wanted) {
        let mut replicas = state.replicas.clone();
        while replicas.len() < wanted {
            let free =
                held.iter().filter(|(id, _)| !replicas.contains(id) && image.live_broker(**id).is_some());
            let Some(next) = free.min_by_key(|(_, count)| **count).map(|(id, _)| *id) else { break };
            held.entry(next).and_modify(|count| *count += 1);
            replicas.push(next);
        }
        partitions.push(ReassignablePartition { partition_index: *index, replicas: Some(replicas) });
    }
    (!partitions.is_empty()).then(|| ReassignableTopic { name: topic.name().clone(), partitions })
}

#[cfg(test)]
mod tests {
    use metadata::config::StaticConfigs;

    use super::*;

    #[test]
    fn leaders_are_balanced_as_often_as_is_asked_and_only_if_it_is() {
        let image = MetadataImage::default();
        for (seconds, enable, is_due) in [("10", "true", true), ("10", "false", false), ("60", "true", false)]
        {
            let mut statics = StaticConfigs::default();
            statics.insert("leader.imbalance.check.interval.seconds".to_owned(), seconds.to_owned());
            statics.insert("auto.leader.rebalance.enable".to_owned(), enable.to_owned());
            let configs = BrokerConfigs { node_id: 1, statics: &statics, image: &image };
            let mut chores = Chores::new();
            assert!(chores.balance(&configs).is_none(), "not at once");
            chores.balanced = Instant::now().checked_sub(Duration::from_secs(30)).unwrap();
            assert_eq!(chores.balance(&configs).is_some(), is_due, "{seconds} s, {enable}");
            assert!(chores.balance(&configs).is_none(), "once");
        }
    }
}
