//! AlterShareGroupOffsets: sets a share group's start offsets (KIP-932).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AlterShareGroupOffsetsRequest [AlterShareGroupOffsets => AlterShareGroupOffsetsResponse, versions 0..=0, flexible 0..] {
        group_id: Str                                     [0..],
        topics:   Vec<AlterShareGroupOffsetsRequestTopic> [0..],
    }

    /// One of [`AlterShareGroupOffsetsRequest::topics`].
    struct AlterShareGroupOffsetsRequestTopic {
        topic_name: Str                                         [0..],
        partitions: Vec<AlterShareGroupOffsetsRequestPartition> [0..],
    }

    /// One of [`AlterShareGroupOffsetsRequestTopic::partitions`].
    struct AlterShareGroupOffsetsRequestPartition {
        partition_index: i32 [0..],
        start_offset:    i64 [0..],
    }

    /// The answer.
    response AlterShareGroupOffsetsResponse [AlterShareGroupOffsets, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                                      [0..],
        error_code:       ErrorCode                                [0..],
        error_message:    Option<Str>                              [0.., nullable 0..] = None,
        responses:        Vec<AlterShareGroupOffsetsResponseTopic> [0..],
    }

    /// One of [`AlterShareGroupOffsetsResponse::responses`].
    struct AlterShareGroupOffsetsResponseTopic {
        topic_name: Str                                          [0..],
        topic_id:   Uuid                                         [0..],
        partitions: Vec<AlterShareGroupOffsetsResponsePartition> [0..],
    }

    /// One of [`AlterShareGroupOffsetsResponseTopic::partitions`].
    struct AlterShareGroupOffsetsResponsePartition {
        partition_index: i32         [0..],
        error_code:      ErrorCode   [0..],
        error_message:   Option<Str> [0.., nullable 0..] = None,
    }
}
