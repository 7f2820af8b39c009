//! OffsetDelete, version 0 (KIP-496): drops a group's offsets of topics that none of its members reads.

use alloc::vec::Vec;

use base::Str;
use wire::ErrorCode;
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestTopic, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

use super::offset_commit::RECORD_BYTES;
use super::record::GroupRecord;
use super::{Durable, Fx, Live, Response};
use crate::engine::Waiter;

impl Live {
    pub(super) fn delete_offsets(
        &self,
        durable: &Durable,
        request: OffsetDeleteRequest,
        waiter: Waiter,
        fx: &mut Fx<'_>,
    ) {
        let mut response = OffsetDeleteResponse::default();
        match self.validate_offset_delete(durable, &request.group_id) {
            Err(error) => response.error_code = error,
            Ok(()) if !self.tombstones_fit(&request) => response.error_code = ErrorCode::UNKNOWN_SERVER_ERROR,
            Ok(()) => {
                let group = request.group_id.detached();
                response.topics =
                    request.topics.into_iter().map(|t| self.delete_topic(durable, &group, t, fx)).collect();
            }
        }
        fx.answer(waiter, Response::OffsetDelete(response));
    }

    /// Whether one batch of the log can hold what is written, as for a commit.
    fn tombstones_fit(&self, request: &OffsetDeleteRequest) -> bool {
        let of_topic = |topic: &OffsetDeleteRequestTopic| {
            topic.partitions.len() * (RECORD_BYTES / 2 + request.group_id.len() + topic.name.len())
        };
        request.topics.iter().map(of_topic).sum::<usize>() <= self.settings.record_bytes_max
    }

    fn validate_offset_delete(&self, durable: &Durable, group: &Str) -> Result<(), ErrorCode> {
        if group.is_empty() {
            return Err(ErrorCode::INVALID_GROUP_ID);
        }
        if durable.group(group).is_none() {
            return Err(ErrorCode::GROUP_ID_NOT_FOUND);
        }
        // What members of other protocols read is not known, so nothing of theirs is dropped while they are there.
        let busy =
            self.classic.get(group).is_some_and(|live| !live.is_empty() && !live.uses_consumer_protocol());
        if busy { Err(ErrorCode::NON_EMPTY_GROUP) } else { Ok(()) }
    }

    fn delete_topic(
        &self,
        durable: &Durable,
        group: &Str,
        topic: OffsetDeleteRequestTopic,
        fx: &mut Fx<'_>,
    ) -> OffsetDeleteResponseTopic {
        let read = self.classic.get(group).is_some_and(|live| live.is_subscribed_to(&topic.name));
        let name = topic.name.detached();
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let index = partition.partition_index;
            let known = durable.offsets().get(group, &name, index).is_some()
                || durable.offsets().has_pending(group, &name, index);
            if known && !read {
                fx.record(tombstone(group, &name, index));
            }
            let error_code = if read { ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC } else { ErrorCode::NONE };
            partitions.push(OffsetDeleteResponsePartition { partition_index: index, error_code });
        }
        OffsetDeleteResponseTopic { name: topic.name, partitions }
    }
}

/// The record that drops a commit.
pub(super) fn tombstone(group: &Str, topic: &Str, partition: i32) -> GroupRecord {
    GroupRecord::OffsetCommit { group: group.clone(), topic: topic.clone(), partition, value: None }
}
