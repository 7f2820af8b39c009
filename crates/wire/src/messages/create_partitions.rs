//! CreatePartitions: adds partitions to topics (KIP-195).
//!
//! Versions: 2 is flexible; 3 may answer a quota's error (KIP-599).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request CreatePartitionsRequest [CreatePartitions => CreatePartitionsResponse, versions 0..=3, flexible 2..] {
        topics:        Vec<CreatePartitionsTopic> [0..],
        timeout_ms:    i32                        [0..],
        validate_only: bool                       [0..],
    }

    /// One of [`CreatePartitionsRequest::topics`].
    struct CreatePartitionsTopic {
        name:        Str                                     [0..],
        count:       i32                                     [0..],
        assignments: Option<Vec<CreatePartitionsAssignment>> [0.., nullable 0..] = Some(Vec::new()),
    }

    /// One of [`CreatePartitionsTopic::assignments`].
    struct CreatePartitionsAssignment {
        broker_ids: Vec<i32> [0..],
    }

    /// The answer.
    response CreatePartitionsResponse [CreatePartitions, versions 0..=3, flexible 2..] {
        throttle_time_ms: i32                              [0..],
        results:          Vec<CreatePartitionsTopicResult> [0..],
    }

    /// One of [`CreatePartitionsResponse::results`].
    struct CreatePartitionsTopicResult {
        name:          Str         [0..],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = None,
    }
}
