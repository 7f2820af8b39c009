//! ReadShareGroupState: reads a share partition's state (KIP-932).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ReadShareGroupStateRequest [ReadShareGroupState => ReadShareGroupStateResponse, versions 0..=0, flexible 0..] {
        group_id: Str                [0..],
        topics:   Vec<ReadStateData> [0..],
    }

    /// One of [`ReadShareGroupStateRequest::topics`].
    struct ReadStateData {
        topic_id:   Uuid               [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`ReadStateData::partitions`].
    struct PartitionData {
        partition:    i32 [0..],
        leader_epoch: i32 [0..],
    }

    /// The answer.
    response ReadShareGroupStateResponse [ReadShareGroupState, versions 0..=0, flexible 0..] {
        results: Vec<ReadStateResult> [0..],
    }

    /// One of [`ReadShareGroupStateResponse::results`].
    struct ReadStateResult {
        topic_id:   Uuid                 [0..],
        partitions: Vec<PartitionResult> [0..],
    }

    /// One of [`ReadStateResult::partitions`].
    struct PartitionResult {
        partition:     i32             [0..],
        error_code:    ErrorCode       [0..],
        error_message: Option<Str>     [0.., nullable 0..] = None,
        state_epoch:   i32             [0..],
        start_offset:  i64             [0..],
        state_batches: Vec<StateBatch> [0..],
    }

    /// One of [`PartitionResult::state_batches`].
    struct StateBatch {
        first_offset:   i64 [0..],
        last_offset:    i64 [0..],
        delivery_state: i8  [0..],
        delivery_count: i16 [0..],
    }
}
