//! Configs that were set while the broker runs and have no effect: each is said once, as those in the properties are at the start.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use base::Str;
use metadata::config::{Config, DYNAMIC_ONLY, Status, config_of};
use metadata::{ConfigResource, Delta, MetadataImage, ResourceType};

/// The names that were spoken of.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<BTreeSet<&'static str>>);

impl Said {
    /// Says what changed and has no effect on this node, if it was not said before.
    pub fn say(&self, node_id: i32, image: &MetadataImage, delta: &Delta) {
        for (resource, config, reason) in self.news(node_id, image, delta) {
            tracing::warn!(resource = %resource.name, "{} has no effect: {reason}", config.name);
        }
    }

    fn news<'a>(
        &self,
        node_id: i32,
        image: &MetadataImage,
        delta: &'a Delta,
    ) -> Vec<(&'a ConfigResource, &'static Config, &'static str)> {
        if delta.configs.is_empty() {
            return Vec::new();
        }
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news = Vec::new();
        let here = |one: &&ConfigResource| is_here(one, node_id);
        for resource in delta.configs.iter().filter(here) {
            let set = image.configs(resource).into_iter().flat_map(|configs| configs.iter());
            for (config, reason) in set.filter_map(|(name, value)| without_effect(resource.kind, name, value))
            {
                if said.insert(config.name) {
                    news.push((resource, config, reason));
                }
            }
        }
        news
    }
}

/// Whether it is not the config of another broker.
fn is_here(resource: &ConfigResource, node_id: i32) -> bool {
    resource.kind != ResourceType::BROKER
        || *resource == ConfigResource::all_brokers()
        || *resource == ConfigResource::broker(node_id)
}

/// The config and why it has no effect, if it has none and another value than its default.
fn without_effect(kind: ResourceType, name: &str, value: &Str) -> Option<(&'static Config, &'static str)> {
    let limit = || DYNAMIC_ONLY.iter().find(|one| kind == ResourceType::BROKER && one.name == name);
    let config = config_of(kind, name).or_else(limit)?;
    let Status::NoUse(reason) = config.status else { return None };
    let default = config.default_value().and_then(|default| config.parse(default).ok());
    (config.parse(value).ok() != default).then_some((config, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_without_effect_is_said_once_and_by_whom_it_concerns() {
        let said = Said::default();
        let mut image = MetadataImage::default();
        let mut set = |resource_type: i8, resource: &'static str, name: &'static str, value: &'static str| {
            let mut delta = Delta::default();
            let (resource_name, value) = (resource.into(), Some(value.into()));
            let record =
                metadata::record::ConfigRecord { resource_type, resource_name, name: name.into(), value };
            image.replay(&record.into(), &mut delta).unwrap();
            let news = said.news(1, &image, &delta);
            news.into_iter().map(|(_, config, _)| config.name).collect::<Vec<_>>()
        };
        let (topic, broker) = (2, 4);
        let none: [&str; 0] = [];
        assert_eq!(set(topic, "t", "retention.ms", "5"), none, "has an effect");
        assert_eq!(set(topic, "t", "preallocate", "false"), none, "is the default");
        assert_eq!(set(topic, "t", "preallocate", "true"), ["preallocate"]);
        assert_eq!(set(topic, "u", "preallocate", "true"), none, "was said");
        let shutdown = "controlled.shutdown.enable";
        assert_eq!(set(broker, "2", shutdown, "false"), none, "is another broker's");
        assert_eq!(set(broker, "", shutdown, "false"), [shutdown]);
    }
}
