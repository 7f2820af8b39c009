//! DeleteShareGroupState: deletes a share partition's state (KIP-932).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DeleteShareGroupStateRequest [DeleteShareGroupState => DeleteShareGroupStateResponse, versions 0..=0, flexible 0..] {
        group_id: Str                  [0..],
        topics:   Vec<DeleteStateData> [0..],
    }

    /// One of [`DeleteShareGroupStateRequest::topics`].
    struct DeleteStateData {
        topic_id:   Uuid               [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`DeleteStateData::partitions`].
    struct PartitionData {
        partition: i32 [0..],
    }

    /// The answer.
    response DeleteShareGroupStateResponse [DeleteShareGroupState, versions 0..=0, flexible 0..] {
        results: Vec<DeleteStateResult> [0..],
    }

    /// One of [`DeleteShareGroupStateResponse::results`].
    struct DeleteStateResult {
        topic_id:   Uuid                 [0..],
        partitions: Vec<PartitionResult> [0..],
    }

    /// One of [`DeleteStateResult::partitions`].
    struct PartitionResult {
        partition:     i32         [0..],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = None,
    }
}
