//! DeleteRecords: moves the start of partitions forward, which deletes what lies before (KIP-107).
//!
//! Versions: 2 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DeleteRecordsRequest [DeleteRecords => DeleteRecordsResponse, versions 0..=2, flexible 2..] {
        topics:     Vec<DeleteRecordsTopic> [0..],
        timeout_ms: i32                     [0..],
    }

    /// One of [`DeleteRecordsRequest::topics`].
    struct DeleteRecordsTopic {
        name:       Str                         [0..],
        partitions: Vec<DeleteRecordsPartition> [0..],
    }

    /// One of [`DeleteRecordsTopic::partitions`].
    struct DeleteRecordsPartition {
        partition_index: i32 [0..],
        offset:          i64 [0..],
    }

    /// The answer.
    response DeleteRecordsResponse [DeleteRecords, versions 0..=2, flexible 2..] {
        throttle_time_ms: i32                           [0..],
        topics:           Vec<DeleteRecordsTopicResult> [0..],
    }

    /// One of [`DeleteRecordsResponse::topics`].
    struct DeleteRecordsTopicResult {
        name:       Str                               [0..],
        partitions: Vec<DeleteRecordsPartitionResult> [0..],
    }

    /// One of [`DeleteRecordsTopicResult::partitions`].
    struct DeleteRecordsPartitionResult {
        partition_index: i32       [0..],
        low_watermark:   i64       [0..],
        error_code:      ErrorCode [0..],
    }
}
