//! AlterPartition: a leader's proposal of in-sync replicas to the controller (KIP-497).
//!
//! Versions: 0–1 are gone (4.0); 2 names topics by id (KIP-841); 3 adds the epochs of brokers (KIP-903).

use alloc::vec::Vec;

use base::Uuid;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AlterPartitionRequest [AlterPartition => AlterPartitionResponse, versions 2..=3, flexible 0..] {
        broker_id:    i32            [0..],
        broker_epoch: i64            [0..] = -1,
        topics:       Vec<TopicData> [0..],
    }

    /// One of [`AlterPartitionRequest::topics`].
    struct TopicData {
        topic_id:   Uuid               [2.., ignorable],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`TopicData::partitions`].
    struct PartitionData {
        partition_index:       i32              [0..],
        leader_epoch:          i32              [0..],
        new_isr:               Vec<i32>         [0..=2],
        new_isr_with_epochs:   Vec<BrokerState> [3..],
        leader_recovery_state: i8               [1..],
        partition_epoch:       i32              [0..],
    }

    /// One of [`PartitionData::new_isr_with_epochs`].
    struct BrokerState {
        broker_id:    i32 [3..],
        broker_epoch: i64 [3..] = -1,
    }

    /// The answer.
    response AlterPartitionResponse [AlterPartition, versions 2..=3, flexible 0..] {
        throttle_time_ms: i32                    [0..],
        error_code:       ErrorCode              [0..],
        topics:           Vec<TopicDataResponse> [0..],
    }

    /// One of [`AlterPartitionResponse::topics`].
    struct TopicDataResponse {
        topic_id:   Uuid                       [2.., ignorable],
        partitions: Vec<PartitionDataResponse> [0..],
    }

    /// One of [`TopicDataResponse::partitions`].
    struct PartitionDataResponse {
        partition_index:       i32       [0..],
        error_code:            ErrorCode [0..],
        leader_id:             i32       [0..],
        leader_epoch:          i32       [0..],
        isr:                   Vec<i32>  [0..],
        leader_recovery_state: i8        [1.., ignorable],
        partition_epoch:       i32       [0..],
    }
}
