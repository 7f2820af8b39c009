//! OffsetFetch (9), versions 1–10: how far groups have read.
//!
//! Version 8 asks for many groups (KIP-709), version 10 names topics by id. Older versions are brought into the form of version 8 and
//! back: one group; before version 2 an error stands at each partition.

use std::collections::HashSet;

use base::Str;
use coordinator::group::{Request, Response};
use metadata::MetadataImage;
use wire::ErrorCode;
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

use crate::request::{Operation, RequestContext, ResourceType};

const GROUP_ERRORS_SINCE: i16 = 2;
const MANY_GROUPS_SINCE: i16 = 8;
const TOPIC_IDS_SINCE: i16 = 10;

/// Fetches the offsets of each group.
pub(crate) async fn handle(ctx: &RequestContext, mut request: OffsetFetchRequest) -> OffsetFetchResponse {
    let mut asked = groups_of(&mut request, ctx.version);
    super::answered::once(&mut asked, |group| group.group_id.clone());
    let mut groups = Vec::with_capacity(asked.len());
    for group in asked {
        groups.push(fetch(ctx, group, request.require_stable).await);
    }
    shape(groups, ctx.version)
}

/// What is asked, in the form of version 8.
fn groups_of(request: &mut OffsetFetchRequest, version: i16) -> Vec<OffsetFetchRequestGroup> {
    if version >= MANY_GROUPS_SINCE {
        return std::mem::take(&mut request.groups);
    }
    let topics = request.topics.take().map(|topics| {
        let topic = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name,
            partition_indexes: topic.partition_indexes,
            ..Default::default()
        });
        topic.collect()
    });
    let group_id = std::mem::take(&mut request.group_id);
    vec![OffsetFetchRequestGroup { group_id, topics, ..Default::default() }]
}

/// The answer in the form of the version.
fn shape(groups: Vec<OffsetFetchResponseGroup>, version: i16) -> OffsetFetchResponse {
    if version >= MANY_GROUPS_SINCE {
        return OffsetFetchResponse { groups, ..Default::default() };
    }
    let Some(group) = groups.into_iter().next() else { return OffsetFetchResponse::default() };
    let partition = |partition: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: partition.partition_index,
        committed_offset: partition.committed_offset,
        committed_leader_epoch: partition.committed_leader_epoch,
        metadata: partition.metadata,
        error_code: partition.error_code,
    };
    let topics = group.topics.into_iter().map(|topic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic.partitions.into_iter().map(partition).collect(),
    });
    OffsetFetchResponse { topics: topics.collect(), error_code: group.error_code, ..Default::default() }
}

async fn fetch(
    ctx: &RequestContext,
    mut group: OffsetFetchRequestGroup,
    require_stable: bool,
) -> OffsetFetchResponseGroup {
    if !ctx.authorize(Operation::Describe, ResourceType::Group, &group.group_id) {
        return refused(&group, ErrorCode::GROUP_AUTHORIZATION_FAILED, ctx.version);
    }
    let image = ctx.broker().image();
    let mut answered = Vec::new();
    let all = group.topics.is_none();
    if let Some(mut topics) = group.topics.take() {
        let mut seen = HashSet::new();
        for topic in &mut topics {
            let (name, id) = (topic.name.clone(), topic.topic_id);
            topic.partition_indexes.retain(|index| seen.insert((name.clone(), id, *index)));
        }
        let found = topics.into_iter().filter_map(|topic| resolve(ctx, &image, topic, &mut answered));
        group.topics = Some(found.collect());
    }
    let asked = Request::OffsetFetch { group: group.clone(), require_stable };
    let mut response = match ctx.broker().coordinators.ask(&group.group_id, asked).await {
        Ok(Response::OffsetFetch(response)) => response,
        Ok(_) => return refused(&group, ErrorCode::UNKNOWN_SERVER_ERROR, ctx.version),
        Err(error) => return refused(&group, error, ctx.version),
    };
    if all {
        response.topics.retain_mut(|topic| is_visible(ctx, &image, topic));
    }
    response.topics.extend(answered);
    response
}

/// The topic with its name; one that cannot be asked for is answered.
fn resolve(
    ctx: &RequestContext,
    image: &MetadataImage,
    mut topic: OffsetFetchRequestTopics,
    answered: &mut Vec<OffsetFetchResponseTopics>,
) -> Option<OffsetFetchRequestTopics> {
    if ctx.version >= TOPIC_IDS_SINCE {
        match image.topic(topic.topic_id.into()) {
            Some(known) => topic.name = known.name().clone(),
            None => {
                answered.push(failed(&topic, ErrorCode::UNKNOWN_TOPIC_ID));
                return None;
            }
        }
    }
    if ctx.authorize(Operation::Describe, ResourceType::Topic, &topic.name) {
        return Some(topic);
    }
    answered.push(failed(&topic, ErrorCode::TOPIC_AUTHORIZATION_FAILED));
    None
}

/// Of all topics of a group those that the caller may see, and that version 10 has an id for.
fn is_visible(ctx: &RequestContext, image: &MetadataImage, topic: &mut OffsetFetchResponseTopics) -> bool {
    if !ctx.authorize(Operation::Describe, ResourceType::Topic, &topic.name) {
        return false;
    }
    if ctx.version < TOPIC_IDS_SINCE {
        return true;
    }
    let known = image.topic_named(&topic.name);
    topic.topic_id = known.map(|known| known.id().0).unwrap_or_default();
    known.is_some()
}

fn failed(topic: &OffsetFetchRequestTopics, error_code: ErrorCode) -> OffsetFetchResponseTopics {
    let partition = |index: &i32| OffsetFetchResponsePartitions {
        partition_index: *index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(Str::default()),
        error_code,
    };
    OffsetFetchResponseTopics {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partition_indexes.iter().map(partition).collect(),
    }
}

/// A group that was refused as a whole; a client of version 1 looks for the error at its partitions.
fn refused(group: &OffsetFetchRequestGroup, error_code: ErrorCode, version: i16) -> OffsetFetchResponseGroup {
    let group_id = group.group_id.clone();
    if version >= GROUP_ERRORS_SINCE {
        return OffsetFetchResponseGroup { group_id, error_code, ..Default::default() };
    }
    let topics = group.topics.iter().flatten().map(|topic| failed(topic, error_code)).collect();
    OffsetFetchResponseGroup { group_id, topics, error_code }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(error_code: ErrorCode, version: i16) -> OffsetFetchResponseGroup {
        let topic =
            OffsetFetchRequestTopics { name: "t".into(), partition_indexes: vec![3], ..Default::default() };
        let group = OffsetFetchRequestGroup { topics: Some(vec![topic]), ..Default::default() };
        refused(&group, error_code, version)
    }

    #[test]
    fn an_error_stands_where_the_version_looks_for_it() {
        let error = ErrorCode::NOT_COORDINATOR;
        let first = |version| shape(vec![group(error, version)], version);
        assert_eq!(first(1).topics[0].partitions[0].error_code, error);
        assert_eq!((first(2).error_code, first(2).topics.len()), (error, 0));
        assert_eq!((first(8).error_code, first(8).groups[0].error_code), (ErrorCode::NONE, error));
    }
}
