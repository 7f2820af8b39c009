//! ListPartitionReassignments: lists the moves under way (KIP-455).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ListPartitionReassignmentsRequest [ListPartitionReassignments => ListPartitionReassignmentsResponse, versions 0..=0, flexible 0..] {
        timeout_ms: i32                                           [0..] = 60000,
        topics:     Option<Vec<ListPartitionReassignmentsTopics>> [0.., nullable 0..] = None,
    }

    /// One of [`ListPartitionReassignmentsRequest::topics`].
    struct ListPartitionReassignmentsTopics {
        name:              Str      [0..],
        partition_indexes: Vec<i32> [0..],
    }

    /// The answer.
    response ListPartitionReassignmentsResponse [ListPartitionReassignments, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                           [0..],
        error_code:       ErrorCode                     [0..],
        error_message:    Option<Str>                   [0.., nullable 0..] = Some(Str::default()),
        topics:           Vec<OngoingTopicReassignment> [0..],
    }

    /// One of [`ListPartitionReassignmentsResponse::topics`].
    struct OngoingTopicReassignment {
        name:       Str                               [0..],
        partitions: Vec<OngoingPartitionReassignment> [0..],
    }

    /// One of [`OngoingTopicReassignment::partitions`].
    struct OngoingPartitionReassignment {
        partition_index:   i32      [0..],
        replicas:          Vec<i32> [0..],
        adding_replicas:   Vec<i32> [0..],
        removing_replicas: Vec<i32> [0..],
    }
}
