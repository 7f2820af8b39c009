//! OffsetCommit, versions 2–10: how far a group has read.
//!
//! Members commit under their generation; who is not a member may commit while the group has none, and makes the group by it. From
//! version 5 on, retention follows the broker's setting (KIP-211).

use alloc::vec::Vec;

use base::{Str, TopicId};
use wire::ErrorCode;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::classic::Phase;
use super::record::{GroupRecord, OffsetCommitValue};
use super::{Call, Durable, Fx, Group, Live, Response};
use crate::engine::Waiter;

/// The first version that is told when there is no such group (KIP-848).
const GROUP_ID_NOT_FOUND_SINCE: i16 = 9;

/// What a commit's record takes besides its texts, at most.
pub(super) const RECORD_BYTES: usize = 64;

/// The retention that stands for "the broker's".
const DEFAULT_RETENTION: i64 = -1;

impl Live {
    pub(super) fn commit_offsets(
        &mut self,
        durable: &Durable,
        call: &Call,
        request: &OffsetCommitRequest,
        waiter: Waiter,
        fx: &mut Fx<'_>,
    ) {
        if let Err(error) = self.validate_commit(durable, call, request) {
            return fx.answer(waiter, Response::OffsetCommit(refusal(request, error)));
        }
        if !self.fits_a_batch(request) {
            let error = ErrorCode::UNKNOWN_SERVER_ERROR;
            return fx.answer(waiter, Response::OffsetCommit(refusal(request, error)));
        }
        self.extend_committer(request, fx);
        let group = request.group_id.detached();
        let topics =
            request.topics.iter().map(|topic| self.commit_topic(&group, topic, request, fx)).collect();
        fx.answer(waiter, Response::OffsetCommit(OffsetCommitResponse { topics, ..Default::default() }));
    }

    /// Whether one batch of the log can hold the commit: as in Kafka it is written whole or not at all, and what a few bytes repeat
    /// costs no more.
    fn fits_a_batch(&self, request: &OffsetCommitRequest) -> bool {
        let of_partition = |topic: &OffsetCommitRequestTopic, partition: &OffsetCommitRequestPartition| {
            let metadata = partition.committed_metadata.as_ref().map_or(0, |metadata| metadata.len());
            RECORD_BYTES + request.group_id.len() + topic.name.len() + metadata
        };
        let each = request.topics.iter().flat_map(|topic| {
            let admitted = topic.partitions.iter().filter(|partition| self.admits_metadata(partition));
            admitted.map(move |partition| of_partition(topic, partition))
        });
        each.sum::<usize>() <= self.settings.record_bytes_max
    }

    fn validate_commit(
        &self,
        durable: &Durable,
        call: &Call,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        let generation = request.generation_id_or_member_epoch;
        let stored = match durable.group(&request.group_id) {
            Some(Group::Classic(stored)) => stored,
            None if generation < 0 => return Ok(()),
            None if call.version >= GROUP_ID_NOT_FOUND_SINCE => return Err(ErrorCode::GROUP_ID_NOT_FOUND),
            None => return Err(ErrorCode::ILLEGAL_GENERATION),
        };
        let live = self.classic.get(&request.group_id);
        let phase = live.map_or(Phase::Empty, |group| group.phase());
        if generation < 0 && phase == Phase::Empty {
            return Ok(());
        }
        let names_member = !request.member_id.is_empty() || request.group_instance_id.is_some();
        if generation >= 0 || names_member {
            let instance_id = request.group_instance_id.as_ref();
            let known = live.map_or(Err(ErrorCode::UNKNOWN_MEMBER_ID), |group| {
                group.validate_member(&request.member_id, instance_id)
            });
            known?;
            if generation != live.map_or(stored.number, |group| group.generation()) {
                return Err(ErrorCode::ILLEGAL_GENERATION);
            }
        } else if phase != Phase::Empty {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        // The member knows the generation but not yet what it was assigned in it.
        if phase == Phase::CompletingRebalance { Err(ErrorCode::REBALANCE_IN_PROGRESS) } else { Ok(()) }
    }

    /// A commit shows that the member is alive.
    fn extend_committer(&self, request: &OffsetCommitRequest, fx: &mut Fx<'_>) {
        let Some(group) = self.classic.get(&request.group_id) else { return };
        if matches!(group.phase(), Phase::Stable | Phase::PreparingRebalance) {
            group.extend_session(&request.member_id, fx);
        }
    }

    fn commit_topic(
        &self,
        group: &Str,
        topic: &OffsetCommitRequestTopic,
        request: &OffsetCommitRequest,
        fx: &mut Fx<'_>,
    ) -> OffsetCommitResponseTopic {
        let name = topic.name.detached();
        let expires = (request.retention_time_ms != DEFAULT_RETENTION)
            .then(|| fx.wall_ms.saturating_add(request.retention_time_ms));
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let mut error_code = ErrorCode::OFFSET_METADATA_TOO_LARGE;
            if self.admits_metadata(partition) {
                error_code = ErrorCode::NONE;
                let value = Some(commit(partition, fx.wall_ms, expires, TopicId(topic.topic_id)));
                let (group, topic, partition) = (group.clone(), name.clone(), partition.partition_index);
                fx.record(GroupRecord::OffsetCommit { group, topic, partition, value });
            }
            let partition_index = partition.partition_index;
            partitions.push(OffsetCommitResponsePartition { partition_index, error_code });
        }
        OffsetCommitResponseTopic { name: topic.name.clone(), topic_id: topic.topic_id, partitions }
    }

    fn admits_metadata(&self, partition: &OffsetCommitRequestPartition) -> bool {
        let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
        metadata.len() <= self.settings.offset_metadata_max
            || metadata.encode_utf16().count() <= self.settings.offset_metadata_max
    }
}

fn commit(
    partition: &OffsetCommitRequestPartition,
    now_ms: i64,
    expire_timestamp_ms: Option<i64>,
    topic_id: TopicId,
) -> OffsetCommitValue {
    let value = OffsetCommitValue {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch.max(-1),
        metadata: partition.committed_metadata.as_ref().map(Str::detached).unwrap_or_default(),
        commit_timestamp_ms: now_ms,
        expire_timestamp_ms,
        topic_id,
    };
    value.storable()
}

/// The answer to a commit that was refused as a whole: `error_code` for every partition.
pub fn refusal(request: &OffsetCommitRequest, error_code: ErrorCode) -> OffsetCommitResponse {
    let refused = |partition: &OffsetCommitRequestPartition| OffsetCommitResponsePartition {
        partition_index: partition.partition_index,
        error_code,
    };
    let topic = |topic: &OffsetCommitRequestTopic| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(refused).collect(),
    };
    OffsetCommitResponse { topics: request.topics.iter().map(topic).collect(), ..Default::default() }
}
