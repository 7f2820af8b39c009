//! What the cluster is, as of one place in the metadata log.
//!
//! An image is a value: cheap to clone, never changed by anyone but [`MetadataImage::replay`], which costs by what the record
//! changes and not by the size of the cluster (see [`crate::map`]). Readers hold a clone and are never disturbed.

mod broker;
mod delta;
mod replay;
mod resource;
mod snapshot;
mod topic;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Str, TopicId, Uuid};

use crate::map::Map;
use crate::record::{
    AccessControlEntryRecord, QuotaEntityPart, RegisterControllerRecord, UserScramCredentialRecord,
};

pub use broker::Broker;
pub use delta::Delta;
pub use replay::ReplayError;
pub use resource::{ConfigResource, ResourceType};
pub use topic::{Partition, Topic};

/// All metadata of the cluster; see the module's text.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct MetadataImage {
    cluster_id: Option<Str>,
    topics: Map<TopicId, Topic>,
    names: Map<Str, TopicId>,
    /// Names with `.` or `_`, by how metrics show them, where the two are the same.
    metric_names: Map<Str, Str>,
    brokers: Map<i32, Arc<Broker>>,
    broker_epoch_max: i64,
    controllers: Map<i32, Arc<RegisterControllerRecord>>,
    configs: Map<ConfigResource, Map<Str, Str>>,
    features: Map<Str, i16>,
    next_producer_id: i64,
    quotas: Map<Vec<QuotaEntityPart>, Map<Str, f64>>,
    acls: Map<Uuid, Arc<AccessControlEntryRecord>>,
    scram: Map<(Str, i8), Arc<UserScramCredentialRecord>>,
}

impl MetadataImage {
    /// The cluster's identity, once the log holds it.
    pub fn cluster_id(&self) -> Option<&Str> {
        self.cluster_id.as_ref()
    }

    /// All topics by identity.
    pub fn topics(&self) -> &Map<TopicId, Topic> {
        &self.topics
    }

    /// All topics' identities by name, in the order of the names.
    pub fn topic_names(&self) -> &Map<Str, TopicId> {
        &self.names
    }

    /// The topic with this identity.
    pub fn topic(&self, id: TopicId) -> Option<&Topic> {
        self.topics.get(&id)
    }

    /// The topic with this name.
    pub fn topic_named(&self, name: &str) -> Option<&Topic> {
        self.topics.get(self.names.get(name)?)
    }

    /// The topic that metrics could not tell from `name`, whichever of `.` and `_` it has; none if it has neither.
    pub fn colliding_topic(&self, name: &str) -> Option<&Str> {
        self.metric_names.get(metric_name(name)?.as_str())
    }

    /// One partition.
    pub fn partition(&self, topic: TopicId, partition: i32) -> Option<&Arc<Partition>> {
        self.topics.get(&topic)?.partitions().get(&partition)
    }

    /// All registered brokers, fenced ones too.
    pub fn brokers(&self) -> &Map<i32, Arc<Broker>> {
        &self.brokers
    }

    /// The broker, if it is registered and not fenced.
    pub fn live_broker(&self, id: i32) -> Option<&Arc<Broker>> {
        self.brokers.get(&id).filter(|broker| !broker.fenced)
    }

    /// Whether the broker's registration is the one of this incarnation.
    ///
    /// Before that holds, what the metadata say of the broker's replicas was said to an earlier process: this one takes up no role.
    pub fn is_registered(&self, id: i32, incarnation: Uuid) -> bool {
        self.brokers.get(&id).is_some_and(|broker| broker.incarnation_id == incarnation)
    }

    /// The greatest broker epoch ever given.
    pub fn broker_epoch_max(&self) -> i64 {
        self.broker_epoch_max
    }

    /// All registered controllers.
    pub fn controllers(&self) -> &Map<i32, Arc<RegisterControllerRecord>> {
        &self.controllers
    }

    /// The configs that were set on a resource, by name.
    pub fn configs(&self, resource: &ConfigResource) -> Option<&Map<Str, Str>> {
        self.configs.get(resource)
    }

    /// One config that was set on a resource.
    pub fn config(&self, resource: &ConfigResource, name: &str) -> Option<&Str> {
        self.configs.get(resource)?.get(name)
    }

    /// All resources that have configs, by type and name.
    pub fn configured(&self) -> &Map<ConfigResource, Map<Str, Str>> {
        &self.configs
    }

    /// The finalized features with their levels; one that is absent stands at 0.
    pub fn features(&self) -> &Map<Str, i16> {
        &self.features
    }

    /// The finalized level of a feature, 0 if it was never finalized.
    pub fn feature(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// The first producer id that no block holds yet.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// All client quotas by what they apply to.
    pub fn quotas(&self) -> &Map<Vec<QuotaEntityPart>, Map<Str, f64>> {
        &self.quotas
    }

    /// All ACLs by identity.
    pub fn acls(&self) -> &Map<Uuid, Arc<AccessControlEntryRecord>> {
        &self.acls
    }

    /// All SCRAM credentials by user and mechanism.
    pub fn scram(&self) -> &Map<(Str, i8), Arc<UserScramCredentialRecord>> {
        &self.scram
    }
}

/// How metrics show a topic's name; none if that is the name itself whatever it is.
pub(crate) fn metric_name(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}

#[cfg(test)]
mod tests;
