//! IncrementalAlterConfigs: sets, removes, appends to and subtracts from single configs (KIP-339).

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base::Str;
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use super::one_min_isr::MIN_ISR;
use super::{ApiError, Command, Controller, Moment, Outcome};
use crate::config::{Kind, config_of, split_list, topic_config_value};
use crate::image::{ConfigResource, ResourceType};
use crate::map::Map;
use crate::record::{ConfigRecord, Record};

/// The longest value, as in Kafka.
const VALUE_BYTES_MAX: usize = 32_767;

/// Kafka's numbers of what is done to a config.
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

impl Command for IncrementalAlterConfigsRequest {
    type Answer = IncrementalAlterConfigsResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<IncrementalAlterConfigsResponse> {
        let (mut records, mut responses) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for resource in &self.resources {
            let altered = if !seen.insert((resource.resource_type, &resource.resource_name)) {
                Err(ApiError::invalid_request("Each resource must appear at most once."))
            } else {
                controller.alter_incrementally(resource)
            };
            let (error_code, error_message) =
                ApiError::pair(&altered.as_ref().map(drop).map_err(Clone::clone));
            records.extend(altered.into_iter().flatten());
            let (resource_type, resource_name) = (resource.resource_type, resource.resource_name.clone());
            responses.push(AlterConfigsResourceResponse {
                error_code,
                error_message,
                resource_type,
                resource_name,
            });
        }
        if self.validate_only {
            records.clear();
        }
        Outcome { records, answer: IncrementalAlterConfigsResponse { responses, ..Default::default() } }
    }
}

/// The error for values that are missing, if any is.
pub(super) fn check_nulls<'a>(missing: impl Iterator<Item = &'a Str>) -> Result<(), ApiError> {
    let names: Vec<&str> = missing.map(|name| &**name).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid_request(format!("Null value not supported for : {}", names.join(","))))
}

impl Controller {
    fn alter_incrementally(&self, asked: &AlterConfigsResource) -> Result<Vec<Record>, ApiError> {
        let resource =
            ConfigResource { kind: ResourceType(asked.resource_type), name: asked.resource_name.detached() };
        let mut seen = BTreeSet::new();
        if !asked.configs.iter().all(|config| seen.insert(&config.name)) {
            return Err(ApiError::invalid_request("Error due to duplicate config keys"));
        }
        let needs_value = asked.configs.iter().filter(|config| config.config_operation != DELETE);
        check_nulls(needs_value.filter(|config| config.value.is_none()).map(|config| &config.name))?;
        let before = self.image.configs(&resource).cloned().unwrap_or_default();
        let mut after = before.clone();
        for config in &asked.configs {
            match new_value(resource.kind, config, before.get(&config.name))? {
                Some(value) => after.insert(config.name.detached(), value),
                None => after.remove(&config.name),
            };
        }
        self.check_configs(&resource, &before, &after)?;
        self.check_one_min_isr(&resource, &before, &after)?;
        Ok(self.config_records(&resource, &before, &after))
    }

    /// The records of a change of configs, and of what follows from it in partitions.
    pub(super) fn config_records(
        &self,
        resource: &ConfigResource,
        before: &Map<Str, Str>,
        after: &Map<Str, Str>,
    ) -> Vec<Record> {
        let mut records = differences(resource, before, after);
        if before.get(MIN_ISR) == after.get(MIN_ISR) {
            return records;
        }
        let min_isr = |own: &Map<Str, Str>| {
            let value = topic_config_value(&self.broker_configs(), own, MIN_ISR);
            value.and_then(|value| usize::try_from(value.as_i64()).ok()).unwrap_or(1)
        };
        match resource.kind {
            ResourceType::TOPIC => {
                let topic = self.image.topic_named(&resource.name);
                records.extend(
                    topic.into_iter().flat_map(|topic| self.settle_eligible(topic.id(), min_isr(after))),
                );
            }
            // Judged by the value given, or by the least there can be where it is taken away.
            ResourceType::BROKER => {
                let given = after.get(MIN_ISR).and_then(|text| text.parse().ok()).unwrap_or(1);
                records.extend(self.settle_inheriting(given));
            }
            _ => {}
        }
        records
    }
}

/// The value a config gets, none to remove it.
fn new_value(
    kind: ResourceType,
    config: &AlterableConfig,
    before: Option<&Str>,
) -> Result<Option<Str>, ApiError> {
    let value = config.value.as_ref().map(Str::detached).unwrap_or_default();
    match config.config_operation {
        DELETE => Ok(None),
        SET => Ok(Some(value)),
        APPEND | SUBTRACT => new_list(kind, config, before, &value).map(Some),
        other => Err(ApiError::invalid_request(format!("Unknown operations type {other}"))),
    }
}

/// The list a config gets; one that was not set begins as its default.
fn new_list(
    kind: ResourceType,
    config: &AlterableConfig,
    before: Option<&Str>,
    value: &str,
) -> Result<Str, ApiError> {
    let known = config_of(kind, &config.name);
    let is_append = config.config_operation == APPEND;
    if !known.is_some_and(|known| known.kind == Kind::List) {
        let operation = if is_append { "APPEND" } else { "SUBTRACT" };
        let message = format!("Can't {operation} to key {} because its type is not LIST.", config.name);
        return Err(ApiError::invalid_config(message));
    }
    let default = known.and_then(|known| known.default_value()).unwrap_or_default();
    let mut items = split_list(before.map_or(default, |before| before.as_str()));
    items.retain(|item| !item.is_empty());
    for item in split_list(value) {
        if !is_append {
            items.retain(|kept| *kept != item);
        } else if !items.contains(&item) {
            items.push(item);
        }
    }
    Ok(items.join(",").into())
}

/// The records that lead from one set of configs to another.
pub(super) fn differences(
    resource: &ConfigResource,
    before: &Map<Str, Str>,
    after: &Map<Str, Str>,
) -> Vec<Record> {
    let set = after.iter().filter(|(name, value)| before.get::<str>(name) != Some(value));
    let set = set.map(|(name, value)| (name, Some(value.clone())));
    let removed = before.keys().filter(|name| !after.contains_key::<str>(name)).map(|name| (name, None));
    set.chain(removed)
        .map(|(name, value)| {
            let (resource_type, resource_name) = (resource.kind.0, resource.name.clone());
            ConfigRecord { resource_type, resource_name, name: name.clone(), value }.into()
        })
        .collect()
}

/// Whether no value is longer than Kafka stores.
pub(super) fn check_lengths(after: &Map<Str, Str>) -> Result<(), ApiError> {
    if after.values().all(|value| value.len() <= VALUE_BYTES_MAX) {
        return Ok(());
    }
    Err(ApiError::invalid_config(String::from(
        "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.",
    )))
}
