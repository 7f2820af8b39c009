//! Which configs a resource may have, beyond what each row of the catalog says by itself.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base::Str;
use wire::ErrorCode;

use super::config_changes::check_lengths;
use super::topic_name::check_topic_name;
use super::{ApiError, Controller};
use crate::config::{
    Config, ConfigError, GROUP, Scope, Value, broker_config, config_of, dynamic_config, split_list,
    topic_config_value,
};
use crate::image::{ConfigResource, ResourceType};
use crate::map::Map;

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> Self {
        Self::invalid_config(error.0)
    }
}

impl Controller {
    /// Whether `after` may be all that is set on `resource`, which had `before`.
    pub(super) fn check_configs(
        &self,
        resource: &ConfigResource,
        before: &Map<Str, Str>,
        after: &Map<Str, Str>,
    ) -> Result<(), ApiError> {
        check_lengths(after)?;
        match resource.kind {
            ResourceType::TOPIC => self.check_topic_resource(resource, before, after),
            ResourceType::BROKER => self.check_broker_resource(resource, after),
            ResourceType::GROUP => self.check_group_resource(resource, after),
            ResourceType::CLIENT_METRICS => check_client_metrics(resource, after),
            other => Err(ApiError::invalid_request(format!("Unknown resource type {}", other.0))),
        }
    }

    fn check_topic_resource(
        &self,
        resource: &ConfigResource,
        before: &Map<Str, Str>,
        after: &Map<Str, Str>,
    ) -> Result<(), ApiError> {
        if resource.name.is_empty() {
            return Err(ApiError::invalid_request("Default topic resources are not allowed."));
        }
        check_topic_name(&resource.name)?;
        self.check_topic_configs(after, before)?;
        if self.image.topic_named(&resource.name).is_none() {
            let message = format!("The topic '{}' does not exist.", resource.name);
            return Err(ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message));
        }
        Ok(())
    }

    /// Whether a topic may have these configs.
    pub(super) fn check_topic_configs(
        &self,
        after: &Map<Str, Str>,
        _before: &Map<Str, Str>,
    ) -> Result<(), ApiError> {
        for (name, value) in after {
            known(ResourceType::TOPIC, name, "topic")?.parse(value)?;
        }
        let broker = self.broker_configs();
        let number = |name| topic_config_value(&broker, after, name).map_or(0, |value: Value| value.as_i64());
        let (least, most) = (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"));
        if least > most {
            return Err(ApiError::invalid_config(format!(
                "conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"
            )));
        }
        if topic_config_value(&broker, after, "remote.storage.enable").is_some_and(|value| value.as_bool()) {
            return Err(ApiError::fixed(
                ErrorCode::INVALID_CONFIG,
                "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
            ));
        }
        Ok(())
    }

    fn check_broker_resource(
        &self,
        resource: &ConfigResource,
        after: &Map<Str, Str>,
    ) -> Result<(), ApiError> {
        let is_default = resource.name.is_empty();
        if !is_default {
            self.check_broker_name(&resource.name)?;
        }
        // A config that Kafka does not know may belong to a plug-in; it is stored and does nothing.
        let known: Vec<(&str, &Config, &Str)> =
            after.iter().filter_map(|(name, value)| Some((&**name, dynamic_config(name)?, value))).collect();
        let named = |keep: &dyn Fn(&str, &Config) -> bool| -> Vec<&str> {
            known.iter().filter(|(name, config, _)| keep(name, config)).map(|(name, ..)| *name).collect()
        };
        refuse(&named(&|_, config| config.is_read_only()), "Cannot update these configs dynamically")?;
        let security = named(&|name, config| name == config.name && name.starts_with("ssl."));
        refuse(
            &security,
            "These security configs can be dynamically updated only per-listener using the listener prefix",
        )?;
        for (_, config, value) in &known {
            config.parse(value).map_err(|error| ApiError::invalid_request(error.0))?;
        }
        if is_default {
            let per_broker = named(&is_per_broker);
            refuse(
                &per_broker,
                "Cannot update these configs at default cluster level, broker id must be specified",
            )?;
        }
        Ok(())
    }

    fn check_broker_name(&self, name: &str) -> Result<(), ApiError> {
        let Ok(id) = name.parse::<i32>() else {
            return Err(ApiError::invalid_request(format!("Node id must be an integer, but it is: {name}")));
        };
        if !self.image.brokers().contains_key(&id) {
            let message = format!("No broker with id {id} found.");
            return Err(ApiError::new(ErrorCode::BROKER_ID_NOT_REGISTERED, message));
        }
        Ok(())
    }

    fn check_group_resource(&self, resource: &ConfigResource, after: &Map<Str, Str>) -> Result<(), ApiError> {
        if resource.name.is_empty() {
            return Err(ApiError::invalid_request("Default group resources are not allowed."));
        }
        for (name, value) in after {
            let config = known(ResourceType::GROUP, name, "group")?;
            let value = config.parse(value)?;
            self.check_group_bounds(config, value.as_i64())?;
        }
        for protocol in ["consumer", "share", "streams"] {
            self.check_session_and_heartbeat(protocol, after)?;
        }
        Ok(())
    }

    /// Whether a group's number lies between the least and the most that the broker's configs allow.
    fn check_group_bounds(&self, config: &Config, number: i64) -> Result<(), ApiError> {
        let Some(synonym) = config.synonym else { return Ok(()) };
        let mut parts = synonym.splitn(3, '.');
        let (Some(group), Some(protocol), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(());
        };
        // For standby replicas the bound has a name of its own.
        let rest = rest.strip_prefix("num.").unwrap_or(rest);
        let bound = |which: &str| {
            let name = format!("{group}.{protocol}.{which}.{rest}");
            broker_config(&name).map(|_| self.setting(&name)).map(|bound| (name, bound))
        };
        if let Some((name, _)) = bound("min").filter(|(_, least)| number < *least) {
            let message = format!("{} must be greater than or equal to {name}", config.name);
            return Err(ApiError::invalid_config(message));
        }
        if let Some((name, _)) = bound("max").filter(|(_, most)| number > *most) {
            let message = format!("{} must be less than or equal to {name}", config.name);
            return Err(ApiError::invalid_config(message));
        }
        Ok(())
    }

    fn check_session_and_heartbeat(&self, protocol: &str, after: &Map<Str, Str>) -> Result<(), ApiError> {
        let number = |name: &str| {
            let row = GROUP.iter().find(|row| row.name == name);
            let own = after.get(name).and_then(|value| row?.parse(value).ok()).map(|value| value.as_i64());
            own.or_else(|| Some(self.setting(row?.synonym?))).unwrap_or(0)
        };
        let session = format!("{protocol}.session.timeout.ms");
        let heartbeat = format!("{protocol}.heartbeat.interval.ms");
        if number(&session) <= number(&heartbeat) {
            return Err(ApiError::invalid_config(format!("{session} must be greater than {heartbeat}")));
        }
        Ok(())
    }
}

fn known(kind: ResourceType, name: &str, what: &str) -> Result<&'static Config, ApiError> {
    config_of(kind, name)
        .ok_or_else(|| ApiError::invalid_config(format!("Unknown {what} config name: {name}")))
}

/// Whether a config can only be set for one broker: of those under a listener's prefix all but the limits that are the
/// broker's own.
fn is_per_broker(name: &str, config: &Config) -> bool {
    const OF_ALL_LISTENERS: [&str; 3] =
        ["max.connection.creation.rate", "max.connections", "num.network.threads"];
    config.scope == Scope::PerBroker || (name != config.name && !OF_ALL_LISTENERS.contains(&config.name))
}

fn refuse(names: &[&str], why: &str) -> Result<(), ApiError> {
    if names.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid_request(format!("{why}: [{}]", names.join(", "))))
}

fn check_client_metrics(resource: &ConfigResource, after: &Map<Str, Str>) -> Result<(), ApiError> {
    const INTERVAL_MS: core::ops::RangeInclusive<i64> = 100..=3_600_000;
    const ATTRIBUTES: [&str; 6] = [
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    ];
    if resource.name.is_empty() {
        return Err(ApiError::invalid_request("Subscription name can't be empty"));
    }
    for (name, text) in after {
        let Some(config) = config_of(ResourceType::CLIENT_METRICS, name) else {
            let message = format!("Unknown client metrics configuration: {name}");
            return Err(ApiError::invalid_request(message));
        };
        let value = config.parse(text)?;
        if config.name == "interval.ms" && !INTERVAL_MS.contains(&value.as_i64()) {
            return Err(ApiError::invalid_request(format!(
                "Invalid value {text} for interval.ms, interval must be between 100 and 3600000 (1 hour)"
            )));
        }
        let is_match = |pattern: &String| {
            pattern.split_once('=').is_some_and(|(name, _)| ATTRIBUTES.contains(&name.trim()))
        };
        if config.name == "match"
            && let Some(bad) = split_list(text).iter().find(|pattern| !is_match(pattern))
        {
            return Err(ApiError::invalid_config(format!("Illegal client matching pattern: {bad}")));
        }
    }
    Ok(())
}
