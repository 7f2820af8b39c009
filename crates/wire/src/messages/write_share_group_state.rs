//! WriteShareGroupState: writes a share partition's state (KIP-932).
//!
//! Versions: 1 carries how much was delivered (KIP-1226).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request WriteShareGroupStateRequest [WriteShareGroupState => WriteShareGroupStateResponse, versions 0..=1, flexible 0..] {
        group_id: Str                 [0..],
        topics:   Vec<WriteStateData> [0..],
    }

    /// One of [`WriteShareGroupStateRequest::topics`].
    struct WriteStateData {
        topic_id:   Uuid               [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`WriteStateData::partitions`].
    struct PartitionData {
        partition:               i32             [0..],
        state_epoch:             i32             [0..],
        leader_epoch:            i32             [0..],
        start_offset:            i64             [0..],
        delivery_complete_count: i32             [1.., ignorable] = -1,
        state_batches:           Vec<StateBatch> [0..],
    }

    /// One of [`PartitionData::state_batches`].
    struct StateBatch {
        first_offset:   i64 [0..],
        last_offset:    i64 [0..],
        delivery_state: i8  [0..],
        delivery_count: i16 [0..],
    }

    /// The answer.
    response WriteShareGroupStateResponse [WriteShareGroupState, versions 0..=1, flexible 0..] {
        results: Vec<WriteStateResult> [0..],
    }

    /// One of [`WriteShareGroupStateResponse::results`].
    struct WriteStateResult {
        topic_id:   Uuid                 [0..],
        partitions: Vec<PartitionResult> [0..],
    }

    /// One of [`WriteStateResult::partitions`].
    struct PartitionResult {
        partition:     i32         [0..],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = None,
    }
}
