//! Configs of topics, brokers, broker loggers and groups.

use std::fmt;

use base::Str;
use wire::ApiKey;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use wire::messages::list_config_resources::ListConfigResourcesRequest;

use super::{Admin, AdminError};
use crate::CallError;
use crate::cluster::Target;

/// What configs belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigResource {
    /// A topic.
    Topic(Str),
    /// One broker.
    Broker(i32),
    /// All brokers, as far as they have none of their own.
    AllBrokers,
    /// The log levels of a broker.
    BrokerLogger(i32),
    /// A client metrics subscription (KIP-714).
    ClientMetrics(Str),
    /// A group (KIP-848).
    Group(Str),
}

impl ConfigResource {
    fn code(&self) -> i8 {
        match self {
            Self::Topic(_) => 2,
            Self::Broker(_) | Self::AllBrokers => 4,
            Self::BrokerLogger(_) => 8,
            Self::ClientMetrics(_) => 16,
            Self::Group(_) => 32,
        }
    }

    fn name(&self) -> Str {
        match self {
            Self::Topic(name) | Self::ClientMetrics(name) | Self::Group(name) => name.clone(),
            Self::Broker(id) | Self::BrokerLogger(id) => Str::from(id.to_string()),
            Self::AllBrokers => Str::default(),
        }
    }

    /// A broker's own configs are asked of the broker itself.
    fn target(&self) -> Target {
        match self {
            Self::Broker(id) | Self::BrokerLogger(id) => Target::Broker(*id),
            _ => Target::Any,
        }
    }

    fn parse(code: i8, name: &Str) -> Option<Self> {
        let id = || name.parse().ok();
        match code {
            2 => Some(Self::Topic(name.detached())),
            4 if name.is_empty() => Some(Self::AllBrokers),
            4 => id().map(Self::Broker),
            8 => id().map(Self::BrokerLogger),
            16 => Some(Self::ClientMetrics(name.detached())),
            32 => Some(Self::Group(name.detached())),
            _ => None,
        }
    }
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(name) => write!(f, "topic `{name}`"),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::AllBrokers => f.write_str("all brokers"),
            Self::BrokerLogger(id) => write!(f, "loggers of broker {id}"),
            Self::ClientMetrics(name) => write!(f, "client metrics `{name}`"),
            Self::Group(name) => write!(f, "group `{name}`"),
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// Set for the topic.
    Topic,
    /// Set while running, for one broker.
    DynamicBroker,
    /// Set while running, for all brokers.
    DynamicDefaultBroker,
    /// From the broker's file.
    StaticBroker,
    /// Kafka's default.
    Default,
    /// A log level set while running.
    DynamicLogger,
    /// Set for the client metrics subscription.
    ClientMetrics,
    /// Set for the group.
    Group,
    /// Not told, or not known here.
    Unknown,
}

impl ConfigSource {
    fn from_code(code: i8) -> Self {
        match code {
            1 => Self::Topic,
            2 => Self::DynamicBroker,
            3 => Self::DynamicDefaultBroker,
            4 => Self::StaticBroker,
            5 => Self::Default,
            6 => Self::DynamicLogger,
            7 => Self::ClientMetrics,
            8 => Self::Group,
            _ => Self::Unknown,
        }
    }

    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Topic => "DYNAMIC_TOPIC_CONFIG",
            Self::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
            Self::DynamicDefaultBroker => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            Self::StaticBroker => "STATIC_BROKER_CONFIG",
            Self::Default => "DEFAULT_CONFIG",
            Self::DynamicLogger => "DYNAMIC_BROKER_LOGGER_CONFIG",
            Self::ClientMetrics => "DYNAMIC_CLIENT_METRICS_CONFIG",
            Self::Group => "DYNAMIC_GROUP_CONFIG",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// One config with where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: Str,
    /// Its value; `None` if it has none or is secret.
    pub value: Option<Str>,
    /// Where that comes from.
    pub source: ConfigSource,
    /// Whether it cannot be changed while running.
    pub is_read_only: bool,
    /// Whether its value is secret.
    pub is_sensitive: bool,
    /// What it is for, if that was asked.
    pub documentation: Option<Str>,
    /// All places that set it, the effective one first: config, value, source.
    pub synonyms: Vec<(Str, Option<Str>, ConfigSource)>,
}

/// A change of one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// This value from now on.
    Set(Str, Str),
    /// No value of its own any more.
    Delete(Str),
    /// Adds to a list.
    Append(Str, Str),
    /// Takes from a list.
    Subtract(Str, Str),
}

impl Admin {
    /// All configs of a resource, with documentation if wanted.
    pub async fn describe_configs(
        &self,
        resource: &ConfigResource,
        documentation: bool,
    ) -> Result<Vec<ConfigEntry>, AdminError> {
        let request = |_| DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: resource.code(),
                resource_name: resource.name(),
                configuration_keys: None,
            }],
            include_synonyms: true,
            include_documentation: documentation,
        };
        // Versions before 3 have no documentation to include.
        let without = |version: i16| DescribeConfigsRequest {
            include_documentation: documentation && version >= 3,
            ..request(version)
        };
        let configs = self.cluster.call(resource.target(), without, |response| {
            let Some(result) = response.results.into_iter().next() else { return Ok(Vec::new()) };
            CallError::check(ApiKey::DescribeConfigs, result.error_code, result.error_message)?;
            Ok(result.configs.into_iter().map(entry).collect())
        });
        let mut configs: Vec<ConfigEntry> =
            configs.await.map_err(|error| AdminError::new(resource.to_string(), error))?;
        configs.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(configs)
    }

    /// Changes configs of a resource; what is not named stays (KIP-339).
    pub async fn alter_configs(
        &self,
        resource: &ConfigResource,
        changes: impl IntoIterator<Item = ConfigChange>,
        validate_only: bool,
    ) -> Result<(), AdminError> {
        let change = |change| {
            let (name, config_operation, value) = match change {
                ConfigChange::Set(name, value) => (name, 0, Some(value)),
                ConfigChange::Delete(name) => (name, 1, None),
                ConfigChange::Append(name, value) => (name, 2, Some(value)),
                ConfigChange::Subtract(name, value) => (name, 3, Some(value)),
            };
            AlterableConfig { name, config_operation, value }
        };
        let request = IncrementalAlterConfigsRequest {
            resources: vec![AlterConfigsResource {
                resource_type: resource.code(),
                resource_name: resource.name(),
                configs: changes.into_iter().map(change).collect(),
            }],
            validate_only,
        };
        let altered = self.cluster.call(
            resource.target(),
            |_| request.clone(),
            |response| {
                let Some(result) = response.responses.into_iter().next() else { return Ok(()) };
                CallError::check(ApiKey::IncrementalAlterConfigs, result.error_code, result.error_message)
            },
        );
        altered.await.map_err(|error| AdminError::new(resource.to_string(), error))
    }

    /// Everything that has configs, of all types the brokers know (KIP-1142).
    pub async fn list_config_resources(&self) -> Result<Vec<ConfigResource>, AdminError> {
        let resources = self.cluster.call(
            Target::Any,
            |_| ListConfigResourcesRequest::default(),
            |response| {
                CallError::check(ApiKey::ListConfigResources, response.error_code, None)?;
                let resources = response.config_resources.iter();
                Ok(resources
                    .filter_map(|one| ConfigResource::parse(one.resource_type, &one.resource_name))
                    .collect())
            },
        );
        Ok(resources.await?)
    }
}

fn entry(config: DescribeConfigsResourceResult) -> ConfigEntry {
    let synonym = |one: wire::messages::describe_configs::DescribeConfigsSynonym| {
        (one.name.detached(), one.value.as_ref().map(Str::detached), ConfigSource::from_code(one.source))
    };
    ConfigEntry {
        name: config.name.detached(),
        value: config.value.as_ref().map(Str::detached),
        source: ConfigSource::from_code(config.config_source),
        is_read_only: config.read_only,
        is_sensitive: config.is_sensitive,
        documentation: config.documentation.as_ref().map(Str::detached).filter(|text| !text.is_empty()),
        synonyms: config.synonyms.into_iter().map(synonym).collect(),
    }
}
