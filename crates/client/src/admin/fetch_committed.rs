//! OffsetFetch in the versions this client uses, for consumers and for the admin client.

use std::collections::{BTreeMap, HashMap};

use base::Str;
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse,
};
use wire::{ApiKey, ErrorCode};

use crate::{CallError, TopicPartition};

/// An offset that a group committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next record to read.
    pub offset: i64,
    /// The epoch of the last record read; -1 where not told.
    pub leader_epoch: i32,
    /// What the member added.
    pub metadata: Str,
}

/// The request; `None` asks for everything the group committed. `require_stable` refuses offsets that an open transaction may
/// replace (KIP-447, from version 7 on).
pub(crate) fn request(
    group: &Str,
    partitions: Option<&[TopicPartition]>,
    require_stable: bool,
    version: i16,
) -> OffsetFetchRequest {
    let require_stable = require_stable && version >= 7;
    let topics = partitions.map(|partitions| {
        let mut topics: BTreeMap<Str, Vec<i32>> = BTreeMap::new();
        for partition in partitions {
            topics.entry(partition.topic.clone()).or_default().push(partition.partition);
        }
        topics
    });
    if version < 8 {
        let one = |(name, partition_indexes)| OffsetFetchRequestTopic { name, partition_indexes };
        let topics = topics.map(|topics| topics.into_iter().map(one).collect());
        return OffsetFetchRequest {
            group_id: group.clone(),
            topics,
            require_stable,
            ..OffsetFetchRequest::default()
        };
    }
    let one = |(name, partition_indexes)| OffsetFetchRequestTopics {
        name,
        partition_indexes,
        ..Default::default()
    };
    let topics = topics.map(|topics| topics.into_iter().map(one).collect());
    let asked =
        OffsetFetchRequestGroup { group_id: group.clone(), topics, ..OffsetFetchRequestGroup::default() };
    OffsetFetchRequest { groups: vec![asked], require_stable, ..OffsetFetchRequest::default() }
}

/// The offsets in an answer. Partitions without a committed offset are left out.
pub(crate) fn offsets(
    response: OffsetFetchResponse,
) -> Result<HashMap<TopicPartition, CommittedOffset>, CallError> {
    CallError::check(ApiKey::OffsetFetch, response.error_code, None)?;
    let mut offsets = HashMap::new();
    let mut take = |topic: &Str,
                    partition: i32,
                    offset: i64,
                    leader_epoch: i32,
                    metadata: Option<Str>,
                    code: ErrorCode| {
        CallError::check(ApiKey::OffsetFetch, code, None)?;
        if offset >= 0 {
            let metadata = metadata.map(|text| text.detached()).unwrap_or_default();
            offsets.insert(
                TopicPartition::new(topic.clone(), partition),
                CommittedOffset { offset, leader_epoch, metadata },
            );
        }
        Ok::<(), CallError>(())
    };
    for topic in response.topics {
        let name = topic.name.detached();
        for p in topic.partitions {
            take(
                &name,
                p.partition_index,
                p.committed_offset,
                p.committed_leader_epoch,
                p.metadata,
                p.error_code,
            )?;
        }
    }
    for group in response.groups {
        CallError::check(ApiKey::OffsetFetch, group.error_code, None)?;
        for topic in group.topics {
            let name = topic.name.detached();
            for p in topic.partitions {
                take(
                    &name,
                    p.partition_index,
                    p.committed_offset,
                    p.committed_leader_epoch,
                    p.metadata,
                    p.error_code,
                )?;
            }
        }
    }
    Ok(offsets)
}
