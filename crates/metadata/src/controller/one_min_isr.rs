//! One `min.insync.replicas` for the whole cluster (KIP-966).
//!
//! Eligible leader replicas are safe only while nothing is committed below the number that the controller judges by. What stands in a
//! node's own properties may differ from node to node: a controller that takes over writes its own into the metadata as the default of
//! all brokers, once, and what was set on single brokers goes. Where its properties have none it judges by 1, which is safe whatever
//! the leaders' ask for, and writes nothing: Kafka writes 1, and so takes away what the files of brokers ask for.

use alloc::vec::Vec;

use base::Str;

use super::config_changes::differences;
use super::{ApiError, Controller};
use crate::config::broker_config;
use crate::image::{ConfigResource, ResourceType};
use crate::map::Map;
use crate::record::Record;

pub(super) const MIN_ISR: &str = "min.insync.replicas";

impl Controller {
    /// The records by which all nodes see one number; none where they do.
    pub fn unify_min_isr(&self) -> Vec<Record> {
        if !self.settings.one_min_isr {
            return Vec::new();
        }
        let mut records = self.own_for_all();
        for (resource, before) in self.image.configured().iter().filter(|(it, _)| is_one_broker(it)) {
            let mut after = before.clone();
            after.remove::<str>(MIN_ISR);
            records.extend(differences(resource, before, &after));
        }
        if !records.is_empty() {
            // Whoever was eligible was so by another number than the leaders', maybe.
            records.extend(self.settle_inheriting(1));
        }
        records
    }

    /// The default of all brokers, if there is none yet and this node's properties have it.
    fn own_for_all(&self) -> Vec<Record> {
        let all = ConfigResource::all_brokers();
        let before = self.image.configs(&all).cloned().unwrap_or_default();
        let own = self.settings.static_configs.get(MIN_ISR).map(|text| text.trim());
        let own = own.filter(|text| broker_config(MIN_ISR).is_some_and(|row| row.parse(text).is_ok()));
        let Some(own) = own.filter(|_| !before.contains_key::<str>(MIN_ISR)) else { return Vec::new() };
        let mut after = before.clone();
        after.insert(Str::from_static(MIN_ISR), own.into());
        differences(&all, &before, &after)
    }

    /// The records by which eligible replicas of all topics without a number of their own agree with this one.
    pub(super) fn settle_inheriting(&self, min_isr: usize) -> Vec<Record> {
        let inherits = |topic: &&crate::image::Topic| {
            let resource = ConfigResource { kind: ResourceType::TOPIC, name: topic.name().clone() };
            self.image.config(&resource, MIN_ISR).is_none()
        };
        let topics = self.image.topics().values().filter(inherits);
        topics.flat_map(|topic| self.settle_eligible(topic.id(), min_isr)).collect()
    }

    /// Refuses, with Kafka's words, what would have nodes judge differently.
    pub(super) fn check_one_min_isr(
        &self,
        resource: &ConfigResource,
        before: &Map<Str, Str>,
        after: &Map<Str, Str>,
    ) -> Result<(), ApiError> {
        let (was, will_be) = (before.get::<str>(MIN_ISR), after.get::<str>(MIN_ISR));
        if was == will_be || !self.settings.one_min_isr {
            return Ok(());
        }
        if is_one_broker(resource) && will_be.is_some() {
            let why = "Broker-level min.insync.replicas cannot be altered while ELR is enabled.";
            return Err(ApiError::invalid_config(why));
        }
        if *resource == ConfigResource::all_brokers() && will_be.is_none() {
            let why = "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.";
            return Err(ApiError::invalid_config(why));
        }
        Ok(())
    }
}

fn is_one_broker(resource: &ConfigResource) -> bool {
    resource.kind == ResourceType::BROKER && !resource.name.is_empty()
}
