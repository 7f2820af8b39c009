//! DescribeConfigs (32), versions 1–4: every config with its value, where that comes from, and what it is for.
//!
//! - Sensitive values are never told; a broker's config that nobody knows counts as sensitive, as in Kafka.
//! - An empty broker name asks for what was set on all brokers, and for nothing else.

use std::collections::{BTreeSet, HashSet};

use base::Str;
use metadata::config::{
    BrokerConfigs, CLIENT_METRICS, Entry, Source, Synonym, base_name, broker_config, dynamic_config,
    group_config_entries, topic_config_entries,
};
use metadata::controller::{ApiError, check_topic_name};
use metadata::map::Map;
use metadata::{ConfigResource, MetadataImage, ResourceType as Configured};
use wire::ErrorCode;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym,
};

use crate::Broker;
use crate::request::{Operation, RequestContext, ResourceType};

/// Kafka's number of the type of log levels and of what has no type.
const UNKNOWN_TYPE: i8 = 0;

/// Groups and metrics have configs whether they are there or not, so that a few bytes are answered with many: some 300 bytes each.
const ENTRIES_MAX: usize = 500_000;

/// Kafka's number of where log levels come from.
const BROKER_LOGGER_SOURCE: i8 = 6;

/// Tells the configs of each resource.
pub(crate) async fn handle(
    ctx: &RequestContext,
    mut request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let image = ctx.broker().image();
    super::answered::once(&mut request.resources, |resource| {
        (resource.resource_type, resource.resource_name.clone())
    });
    let (mut results, mut told) = (Vec::with_capacity(request.resources.len()), 0);
    for resource in &request.resources {
        let found = match forbidden(ctx, resource) {
            Some(code) => Err(ApiError::silent(code)),
            None if told > ENTRIES_MAX => Err(ApiError::invalid_request(format!(
                "one answer holds no more than {ENTRIES_MAX} configs: ask for fewer resources at once"
            ))),
            None => configs(ctx.broker(), &image, resource),
        };
        let result = result(&request, resource, found);
        told += result.configs.len();
        results.push(result);
    }
    DescribeConfigsResponse { results, ..Default::default() }
}

fn forbidden(ctx: &RequestContext, resource: &DescribeConfigsResource) -> Option<ErrorCode> {
    let name = &resource.resource_name;
    let (may, code) = match Configured(resource.resource_type) {
        Configured::TOPIC => (
            ctx.authorize(Operation::DescribeConfigs, ResourceType::Topic, name),
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ),
        Configured::GROUP => (
            ctx.authorize(Operation::DescribeConfigs, ResourceType::Group, name),
            ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ),
        _ => (
            ctx.authorize(Operation::DescribeConfigs, ResourceType::Cluster, "kafka-cluster"),
            ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        ),
    };
    (!may).then_some(code)
}

fn result(
    request: &DescribeConfigsRequest,
    resource: &DescribeConfigsResource,
    found: Result<Vec<DescribeConfigsResourceResult>, ApiError>,
) -> DescribeConfigsResult {
    let mut answer = DescribeConfigsResult {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        ..Default::default()
    };
    match found {
        Ok(mut configs) => {
            let keys = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
            let keys: Option<HashSet<&Str>> = keys.map(|keys| keys.iter().collect());
            configs.retain(|config| keys.as_ref().is_none_or(|keys| keys.contains(&config.name)));
            for config in &mut configs {
                if !request.include_synonyms {
                    config.synonyms.clear();
                }
                config.documentation = config.documentation.take().filter(|_| request.include_documentation);
            }
            answer.configs = configs;
        }
        Err(error) => (answer.error_code, answer.error_message) = (error.code, error.message),
    }
    answer
}

fn configs(
    broker: &Broker,
    image: &MetadataImage,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, ApiError> {
    let (name, own) = (&resource.resource_name, broker.broker_configs(image));
    let set = |kind| {
        let resource = ConfigResource { kind, name: name.clone() };
        image.configs(&resource).cloned().unwrap_or_default()
    };
    match Configured(resource.resource_type) {
        Configured::TOPIC => {
            check_topic_name(name)?;
            if image.topic_named(name).is_none() {
                return Err(ApiError::fixed(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ""));
            }
            Ok(topic_config_entries(&own, &set(Configured::TOPIC)).into_iter().map(told).collect())
        }
        Configured::BROKER if name.is_empty() => Ok(of_all_brokers(&own)),
        Configured::BROKER => {
            check_broker(broker, name, " or empty string,")?;
            Ok(of_broker(&own))
        }
        Configured::BROKER_LOGGER => {
            if name.is_empty() {
                return Err(ApiError::invalid_request("Broker id must not be empty"));
            }
            check_broker(broker, name, "")?;
            Ok(broker.config.loggers.levels().into_iter().map(logger).collect())
        }
        Configured::CLIENT_METRICS if name.is_empty() => {
            Err(ApiError::invalid_request("Client metrics subscription name must not be empty"))
        }
        Configured::CLIENT_METRICS => Ok(of_client_metrics(&set(Configured::CLIENT_METRICS))),
        Configured::GROUP if name.is_empty() => {
            Err(ApiError::invalid_request("Group name must not be empty"))
        }
        Configured::GROUP => {
            Ok(group_config_entries(&own, &set(Configured::GROUP)).into_iter().map(told).collect())
        }
        other => Err(ApiError::invalid_request(format!("Unsupported resource type: {}", other.0))),
    }
}

fn check_broker(broker: &Broker, name: &str, or: &str) -> Result<(), ApiError> {
    let own = broker.config.node_id;
    match name.parse::<i32>() {
        Ok(id) if id == own => Ok(()),
        Ok(id) => Err(ApiError::invalid_request(format!(
            "Unexpected broker id, expected {own}{or} but received {id}"
        ))),
        Err(_) => Err(ApiError::invalid_request(format!("Broker id must be an integer, but it is: {name}"))),
    }
}

/// All configs of this broker, and those set on it that no table lists.
fn of_broker(own: &BrokerConfigs<'_>) -> Vec<DescribeConfigsResourceResult> {
    let mut all: Vec<_> = own.entries().into_iter().map(told).collect();
    let resources = [ConfigResource::broker(own.node_id), ConfigResource::all_brokers()];
    let dynamic = resources.iter().filter_map(|resource| own.image.configs(resource));
    let dynamic = dynamic.flat_map(|configs| configs.keys().cloned());
    let fixed = own.statics.keys().map(|name| Str::from(name.as_str()));
    let strange: BTreeSet<Str> = dynamic.chain(fixed).filter(|name| broker_config(name).is_none()).collect();
    all.extend(strange.into_iter().map(|name| {
        let chain = own.unlisted_chain(&name);
        unlisted(name, chain)
    }));
    all
}

/// What was set on all brokers.
fn of_all_brokers(own: &BrokerConfigs<'_>) -> Vec<DescribeConfigsResourceResult> {
    let set =
        own.image.configs(&ConfigResource::all_brokers()).into_iter().flat_map(|configs| configs.iter());
    set.map(|(name, value)| {
        let source = Source::DynamicDefaultBroker;
        let Some(config) = broker_config(name) else {
            let mut chain = own.unlisted_chain(name);
            chain.retain(|synonym| synonym.source == source);
            return unlisted(name.clone(), chain);
        };
        let value = Some(value.clone()).filter(|_| !config.is_sensitive());
        DescribeConfigsResourceResult {
            name: name.clone(),
            value: value.clone(),
            read_only: config.is_read_only(),
            config_source: source.code(),
            is_sensitive: config.is_sensitive(),
            synonyms: vec![DescribeConfigsSynonym { name: name.clone(), value, source: source.code() }],
            config_type: config.kind.code(),
            documentation: Some(Str::from_static(config.doc)),
        }
    })
    .collect()
}

fn of_client_metrics(set: &Map<Str, Str>) -> Vec<DescribeConfigsResourceResult> {
    let all = CLIENT_METRICS.iter().map(|config| {
        let own = set.get(config.name).cloned();
        let source = if own.is_some() { Source::ClientMetrics } else { Source::Default };
        let name = Str::from_static(config.name);
        let synonym = own.clone().map(|value| DescribeConfigsSynonym {
            name: name.clone(),
            value: Some(value),
            source: source.code(),
        });
        DescribeConfigsResourceResult {
            value: own.or_else(|| config.default_value().map(Str::from_static)),
            config_source: source.code(),
            synonyms: synonym.into_iter().collect(),
            config_type: config.kind.code(),
            documentation: Some(Str::from_static(config.doc)),
            name,
            ..Default::default()
        }
    });
    all.collect()
}

fn told(entry: Entry) -> DescribeConfigsResourceResult {
    let config = entry.config;
    let of_broker = broker_config(config.name).is_some_and(|row| std::ptr::eq(row, config.0));
    DescribeConfigsResourceResult {
        name: Str::from_static(config.name),
        value: entry.value,
        read_only: of_broker && config.is_read_only(),
        config_source: entry.source.code(),
        is_sensitive: config.is_sensitive(),
        synonyms: entry.synonyms.into_iter().map(synonym).collect(),
        config_type: config.kind.code(),
        documentation: Some(Str::from_static(config.doc)),
    }
}

fn synonym(synonym: Synonym) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym { name: synonym.name, value: synonym.value, source: synonym.source.code() }
}

/// A config that no table lists: a limit that only running brokers have, one under a listener's prefix, or one that nobody knows,
/// which counts as sensitive. As in Kafka only the first kind is not read-only.
fn unlisted(name: Str, mut chain: Vec<Synonym>) -> DescribeConfigsResourceResult {
    let known = dynamic_config(&name);
    let is_sensitive = known.is_none_or(|config| config.is_sensitive());
    if is_sensitive {
        chain.iter_mut().for_each(|synonym| synonym.value = None);
    }
    let first = chain.first();
    DescribeConfigsResourceResult {
        value: first.and_then(|first| first.value.clone()),
        read_only: known.is_none() || base_name(&name).is_some(),
        config_source: first.map_or(Source::Default, |first| first.source).code(),
        is_sensitive,
        synonyms: chain.into_iter().map(synonym).collect(),
        config_type: known.map_or(UNKNOWN_TYPE, |config| config.kind.code()),
        documentation: None,
        name,
    }
}

fn logger((name, level): (String, &'static str)) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult {
        name: name.into(),
        value: Some(Str::from_static(level)),
        config_source: BROKER_LOGGER_SOURCE,
        config_type: UNKNOWN_TYPE,
        documentation: None,
        ..Default::default()
    }
}
