//! ElectLeaders: elects the preferred, or any, replica as leader (KIP-183).
//!
//! Versions: 1 adds unclean elections (KIP-460); 2 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ElectLeadersRequest [ElectLeaders => ElectLeadersResponse, versions 0..=2, flexible 2..] {
        election_type:    i8                           [1..],
        topic_partitions: Option<Vec<TopicPartitions>> [0.., nullable 0..] = Some(Vec::new()),
        timeout_ms:       i32                          [0..] = 60000,
    }

    /// One of [`ElectLeadersRequest::topic_partitions`].
    struct TopicPartitions {
        topic:      Str      [0..],
        partitions: Vec<i32> [0..],
    }

    /// The answer.
    response ElectLeadersResponse [ElectLeaders, versions 0..=2, flexible 2..] {
        throttle_time_ms:         i32                        [0..],
        error_code:               ErrorCode                  [1..],
        replica_election_results: Vec<ReplicaElectionResult> [0..],
    }

    /// One of [`ElectLeadersResponse::replica_election_results`].
    struct ReplicaElectionResult {
        topic:            Str                  [0..],
        partition_result: Vec<PartitionResult> [0..],
    }

    /// One of [`ReplicaElectionResult::partition_result`].
    struct PartitionResult {
        partition_id:  i32         [0..],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }
}
