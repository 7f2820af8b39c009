//! OffsetForLeaderEpoch: tells where a leader epoch ended (KIP-101, KIP-320).
//!
//! Versions: 0–1 are gone (4.0); 3 adds the replica's id (KIP-392); 4 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request OffsetForLeaderEpochRequest [OffsetForLeaderEpoch => OffsetForLeaderEpochResponse, versions 2..=4, flexible 4..] {
        replica_id: i32                       [3.., ignorable] = -2,
        topics:     Vec<OffsetForLeaderTopic> [0..],
    }

    /// One of [`OffsetForLeaderEpochRequest::topics`].
    struct OffsetForLeaderTopic {
        topic:      Str                           [0..],
        partitions: Vec<OffsetForLeaderPartition> [0..],
    }

    /// One of [`OffsetForLeaderTopic::partitions`].
    struct OffsetForLeaderPartition {
        partition:            i32 [0..],
        current_leader_epoch: i32 [2.., ignorable] = -1,
        leader_epoch:         i32 [0..],
    }

    /// The answer.
    response OffsetForLeaderEpochResponse [OffsetForLeaderEpoch, versions 2..=4, flexible 4..] {
        throttle_time_ms: i32                             [2.., ignorable],
        topics:           Vec<OffsetForLeaderTopicResult> [0..],
    }

    /// One of [`OffsetForLeaderEpochResponse::topics`].
    struct OffsetForLeaderTopicResult {
        topic:      Str                 [0..],
        partitions: Vec<EpochEndOffset> [0..],
    }

    /// One of [`OffsetForLeaderTopicResult::partitions`].
    struct EpochEndOffset {
        error_code:   ErrorCode [0..],
        partition:    i32       [0..],
        leader_epoch: i32       [1.., ignorable] = -1,
        end_offset:   i64       [0..] = -1,
    }
}
