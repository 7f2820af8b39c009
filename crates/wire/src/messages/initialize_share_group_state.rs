//! InitializeShareGroupState: sets up a share partition's state (KIP-932).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request InitializeShareGroupStateRequest [InitializeShareGroupState => InitializeShareGroupStateResponse, versions 0..=0, flexible 0..] {
        group_id: Str                      [0..],
        topics:   Vec<InitializeStateData> [0..],
    }

    /// One of [`InitializeShareGroupStateRequest::topics`].
    struct InitializeStateData {
        topic_id:   Uuid               [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`InitializeStateData::partitions`].
    struct PartitionData {
        partition:    i32 [0..],
        state_epoch:  i32 [0..],
        start_offset: i64 [0..],
    }

    /// The answer.
    response InitializeShareGroupStateResponse [InitializeShareGroupState, versions 0..=0, flexible 0..] {
        results: Vec<InitializeStateResult> [0..],
    }

    /// One of [`InitializeShareGroupStateResponse::results`].
    struct InitializeStateResult {
        topic_id:   Uuid                 [0..],
        partitions: Vec<PartitionResult> [0..],
    }

    /// One of [`InitializeStateResult::partitions`].
    struct PartitionResult {
        partition:     i32         [0..],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = None,
    }
}
