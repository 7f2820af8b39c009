//! ReadShareGroupStateSummary: reads the start of a share partition's state (KIP-932).
//!
//! Versions: 1 tells how much was delivered (KIP-1226).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ReadShareGroupStateSummaryRequest [ReadShareGroupStateSummary => ReadShareGroupStateSummaryResponse, versions 0..=1, flexible 0..] {
        group_id: Str                       [0..],
        topics:   Vec<ReadStateSummaryData> [0..],
    }

    /// One of [`ReadShareGroupStateSummaryRequest::topics`].
    struct ReadStateSummaryData {
        topic_id:   Uuid               [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`ReadStateSummaryData::partitions`].
    struct PartitionData {
        partition:    i32 [0..],
        leader_epoch: i32 [0..],
    }

    /// The answer.
    response ReadShareGroupStateSummaryResponse [ReadShareGroupStateSummary, versions 0..=1, flexible 0..] {
        results: Vec<ReadStateSummaryResult> [0..],
    }

    /// One of [`ReadShareGroupStateSummaryResponse::results`].
    struct ReadStateSummaryResult {
        topic_id:   Uuid                 [0..],
        partitions: Vec<PartitionResult> [0..],
    }

    /// One of [`ReadStateSummaryResult::partitions`].
    struct PartitionResult {
        partition:               i32         [0..],
        error_code:              ErrorCode   [0..],
        error_message:           Option<Str> [0.., nullable 0..] = None,
        state_epoch:             i32         [0..],
        leader_epoch:            i32         [0..],
        start_offset:            i64         [0..],
        delivery_complete_count: i32         [1.., ignorable] = -1,
    }
}
