//! OffsetCommit (8), versions 2–10: how far a group has read.
//!
//! Version 10 names topics by id. Topics and partitions that are not there are refused one by one; the rest goes to the coordinator
//! with both name and id, so that an offset belongs to one life of its topic.

use base::{Str, Uuid};
use coordinator::group::{Request, Response, refused_commit};
use metadata::MetadataImage;
use metadata::image::Topic;
use wire::ErrorCode;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::answered::Answered;
use crate::coordinators;
use crate::request::{Operation, RequestContext, ResourceType};

/// A topic stands once in the answer.
type Answers = Answered<(Str, Uuid), OffsetCommitResponseTopic>;

/// The first version that names topics by id.
const TOPIC_IDS_SINCE: i16 = 10;

/// Commits what can be committed.
pub(crate) async fn handle(ctx: &RequestContext, mut request: OffsetCommitRequest) -> OffsetCommitResponse {
    if !ctx.authorize(Operation::Read, ResourceType::Group, &request.group_id) {
        return refused_commit(&request, ErrorCode::GROUP_AUTHORIZATION_FAILED);
    }
    let image = ctx.broker().image();
    let mut answered = Answers::default();
    let topics = std::mem::take(&mut request.topics);
    request.topics =
        topics.into_iter().filter_map(|topic| split(ctx, &image, topic, &mut answered)).collect();
    if !request.topics.is_empty() {
        for topic in commit(ctx, request).await.topics {
            add(&mut answered, topic);
        }
    }
    OffsetCommitResponse { topics: answered.all, ..Default::default() }
}

async fn commit(ctx: &RequestContext, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let asked = Request::OffsetCommit(coordinators::call(ctx), request.clone());
    match ctx.broker().coordinators.ask(&request.group_id, asked).await {
        Ok(Response::OffsetCommit(response)) => response,
        Ok(_) => refused_commit(&request, ErrorCode::UNKNOWN_SERVER_ERROR),
        Err(error) => refused_commit(&request, error),
    }
}

/// What of a topic can be committed; the rest is answered.
fn split(
    ctx: &RequestContext,
    image: &MetadataImage,
    mut topic: OffsetCommitRequestTopic,
    answered: &mut Answers,
) -> Option<OffsetCommitRequestTopic> {
    let known = match find(ctx, image, &topic) {
        Ok(known) => known,
        Err(error) => {
            add(answered, answer(&topic, &topic.partitions, error));
            return None;
        }
    };
    topic.name = known.name().clone();
    topic.topic_id = known.id().0;
    let partitions = std::mem::take(&mut topic.partitions);
    let is_there = |partition: &OffsetCommitRequestPartition| {
        known.partitions().contains_key(&partition.partition_index)
    };
    let (there, missing): (Vec<_>, Vec<_>) = partitions.into_iter().partition(is_there);
    if !missing.is_empty() {
        add(answered, answer(&topic, &missing, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    }
    topic.partitions = there;
    Some(topic).filter(|topic| !topic.partitions.is_empty())
}

fn find<'a>(
    ctx: &RequestContext,
    image: &'a MetadataImage,
    topic: &OffsetCommitRequestTopic,
) -> Result<&'a Topic, ErrorCode> {
    let by_id = ctx.version >= TOPIC_IDS_SINCE;
    let known = if by_id { image.topic(topic.topic_id.into()) } else { image.topic_named(&topic.name) };
    let name = known.map_or(&topic.name, Topic::name);
    if by_id && known.is_none() {
        return Err(ErrorCode::UNKNOWN_TOPIC_ID);
    }
    if !ctx.authorize(Operation::Read, ResourceType::Topic, name) {
        return Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    }
    known.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
}

fn answer(
    topic: &OffsetCommitRequestTopic,
    partitions: &[OffsetCommitRequestPartition],
    error_code: ErrorCode,
) -> OffsetCommitResponseTopic {
    let refused = partitions.iter().map(|partition| OffsetCommitResponsePartition {
        partition_index: partition.partition_index,
        error_code,
    });
    OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: refused.collect(),
    }
}

fn add(answered: &mut Answers, topic: OffsetCommitResponseTopic) {
    let key = (topic.name.clone(), topic.topic_id);
    answered.add(key, topic, |known, more| known.partitions.extend(more.partitions));
}
