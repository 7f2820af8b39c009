//! ListOffsets: looks up the offset for a timestamp, or for the earliest, the latest and other special
//! places of a log.
//!
//! Versions: 0 is gone (4.0); 2 brings the isolation level (KIP-98); 4 leader epochs (KIP-320); 6 is
//! flexible; 7 finds the record of the greatest timestamp (KIP-734); 8 the local start (KIP-405); 9 the
//! last tiered offset (KIP-1005); 10 a timeout (KIP-1075); 11 the earliest offset not tiered yet
//! (KIP-1023).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ListOffsetsRequest [ListOffsets => ListOffsetsResponse, versions 1..=11, flexible 6..] {
        replica_id:      i32                   [0..],
        isolation_level: i8                    [2..],
        topics:          Vec<ListOffsetsTopic> [0..],
        timeout_ms:      i32                   [10.., ignorable],
    }

    /// One of [`ListOffsetsRequest::topics`].
    struct ListOffsetsTopic {
        name:       Str                       [0..],
        partitions: Vec<ListOffsetsPartition> [0..],
    }

    /// One of [`ListOffsetsTopic::partitions`].
    struct ListOffsetsPartition {
        partition_index:      i32 [0..],
        current_leader_epoch: i32 [4.., ignorable] = -1,
        timestamp:            i64 [0..],
    }

    /// The answer.
    response ListOffsetsResponse [ListOffsets, versions 1..=11, flexible 6..] {
        throttle_time_ms: i32                           [2.., ignorable],
        topics:           Vec<ListOffsetsTopicResponse> [0..],
    }

    /// One of [`ListOffsetsResponse::topics`].
    struct ListOffsetsTopicResponse {
        name:       Str                               [0..],
        partitions: Vec<ListOffsetsPartitionResponse> [0..],
    }

    /// One of [`ListOffsetsTopicResponse::partitions`].
    struct ListOffsetsPartitionResponse {
        partition_index: i32       [0..],
        error_code:      ErrorCode [0..],
        timestamp:       i64       [1..] = -1,
        offset:          i64       [1..] = -1,
        leader_epoch:    i32       [4..] = -1,
    }
}
