//! An image as the shortest run of records that makes it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::MetadataImage;
use crate::record::{
    BrokerEpochRecord, ClientQuotaRecord, ClusterIdRecord, ConfigRecord, FeatureLevelRecord,
    ProducerIdsRecord, Record, TopicRecord,
};

impl MetadataImage {
    /// The records that, replayed into an empty image, make this one again.
    pub fn to_records(&self) -> Vec<Record> {
        let mut out = Vec::new();
        out.extend(self.cluster_id.iter().map(|id| Record::from(ClusterIdRecord { id: id.clone() })));
        for (name, level) in &self.features {
            out.push(FeatureLevelRecord { name: name.clone(), level: *level }.into());
        }
        out.push(BrokerEpochRecord { max: self.broker_epoch_max }.into());
        out.extend(self.controllers.values().map(|controller| Record::from((**controller).clone())));
        out.extend(self.brokers.values().map(|broker| Record::from(broker.to_record())));
        self.put_topics(&mut out);
        self.put_configs(&mut out);
        if self.next_producer_id > 0 {
            let next_producer_id = self.next_producer_id;
            out.push(ProducerIdsRecord { broker_id: -1, broker_epoch: -1, next_producer_id }.into());
        }
        self.put_security(&mut out);
        out
    }

    fn put_topics(&self, out: &mut Vec<Record>) {
        for (id, topic) in &self.topics {
            out.push(TopicRecord { name: topic.name.clone(), topic_id: *id }.into());
            out.extend(
                topic.partitions.iter().map(|(index, state)| Record::from(state.to_record(*id, *index))),
            );
        }
    }

    fn put_configs(&self, out: &mut Vec<Record>) {
        for (resource, configs) in &self.configs {
            out.extend(configs.iter().map(|(name, value)| {
                Record::from(ConfigRecord {
                    resource_type: resource.kind.0,
                    resource_name: resource.name.clone(),
                    name: name.clone(),
                    value: Some(value.clone()),
                })
            }));
        }
    }

    fn put_security(&self, out: &mut Vec<Record>) {
        for (entity, limits) in &self.quotas {
            out.extend(limits.iter().map(|(key, value)| {
                let (entity, key) = (entity.clone(), key.clone());
                Record::from(ClientQuotaRecord { entity, key, value: Some(*value) })
            }));
        }
        out.extend(self.acls.values().map(|acl| Record::from(Arc::unwrap_or_clone(acl.clone()))));
        out.extend(
            self.scram.values().map(|credential| Record::from(Arc::unwrap_or_clone(credential.clone()))),
        );
    }
}
