//! DescribeTopicPartitions (75), version 0: topics page by page, with eligible leader replicas (KIP-966).
//!
//! Topics come in the order of their names. A page ends after as many partitions as the client or
//! `max.request.partition.size.limit` allows, and its cursor says where the next begins.

use base::Str;
use metadata::MetadataImage;
use metadata::controller::check_topic_name;
use metadata::image::{Partition, Topic};
use wire::ErrorCode;
use wire::messages::describe_topic_partitions::{
    CursorResponse, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

use crate::partition::is_internal;
use crate::request::{Operation, RequestContext, ResourceType};

/// A page being filled.
struct Page {
    room: usize,
    topics: Vec<DescribeTopicPartitionsResponseTopic>,
    next: Option<CursorResponse>,
}

/// Tells one page.
pub(crate) async fn handle(
    ctx: &RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let image = ctx.broker().image();
    let limit = ctx.broker().broker_configs(&image).number("max.request.partition.size.limit");
    let limit = limit.min(i64::from(request.response_partition_limit)).max(1);
    let mut page = Page { room: usize::try_from(limit).unwrap_or(1), topics: Vec::new(), next: None };
    let cursor = request.cursor.unwrap_or_default();
    let is_asked = |name: &Str| *name >= cursor.topic_name;
    let all = request.topics.is_empty();
    let mut names: Vec<Str> = if all {
        image.topic_names().range_from(&*cursor.topic_name).map(|(name, _)| name.clone()).collect()
    } else {
        request.topics.into_iter().map(|topic| topic.name).filter(is_asked).collect()
    };
    names.sort();
    names.dedup();
    for name in names {
        let first = if name == cursor.topic_name { cursor.partition_index.max(0) } else { 0 };
        if page.room == 0 {
            page.next = Some(CursorResponse { topic_name: name, partition_index: first });
            break;
        }
        let may = ctx.authorize(Operation::Describe, ResourceType::Topic, &name);
        match image.topic_named(&name).filter(|_| may) {
            Some(topic) => {
                page.put(&image, topic, first, ctx.operations(ResourceType::Topic, &name));
            }
            // Whoever asks for all is not told what it may not see.
            None if !all => page.topics.push(absent(ctx, name, may)),
            None => {}
        }
        if page.next.is_some() {
            break;
        }
    }
    DescribeTopicPartitionsResponse { topics: page.topics, next_cursor: page.next, ..Default::default() }
}

impl Page {
    fn put(&mut self, image: &MetadataImage, topic: &Topic, first: i32, operations: i32) {
        let mut left = topic.partitions().range_from(&first);
        let fitting = left.by_ref().take(self.room);
        let partitions: Vec<_> = fitting.map(|(index, state)| told(image, *index, state)).collect();
        self.room -= partitions.len();
        self.next = left
            .next()
            .map(|(index, _)| CursorResponse { topic_name: topic.name().clone(), partition_index: *index });
        self.topics.push(DescribeTopicPartitionsResponseTopic {
            name: Some(topic.name().clone()),
            topic_id: topic.id().0,
            is_internal: is_internal(topic.name()),
            partitions,
            topic_authorized_operations: operations,
            ..Default::default()
        });
    }
}

fn told(
    image: &MetadataImage,
    partition_index: i32,
    state: &Partition,
) -> DescribeTopicPartitionsResponsePartition {
    let is_live = |id: i32| image.live_broker(id).is_some();
    let has_leader = state.leader >= 0 && is_live(state.leader);
    DescribeTopicPartitionsResponsePartition {
        error_code: if has_leader { ErrorCode::NONE } else { ErrorCode::LEADER_NOT_AVAILABLE },
        partition_index,
        leader_id: if has_leader { state.leader } else { -1 },
        leader_epoch: state.leader_epoch,
        replica_nodes: state.replicas.clone(),
        isr_nodes: state.isr.clone(),
        eligible_leader_replicas: Some(state.elr.clone()),
        last_known_elr: Some(state.last_known_elr.clone()),
        offline_replicas: state.replicas.iter().copied().filter(|id| !is_live(*id)).collect(),
    }
}

fn absent(ctx: &RequestContext, name: Str, may_see: bool) -> DescribeTopicPartitionsResponseTopic {
    let error_code = match check_topic_name(&name) {
        _ if !may_see => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        Ok(()) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        Err(error) => error.code,
    };
    let is_internal = is_internal(&name);
    // Kafka tells the operations even of a topic that is not there.
    let topic_authorized_operations =
        if may_see { ctx.operations(ResourceType::Topic, &name) } else { i32::MIN };
    let name = Some(name);
    DescribeTopicPartitionsResponseTopic {
        error_code,
        name,
        is_internal,
        topic_authorized_operations,
        ..Default::default()
    }
}
