//! OffsetDelete (47), version 0: drops a group's offsets of topics that none of its members reads (KIP-496).

use coordinator::group::{Request, Response};
use metadata::MetadataImage;
use wire::ErrorCode;
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic, OffsetDeleteResponse,
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};

use super::answered::Answered;
use crate::request::{Operation, RequestContext, ResourceType};

/// A topic stands once in the answer.
type Answers = Answered<base::Str, OffsetDeleteResponseTopic>;

/// Deletes what can be deleted.
pub(crate) async fn handle(ctx: &RequestContext, mut request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    if !ctx.authorize(Operation::Delete, ResourceType::Group, &request.group_id) {
        return refused(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    }
    let image = ctx.broker().image();
    let mut answered = Answers::default();
    let topics = std::mem::take(&mut request.topics);
    request.topics =
        topics.into_iter().filter_map(|topic| split(ctx, &image, topic, &mut answered)).collect();
    if request.topics.is_empty() {
        return OffsetDeleteResponse { topics: answered.all, ..Default::default() };
    }
    let group = request.group_id.clone();
    let mut response = match ctx.broker().coordinators.ask(&group, Request::OffsetDelete(request)).await {
        Ok(Response::OffsetDelete(response)) => response,
        Ok(_) => return refused(ErrorCode::UNKNOWN_SERVER_ERROR),
        Err(error) => return refused(error),
    };
    if !response.error_code.is_error() {
        for topic in std::mem::take(&mut response.topics) {
            add(&mut answered, topic);
        }
        response.topics = answered.all;
    }
    response
}

/// What of a topic can be asked for; the rest is answered.
fn split(
    ctx: &RequestContext,
    image: &MetadataImage,
    topic: OffsetDeleteRequestTopic,
    answered: &mut Answers,
) -> Option<OffsetDeleteRequestTopic> {
    let OffsetDeleteRequestTopic { name, partitions } = topic;
    if !ctx.authorize(Operation::Read, ResourceType::Topic, &name) {
        add(answered, answer(&name, &partitions, ErrorCode::TOPIC_AUTHORIZATION_FAILED));
        return None;
    }
    let known = image.topic_named(&name);
    let is_there = |partition: &OffsetDeleteRequestPartition| {
        known.is_some_and(|known| known.partitions().contains_key(&partition.partition_index))
    };
    let (there, missing): (Vec<_>, Vec<_>) = partitions.into_iter().partition(is_there);
    if !missing.is_empty() {
        add(answered, answer(&name, &missing, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    }
    Some(OffsetDeleteRequestTopic { name, partitions: there }).filter(|topic| !topic.partitions.is_empty())
}

fn answer(
    name: &base::Str,
    partitions: &[OffsetDeleteRequestPartition],
    error_code: ErrorCode,
) -> OffsetDeleteResponseTopic {
    let refused = partitions.iter().map(|partition| OffsetDeleteResponsePartition {
        partition_index: partition.partition_index,
        error_code,
    });
    OffsetDeleteResponseTopic { name: name.clone(), partitions: refused.collect() }
}

fn add(answered: &mut Answers, topic: OffsetDeleteResponseTopic) {
    let key = topic.name.clone();
    answered.add(key, topic, |known, more| known.partitions.extend(more.partitions));
}

fn refused(error_code: ErrorCode) -> OffsetDeleteResponse {
    OffsetDeleteResponse { error_code, ..OffsetDeleteResponse::default() }
}
