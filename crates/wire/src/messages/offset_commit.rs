//! OffsetCommit: stores how far a group has read.
//!
//! Versions: 0–1 are gone (4.0); 5 drops the retention time (KIP-211); 6 adds leader epochs (KIP-320); 7
//! static members (KIP-345); 8 is flexible; 9 serves the new group protocol (KIP-848); 10 names topics by
//! id.

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request OffsetCommitRequest [OffsetCommit => OffsetCommitResponse, versions 2..=10, flexible 8..] {
        group_id:                      Str                           [0..],
        generation_id_or_member_epoch: i32                           [1.., ignorable] = -1,
        member_id:                     Str                           [1.., ignorable],
        group_instance_id:             Option<Str>                   [7.., nullable 7..] = None,
        retention_time_ms:             i64                           [2..=4, ignorable] = -1,
        topics:                        Vec<OffsetCommitRequestTopic> [0..],
    }

    /// One of [`OffsetCommitRequest::topics`].
    struct OffsetCommitRequestTopic {
        name:       Str                               [0..=9, ignorable],
        topic_id:   Uuid                              [10.., ignorable],
        partitions: Vec<OffsetCommitRequestPartition> [0..],
    }

    /// One of [`OffsetCommitRequestTopic::partitions`].
    struct OffsetCommitRequestPartition {
        partition_index:        i32         [0..],
        committed_offset:       i64         [0..],
        committed_leader_epoch: i32         [6.., ignorable] = -1,
        committed_metadata:     Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }

    /// The answer.
    response OffsetCommitResponse [OffsetCommit, versions 2..=10, flexible 8..] {
        throttle_time_ms: i32                            [3.., ignorable],
        topics:           Vec<OffsetCommitResponseTopic> [0..],
    }

    /// One of [`OffsetCommitResponse::topics`].
    struct OffsetCommitResponseTopic {
        name:       Str                                [0..=9, ignorable],
        topic_id:   Uuid                               [10.., ignorable],
        partitions: Vec<OffsetCommitResponsePartition> [0..],
    }

    /// One of [`OffsetCommitResponseTopic::partitions`].
    struct OffsetCommitResponsePartition {
        partition_index: i32       [0..],
        error_code:      ErrorCode [0..],
    }
}
