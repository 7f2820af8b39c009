//! AlterPartitionReassignments: starts or stops moving partitions to other replicas (KIP-455).
//!
//! Versions: 1 may keep the replication factor from changing (KIP-860).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AlterPartitionReassignmentsRequest [AlterPartitionReassignments => AlterPartitionReassignmentsResponse, versions 0..=1, flexible 0..] {
        timeout_ms:                      i32                    [0..] = 60000,
        allow_replication_factor_change: bool                   [1..] = true,
        topics:                          Vec<ReassignableTopic> [0..],
    }

    /// One of [`AlterPartitionReassignmentsRequest::topics`].
    struct ReassignableTopic {
        name:       Str                        [0..],
        partitions: Vec<ReassignablePartition> [0..],
    }

    /// One of [`ReassignableTopic::partitions`].
    struct ReassignablePartition {
        partition_index: i32              [0..],
        replicas:        Option<Vec<i32>> [0.., nullable 0..] = None,
    }

    /// The answer.
    response AlterPartitionReassignmentsResponse [AlterPartitionReassignments, versions 0..=1, flexible 0..] {
        throttle_time_ms:                i32                            [0..],
        allow_replication_factor_change: bool                           [1.., ignorable] = true,
        error_code:                      ErrorCode                      [0..],
        error_message:                   Option<Str>                    [0.., nullable 0..] = Some(Str::default()),
        responses:                       Vec<ReassignableTopicResponse> [0..],
    }

    /// One of [`AlterPartitionReassignmentsResponse::responses`].
    struct ReassignableTopicResponse {
        name:       Str                                [0..],
        partitions: Vec<ReassignablePartitionResponse> [0..],
    }

    /// One of [`ReassignableTopicResponse::partitions`].
    struct ReassignablePartitionResponse {
        partition_index: i32         [0..],
        error_code:      ErrorCode   [0..],
        error_message:   Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }
}
