//! The one place where an image changes.

use alloc::sync::Arc;
use core::fmt;

use base::{Str, TopicId, TopicIdPartition};

use super::{Broker, ConfigResource, Delta, MetadataImage, Partition, ResourceType, Topic, metric_name};
use crate::map::Map;
use crate::record::{
    BrokerChangeRecord, ClientQuotaRecord, ConfigRecord, FeatureLevelRecord, PartitionChangeRecord,
    PartitionRecord, Record, RegisterBrokerRecord, TopicRecord,
};

/// A record that does not follow from those before it: the log is not what it claims to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// It speaks of a topic that does not exist.
    NoSuchTopic(TopicId),
    /// It speaks of a partition that does not exist.
    NoSuchPartition(TopicIdPartition),
    /// It creates what exists.
    TopicExists(TopicId),
    /// It speaks of a broker, or an epoch of one, that is not registered.
    NoSuchBroker(i32),
    /// It hands out producer ids again.
    ProducerIdsAgain(i64),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the metadata log contradicts itself: ")?;
        match self {
            Self::NoSuchTopic(id) => write!(f, "there is no topic {id}"),
            Self::NoSuchPartition(partition) => write!(f, "there is no partition {partition}"),
            Self::TopicExists(id) => write!(f, "topic {id} or its name exists already"),
            Self::NoSuchBroker(id) => write!(f, "broker {id} is not registered in that epoch"),
            Self::ProducerIdsAgain(id) => write!(f, "producer ids below {id} were handed out before"),
        }
    }
}

impl core::error::Error for ReplayError {}

impl MetadataImage {
    /// Makes true what `record` says and notes it in `delta`.
    pub fn replay(&mut self, record: &Record, delta: &mut Delta) -> Result<(), ReplayError> {
        match record {
            Record::ClusterId(record) => self.cluster_id = Some(record.id.detached()),
            Record::Topic(record) => self.replay_topic(record, delta)?,
            Record::Partition(record) => self.replay_partition(record, delta)?,
            Record::PartitionChange(record) => self.replay_partition_change(record, delta)?,
            Record::RemoveTopic(record) => self.replay_remove_topic(record.topic_id, delta)?,
            Record::RegisterBroker(record) => self.replay_register_broker(record, delta)?,
            Record::BrokerChange(record) => self.replay_broker_change(record, delta)?,
            Record::UnregisterBroker(record) => {
                self.brokers.remove(&record.broker_id).ok_or(ReplayError::NoSuchBroker(record.broker_id))?;
                delta.brokers.insert(record.broker_id);
            }
            Record::BrokerEpoch(record) => self.broker_epoch_max = self.broker_epoch_max.max(record.max),
            Record::RegisterController(record) => {
                self.controllers.insert(record.controller_id, Arc::new(record.clone()));
                delta.controllers.insert(record.controller_id);
            }
            Record::Config(record) => self.replay_config(record, delta),
            Record::FeatureLevel(record) => self.replay_feature_level(record, delta),
            Record::ProducerIds(record) => {
                if record.next_producer_id <= self.next_producer_id {
                    return Err(ReplayError::ProducerIdsAgain(record.next_producer_id));
                }
                self.next_producer_id = record.next_producer_id;
                delta.producer_ids = true;
            }
            Record::ClientQuota(record) => self.replay_client_quota(record, delta),
            Record::AccessControlEntry(record) => {
                self.acls.insert(record.id, Arc::new(record.clone()));
                delta.acls = true;
            }
            Record::RemoveAccessControlEntry(record) => {
                self.acls.remove(&record.id);
                delta.acls = true;
            }
            Record::UserScramCredential(record) => {
                self.scram.insert((record.name.detached(), record.mechanism), Arc::new(record.clone()));
                delta.scram = true;
            }
            Record::RemoveUserScramCredential(record) => {
                self.scram.remove(&(record.name.clone(), record.mechanism));
                delta.scram = true;
            }
        }
        Ok(())
    }

    fn replay_topic(&mut self, record: &TopicRecord, delta: &mut Delta) -> Result<(), ReplayError> {
        let (name, id) = (record.name.detached(), record.topic_id);
        if self.names.contains_key(&name) || self.topics.contains_key(&id) {
            return Err(ReplayError::TopicExists(id));
        }
        self.names.insert(name.clone(), id);
        if let Some(shown) = metric_name(&name) {
            self.metric_names.insert(shown.into(), name.clone());
        }
        self.topics.insert(id, Topic { name, id, partitions: Map::new() });
        delta.created_topics.insert(id);
        Ok(())
    }

    fn replay_partition(&mut self, record: &PartitionRecord, delta: &mut Delta) -> Result<(), ReplayError> {
        let id = record.topic_id;
        let topic = self.topics.get_mut(&id).ok_or(ReplayError::NoSuchTopic(id))?;
        topic.partitions.insert(record.partition, Arc::new(Partition::from_record(record)));
        delta.partitions.insert(TopicIdPartition { topic: id, partition: record.partition });
        Ok(())
    }

    fn replay_partition_change(
        &mut self,
        record: &PartitionChangeRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = record.topic_id;
        let partition = TopicIdPartition { topic: id, partition: record.partition };
        let topic = self.topics.get_mut(&id).ok_or(ReplayError::NoSuchTopic(id))?;
        let state =
            topic.partitions.get_mut(&record.partition).ok_or(ReplayError::NoSuchPartition(partition))?;
        Arc::make_mut(state).change(record);
        delta.partitions.insert(partition);
        Ok(())
    }

    fn replay_remove_topic(&mut self, id: TopicId, delta: &mut Delta) -> Result<(), ReplayError> {
        let topic = self.topics.remove(&id).ok_or(ReplayError::NoSuchTopic(id))?;
        self.names.remove(&topic.name);
        if let Some(shown) = metric_name(&topic.name) {
            self.metric_names.remove(shown.as_str());
        }
        let resource = ConfigResource { kind: ResourceType::TOPIC, name: topic.name.clone() };
        if self.configs.remove(&resource).is_some() {
            delta.configs.insert(resource);
        }
        delta.remove_topic(id, topic.name);
        Ok(())
    }

    fn replay_register_broker(
        &mut self,
        record: &RegisterBrokerRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = record.broker_id;
        if self.brokers.get(&id).is_some_and(|broker| broker.epoch >= record.broker_epoch) {
            return Err(ReplayError::NoSuchBroker(id));
        }
        self.broker_epoch_max = self.broker_epoch_max.max(record.broker_epoch);
        self.brokers.insert(id, Arc::new(Broker::registered(record)));
        delta.brokers.insert(id);
        Ok(())
    }

    fn replay_broker_change(
        &mut self,
        record: &BrokerChangeRecord,
        delta: &mut Delta,
    ) -> Result<(), ReplayError> {
        let id = record.broker_id;
        let broker = self.brokers.get_mut(&id).filter(|broker| broker.epoch == record.broker_epoch);
        Arc::make_mut(broker.ok_or(ReplayError::NoSuchBroker(id))?).change(record);
        delta.brokers.insert(id);
        Ok(())
    }

    fn replay_config(&mut self, record: &ConfigRecord, delta: &mut Delta) {
        let kind = ResourceType(record.resource_type);
        let resource = ConfigResource { kind, name: record.resource_name.detached() };
        put_or_remove(
            &mut self.configs,
            resource.clone(),
            &record.name,
            record.value.as_ref().map(Str::detached),
        );
        delta.configs.insert(resource);
    }

    fn replay_feature_level(&mut self, record: &FeatureLevelRecord, delta: &mut Delta) {
        let name = record.name.detached();
        if record.level == 0 {
            self.features.remove(&name);
        } else {
            self.features.insert(name.clone(), record.level);
        }
        delta.features.insert(name);
    }

    fn replay_client_quota(&mut self, record: &ClientQuotaRecord, delta: &mut Delta) {
        put_or_remove(&mut self.quotas, record.entity.clone(), &record.key, record.value);
        delta.quotas = true;
    }
}

/// Sets or removes one named value of `owner`; an owner without values is forgotten.
fn put_or_remove<K: Ord + Clone, V: Clone>(
    map: &mut Map<K, Map<Str, V>>,
    owner: K,
    name: &Str,
    value: Option<V>,
) {
    let mut values = map.get(&owner).cloned().unwrap_or_default();
    match value {
        Some(value) => values.insert(name.detached(), value),
        None => values.remove(name),
    };
    if values.is_empty() {
        map.remove(&owner);
    } else {
        map.insert(owner, values);
    }
}
