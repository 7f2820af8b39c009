//! Metadata (3), versions 0–13: brokers, topics, leaders.
//!
//! - No list of topics asks for all; before version 1 an empty one does as well.
//! - Unknown topics are made if the request and `auto.create.topics.enable` allow it. They are answered when they are there, where
//!   Kafka answers UNKNOWN_TOPIC_OR_PARTITION once and lets the client ask again.
//! - Version 12 asks by topic id (KIP-516). Brokers are told by the listener the client came in by.

use std::collections::HashMap;

use base::{Str, TopicId};
use metadata::MetadataImage;
use metadata::image::{Partition, Topic};
use wire::ErrorCode;
use wire::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};

use crate::partition::is_internal;
use crate::request::{Operation, RequestContext, ResourceType};
use crate::topic_name;

/// Tells the image, as far as it is asked for.
pub(crate) async fn handle(ctx: &RequestContext, mut request: MetadataRequest) -> MetadataResponse {
    let broker = ctx.broker();
    if let Some(asked) = &mut request.topics {
        if ctx.version < 12 && asked.iter().any(|topic| topic.name.is_none() || !topic.topic_id.is_zero()) {
            return refused(request.topics.take().unwrap_or_default());
        }
        distinct(asked);
    }
    let topics = match &request.topics {
        None => all(ctx, &broker.image()),
        Some(asked) if asked.is_empty() && ctx.version == 0 => all(ctx, &broker.image()),
        Some(asked) => named(ctx, asked, request.allow_auto_topic_creation).await,
    };
    let with_operations = |mut topic: MetadataResponseTopic| {
        if request.include_topic_authorized_operations && topic.error_code == ErrorCode::NONE {
            let name = topic.name.as_deref().unwrap_or_default();
            topic.topic_authorized_operations = ctx.operations(ResourceType::Topic, name);
        }
        topic
    };
    let brokers = broker.endpoints_for(&ctx.connection).into_iter().map(|node| MetadataResponseBroker {
        node_id: node.id,
        host: node.host,
        port: node.port,
        rack: node.rack,
    });
    let operations = request.include_cluster_authorized_operations && (8..=10).contains(&ctx.version);
    MetadataResponse {
        brokers: brokers.collect(),
        cluster_id: broker.cluster_id(),
        controller_id: broker.controller_id(),
        topics: topics.into_iter().map(with_operations).collect(),
        cluster_authorized_operations: if operations {
            ctx.operations(ResourceType::Cluster, "kafka-cluster")
        } else {
            i32::MIN
        },
        ..Default::default()
    }
}

/// Each topic once, by what it is asked by: if any has an id, by the ids alone.
fn distinct(asked: &mut Vec<MetadataRequestTopic>) {
    if asked.iter().any(|topic| !topic.topic_id.is_zero()) {
        asked.retain(|topic| !topic.topic_id.is_zero());
        super::answered::once(asked, |topic| topic.topic_id);
    } else {
        super::answered::once(asked, |topic| topic.name.clone());
    }
}

/// Topics without a name or with an id, in versions that ask by names.
fn refused(asked: Vec<MetadataRequestTopic>) -> MetadataResponse {
    let refused = |topic: MetadataRequestTopic| MetadataResponseTopic {
        error_code: ErrorCode::INVALID_REQUEST,
        name: Some(topic.name.unwrap_or_default()),
        topic_id: topic.topic_id,
        ..Default::default()
    };
    MetadataResponse { topics: asked.into_iter().map(refused).collect(), ..Default::default() }
}

fn all(ctx: &RequestContext, image: &MetadataImage) -> Vec<MetadataResponseTopic> {
    image
        .topic_names()
        .values()
        .filter_map(|id| image.topic(*id))
        .filter(|topic| ctx.authorize(Operation::Describe, ResourceType::Topic, topic.name()))
        .map(|topic| present(image, topic))
        .collect()
}

async fn named(
    ctx: &RequestContext,
    asked: &[MetadataRequestTopic],
    may_create: bool,
) -> Vec<MetadataResponseTopic> {
    let create = may_create && ctx.broker().config.topics.auto_create;
    let missing: Vec<Str> = if create { missing(ctx, asked) } else { Vec::new() };
    let refused = match missing.is_empty() {
        true => HashMap::new(),
        false => ctx.broker().auto_create_all(&missing).await,
    };
    let answer = |topic: &MetadataRequestTopic| match (&topic.name, topic.topic_id.is_zero()) {
        (_, false) => by_id(ctx, topic.topic_id.into()),
        (Some(name), _) => by_name(ctx, name, create, refused.get(name).copied()),
        (None, _) => MetadataResponseTopic { error_code: ErrorCode::INVALID_REQUEST, ..Default::default() },
    };
    asked.iter().map(answer).collect()
}

/// Topics that are not there, and that the client may make by asking for them.
fn missing(ctx: &RequestContext, asked: &[MetadataRequestTopic]) -> Vec<Str> {
    let image = ctx.broker().image();
    let names = asked.iter().filter(|topic| topic.topic_id.is_zero()).filter_map(|topic| topic.name.as_ref());
    let is_missing = |name: &&Str| image.topic_named(name).is_none() && topic_name::check(name).is_ok();
    let allowed = |name: &&Str| {
        let may = |operation| ctx.authorize(operation, ResourceType::Topic, name);
        may(Operation::Describe) && may(Operation::Create)
    };
    names.filter(is_missing).filter(allowed).cloned().collect()
}

fn by_id(ctx: &RequestContext, id: TopicId) -> MetadataResponseTopic {
    let image = ctx.broker().image();
    let found =
        image.topic(id).filter(|topic| ctx.authorize(Operation::Describe, ResourceType::Topic, topic.name()));
    match found {
        Some(topic) => present(&image, topic),
        None => MetadataResponseTopic {
            error_code: ErrorCode::UNKNOWN_TOPIC_ID,
            name: None,
            topic_id: id.0,
            ..Default::default()
        },
    }
}

fn by_name(
    ctx: &RequestContext,
    name: &Str,
    create: bool,
    refused: Option<ErrorCode>,
) -> MetadataResponseTopic {
    if !ctx.authorize(Operation::Describe, ResourceType::Topic, name) {
        return absent(name, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    }
    let image = ctx.broker().image();
    if let Some(topic) = image.topic_named(name) {
        return present(&image, topic);
    }
    if topic_name::check(name).is_err() {
        return absent(name, ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    if create && !ctx.authorize(Operation::Create, ResourceType::Topic, name) {
        return absent(name, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    }
    // What is not decided yet is there soon: the client asks again.
    absent(name, refused.unwrap_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))
}

fn absent(name: &Str, error_code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic {
        error_code,
        name: Some(name.clone()),
        is_internal: is_internal(name),
        ..Default::default()
    }
}

fn present(image: &MetadataImage, topic: &Topic) -> MetadataResponseTopic {
    MetadataResponseTopic {
        name: Some(topic.name().clone()),
        topic_id: topic.id().0,
        is_internal: is_internal(topic.name()),
        partitions: topic.partitions().iter().map(|(index, state)| partition(image, *index, state)).collect(),
        ..Default::default()
    }
}

fn partition(image: &MetadataImage, partition_index: i32, state: &Partition) -> MetadataResponsePartition {
    let live = |id: &i32| image.brokers().is_empty() || image.live_broker(*id).is_some();
    let has_leader = state.leader >= 0 && live(&state.leader);
    MetadataResponsePartition {
        error_code: if has_leader { ErrorCode::NONE } else { ErrorCode::LEADER_NOT_AVAILABLE },
        partition_index,
        leader_id: if has_leader { state.leader } else { -1 },
        leader_epoch: state.leader_epoch,
        replica_nodes: state.replicas.clone(),
        isr_nodes: state.isr.clone(),
        offline_replicas: state.replicas.iter().copied().filter(|id| !live(id)).collect(),
    }
}
