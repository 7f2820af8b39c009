//! DescribeLogDirs: tells what lies in log directories (KIP-113).
//!
//! Versions: 0 is gone (4.0); 2 is flexible; 3 has an error for the whole; 4 tells the volume's sizes
//! (KIP-827); 5 whether a directory is cordoned (KIP-1066).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeLogDirsRequest [DescribeLogDirs => DescribeLogDirsResponse, versions 1..=5, flexible 2..] {
        topics: Option<Vec<DescribableLogDirTopic>> [0.., nullable 0..] = Some(Vec::new()),
    }

    /// One of [`DescribeLogDirsRequest::topics`].
    struct DescribableLogDirTopic {
        topic:      Str      [0..],
        partitions: Vec<i32> [0..],
    }

    /// The answer.
    response DescribeLogDirsResponse [DescribeLogDirs, versions 1..=5, flexible 2..] {
        throttle_time_ms: i32                        [0..],
        error_code:       ErrorCode                  [3.., ignorable],
        results:          Vec<DescribeLogDirsResult> [0..],
    }

    /// One of [`DescribeLogDirsResponse::results`].
    struct DescribeLogDirsResult {
        error_code:   ErrorCode                 [0..],
        log_dir:      Str                       [0..],
        topics:       Vec<DescribeLogDirsTopic> [0..],
        total_bytes:  i64                       [4.., ignorable] = -1,
        usable_bytes: i64                       [4.., ignorable] = -1,
        is_cordoned:  bool                      [5.., ignorable],
    }

    /// One of [`DescribeLogDirsResult::topics`].
    struct DescribeLogDirsTopic {
        name:       Str                           [0..],
        partitions: Vec<DescribeLogDirsPartition> [0..],
    }

    /// One of [`DescribeLogDirsTopic::partitions`].
    struct DescribeLogDirsPartition {
        partition_index: i32  [0..],
        partition_size:  i64  [0..],
        offset_lag:      i64  [0..],
        is_future_key:   bool [0..],
    }
}
