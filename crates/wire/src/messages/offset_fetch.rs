//! OffsetFetch: returns how far groups have read.
//!
//! Versions: 0 is gone (4.0); 2 lets null stand for all topics; 5 adds leader epochs (KIP-320); 6 is
//! flexible; 7 may insist on settled offsets (KIP-447); 8 asks for many groups (KIP-709); 9 serves the new
//! group protocol (KIP-848); 10 names topics by id.

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request OffsetFetchRequest [OffsetFetch => OffsetFetchResponse, versions 1..=10, flexible 6..] {
        group_id:       Str                                  [0..=7],
        topics:         Option<Vec<OffsetFetchRequestTopic>> [0..=7, nullable 2..=7] = Some(Vec::new()),
        groups:         Vec<OffsetFetchRequestGroup>         [8..],
        require_stable: bool                                 [7..],
    }

    /// One of [`OffsetFetchRequest::topics`].
    struct OffsetFetchRequestTopic {
        name:              Str      [0..=7],
        partition_indexes: Vec<i32> [0..=7],
    }

    /// One of [`OffsetFetchRequest::groups`].
    struct OffsetFetchRequestGroup {
        group_id:     Str                                   [8..],
        member_id:    Option<Str>                           [9.., nullable 9.., ignorable] = None,
        member_epoch: i32                                   [9.., ignorable] = -1,
        topics:       Option<Vec<OffsetFetchRequestTopics>> [8.., nullable 8..] = Some(Vec::new()),
    }

    /// One of [`OffsetFetchRequestGroup::topics`].
    struct OffsetFetchRequestTopics {
        name:              Str      [8..=9, ignorable],
        topic_id:          Uuid     [10.., ignorable],
        partition_indexes: Vec<i32> [8..],
    }

    /// The answer.
    response OffsetFetchResponse [OffsetFetch, versions 1..=10, flexible 6..] {
        throttle_time_ms: i32                           [3.., ignorable],
        topics:           Vec<OffsetFetchResponseTopic> [0..=7],
        error_code:       ErrorCode                     [2..=7, ignorable],
        groups:           Vec<OffsetFetchResponseGroup> [8..],
    }

    /// One of [`OffsetFetchResponse::topics`].
    struct OffsetFetchResponseTopic {
        name:       Str                               [0..=7],
        partitions: Vec<OffsetFetchResponsePartition> [0..=7],
    }

    /// One of [`OffsetFetchResponseTopic::partitions`].
    struct OffsetFetchResponsePartition {
        partition_index:        i32         [0..=7],
        committed_offset:       i64         [0..=7],
        committed_leader_epoch: i32         [5..=7, ignorable] = -1,
        metadata:               Option<Str> [0..=7, nullable 0..=7] = Some(Str::default()),
        error_code:             ErrorCode   [0..=7],
    }

    /// One of [`OffsetFetchResponse::groups`].
    struct OffsetFetchResponseGroup {
        group_id:   Str                            [8..],
        topics:     Vec<OffsetFetchResponseTopics> [8..],
        error_code: ErrorCode                      [8..],
    }

    /// One of [`OffsetFetchResponseGroup::topics`].
    struct OffsetFetchResponseTopics {
        name:       Str                                [8..=9, ignorable],
        topic_id:   Uuid                               [10.., ignorable],
        partitions: Vec<OffsetFetchResponsePartitions> [8..],
    }

    /// One of [`OffsetFetchResponseTopics::partitions`].
    struct OffsetFetchResponsePartitions {
        partition_index:        i32         [8..],
        committed_offset:       i64         [8..],
        committed_leader_epoch: i32         [8.., ignorable] = -1,
        metadata:               Option<Str> [8.., nullable 8..] = Some(Str::default()),
        error_code:             ErrorCode   [8..],
    }
}
