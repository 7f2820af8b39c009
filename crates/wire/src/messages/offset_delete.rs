//! OffsetDelete: deletes a group's offsets of partitions (KIP-496).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request OffsetDeleteRequest [OffsetDelete => OffsetDeleteResponse, versions 0..=0, flexible none] {
        group_id: Str                           [0..],
        topics:   Vec<OffsetDeleteRequestTopic> [0..],
    }

    /// One of [`OffsetDeleteRequest::topics`].
    struct OffsetDeleteRequestTopic {
        name:       Str                               [0..],
        partitions: Vec<OffsetDeleteRequestPartition> [0..],
    }

    /// One of [`OffsetDeleteRequestTopic::partitions`].
    struct OffsetDeleteRequestPartition {
        partition_index: i32 [0..],
    }

    /// The answer.
    response OffsetDeleteResponse [OffsetDelete, versions 0..=0, flexible none] {
        error_code:       ErrorCode                      [0..],
        throttle_time_ms: i32                            [0.., ignorable],
        topics:           Vec<OffsetDeleteResponseTopic> [0..],
    }

    /// One of [`OffsetDeleteResponse::topics`].
    struct OffsetDeleteResponseTopic {
        name:       Str                                [0..],
        partitions: Vec<OffsetDeleteResponsePartition> [0..],
    }

    /// One of [`OffsetDeleteResponseTopic::partitions`].
    struct OffsetDeleteResponsePartition {
        partition_index: i32       [0..],
        error_code:      ErrorCode [0..],
    }
}
