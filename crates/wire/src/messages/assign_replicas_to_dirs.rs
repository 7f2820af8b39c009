//! AssignReplicasToDirs: tells the controller in which directory replicas lie (KIP-858).

use alloc::vec::Vec;

use base::Uuid;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AssignReplicasToDirsRequest [AssignReplicasToDirs => AssignReplicasToDirsResponse, versions 0..=0, flexible 0..] {
        broker_id:    i32                [0..],
        broker_epoch: i64                [0..] = -1,
        directories:  Vec<DirectoryData> [0..],
    }

    /// One of [`AssignReplicasToDirsRequest::directories`].
    struct DirectoryData {
        id:     Uuid           [0..],
        topics: Vec<TopicData> [0..],
    }

    /// One of [`DirectoryData::topics`].
    struct TopicData {
        topic_id:   Uuid               [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`TopicData::partitions`].
    struct PartitionData {
        partition_index: i32 [0..],
    }

    /// The answer.
    response AssignReplicasToDirsResponse [AssignReplicasToDirs, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                        [0..],
        error_code:       ErrorCode                  [0..],
        directories:      Vec<DirectoryDataResponse> [0..],
    }

    /// One of [`AssignReplicasToDirsResponse::directories`].
    struct DirectoryDataResponse {
        id:     Uuid                   [0..],
        topics: Vec<TopicDataResponse> [0..],
    }

    /// One of [`DirectoryDataResponse::topics`].
    struct TopicDataResponse {
        topic_id:   Uuid                       [0..],
        partitions: Vec<PartitionDataResponse> [0..],
    }

    /// One of [`TopicDataResponse::partitions`].
    struct PartitionDataResponse {
        partition_index: i32       [0..],
        error_code:      ErrorCode [0..],
    }
}
