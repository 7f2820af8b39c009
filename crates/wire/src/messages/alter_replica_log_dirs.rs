//! AlterReplicaLogDirs: moves replicas between log directories (KIP-113).
//!
//! Versions: 0 is gone (4.0); 2 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AlterReplicaLogDirsRequest [AlterReplicaLogDirs => AlterReplicaLogDirsResponse, versions 1..=2, flexible 2..] {
        dirs: Vec<AlterReplicaLogDir> [0..],
    }

    /// One of [`AlterReplicaLogDirsRequest::dirs`].
    struct AlterReplicaLogDir {
        path:   Str                          [0..],
        topics: Vec<AlterReplicaLogDirTopic> [0..],
    }

    /// One of [`AlterReplicaLogDir::topics`].
    struct AlterReplicaLogDirTopic {
        name:       Str      [0..],
        partitions: Vec<i32> [0..],
    }

    /// The answer.
    response AlterReplicaLogDirsResponse [AlterReplicaLogDirs, versions 1..=2, flexible 2..] {
        throttle_time_ms: i32                                [0..],
        results:          Vec<AlterReplicaLogDirTopicResult> [0..],
    }

    /// One of [`AlterReplicaLogDirsResponse::results`].
    struct AlterReplicaLogDirTopicResult {
        topic_name: Str                                    [0..],
        partitions: Vec<AlterReplicaLogDirPartitionResult> [0..],
    }

    /// One of [`AlterReplicaLogDirTopicResult::partitions`].
    struct AlterReplicaLogDirPartitionResult {
        partition_index: i32       [0..],
        error_code:      ErrorCode [0..],
    }
}
