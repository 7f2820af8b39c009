//! DescribeShareGroupOffsets: tells a share group's start offsets (KIP-932).
//!
//! Versions: 1 tells the lag (KIP-1226).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeShareGroupOffsetsRequest [DescribeShareGroupOffsets => DescribeShareGroupOffsetsResponse, versions 0..=1, flexible 0..] {
        groups: Vec<DescribeShareGroupOffsetsRequestGroup> [0..],
    }

    /// One of [`DescribeShareGroupOffsetsRequest::groups`].
    struct DescribeShareGroupOffsetsRequestGroup {
        group_id: Str                                                [0..],
        topics:   Option<Vec<DescribeShareGroupOffsetsRequestTopic>> [0.., nullable 0..] = Some(Vec::new()),
    }

    /// One of [`DescribeShareGroupOffsetsRequestGroup::topics`].
    struct DescribeShareGroupOffsetsRequestTopic {
        topic_name: Str      [0..],
        partitions: Vec<i32> [0..],
    }

    /// The answer.
    response DescribeShareGroupOffsetsResponse [DescribeShareGroupOffsets, versions 0..=1, flexible 0..] {
        throttle_time_ms: i32                                         [0..],
        groups:           Vec<DescribeShareGroupOffsetsResponseGroup> [0..],
    }

    /// One of [`DescribeShareGroupOffsetsResponse::groups`].
    struct DescribeShareGroupOffsetsResponseGroup {
        group_id:      Str                                         [0..],
        topics:        Vec<DescribeShareGroupOffsetsResponseTopic> [0..],
        error_code:    ErrorCode                                   [0..],
        error_message: Option<Str>                                 [0.., nullable 0..] = None,
    }

    /// One of [`DescribeShareGroupOffsetsResponseGroup::topics`].
    struct DescribeShareGroupOffsetsResponseTopic {
        topic_name: Str                                             [0..],
        topic_id:   Uuid                                            [0..],
        partitions: Vec<DescribeShareGroupOffsetsResponsePartition> [0..],
    }

    /// One of [`DescribeShareGroupOffsetsResponseTopic::partitions`].
    struct DescribeShareGroupOffsetsResponsePartition {
        partition_index: i32         [0..],
        start_offset:    i64         [0..],
        leader_epoch:    i32         [0..],
        lag:             i64         [1.., ignorable] = -1,
        error_code:      ErrorCode   [0..],
        error_message:   Option<Str> [0.., nullable 0..] = None,
    }
}
