//! OffsetFetch, for one group: how far it has read.
//!
//! An unknown group, topic or partition is no error but the offset -1. Offsets that a transaction may still change are an error for
//! those who ask for settled ones (KIP-447).

use alloc::vec::Vec;

use base::{Str, TopicId};
use wire::ErrorCode;
use wire::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponseGroup,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};

use super::Durable;
use super::offsets::OffsetAndMetadata;

pub(super) fn fetch(
    durable: &Durable,
    request: &OffsetFetchRequestGroup,
    require_stable: bool,
) -> OffsetFetchResponseGroup {
    let group = &request.group_id;
    let topics = match &request.topics {
        Some(topics) => {
            topics.iter().map(|topic| fetch_topic(durable, group, topic, require_stable)).collect()
        }
        None => fetch_all(durable, group, require_stable),
    };
    OffsetFetchResponseGroup { group_id: group.clone(), topics, ..Default::default() }
}

fn fetch_topic(
    durable: &Durable,
    group: &Str,
    topic: &OffsetFetchRequestTopics,
    require_stable: bool,
) -> OffsetFetchResponseTopics {
    let commits = durable.offsets().of_group(group).and_then(|topics| topics.get(&topic.name));
    let partition = |index: &i32| {
        if require_stable && durable.offsets().has_pending(group, &topic.name, *index) {
            return unstable(*index);
        }
        let commit = commits.and_then(|commits| commits.get(index));
        let commit = commit.filter(|commit| !commit.is_of_other_topic(TopicId(topic.topic_id)));
        commit.map_or_else(|| nothing(*index), |commit| committed(*index, commit))
    };
    OffsetFetchResponseTopics {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partition_indexes.iter().map(partition).collect(),
    }
}

fn fetch_all(durable: &Durable, group: &Str, require_stable: bool) -> Vec<OffsetFetchResponseTopics> {
    let Some(topics) = durable.offsets().of_group(group) else { return Vec::new() };
    let topic = |(name, commits): (&Str, &alloc::collections::BTreeMap<i32, OffsetAndMetadata>)| {
        let partition = |(index, commit): (&i32, &OffsetAndMetadata)| {
            let waits = require_stable && durable.offsets().has_pending(group, name, *index);
            if waits { unstable(*index) } else { committed(*index, commit) }
        };
        let partitions = commits.iter().map(partition).collect();
        OffsetFetchResponseTopics { name: name.clone(), partitions, ..Default::default() }
    };
    topics.iter().map(topic).collect()
}

fn committed(partition_index: i32, commit: &OffsetAndMetadata) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: commit.value.offset,
        committed_leader_epoch: commit.value.leader_epoch,
        metadata: Some(commit.value.metadata.clone()),
        ..Default::default()
    }
}

fn nothing(partition_index: i32) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions { partition_index, committed_offset: -1, ..Default::default() }
}

fn unstable(partition_index: i32) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        error_code: ErrorCode::UNSTABLE_OFFSET_COMMIT,
        ..nothing(partition_index)
    }
}
