//! Vote: asks for a vote in the metadata quorum (KIP-595).
//!
//! Versions: 1 adds voters' directories (KIP-853); 2 asks whether a vote would be given, before an election
//! (KIP-996).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request VoteRequest [Vote => VoteResponse, versions 0..=2, flexible 0..] {
        cluster_id: Option<Str>    [0.., nullable 0..] = None,
        voter_id:   i32            [1.., ignorable] = -1,
        topics:     Vec<TopicData> [0..],
    }

    /// One of [`VoteRequest::topics`].
    struct TopicData {
        topic_name: Str                [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`TopicData::partitions`].
    struct PartitionData {
        partition_index:      i32  [0..],
        replica_epoch:        i32  [0..],
        replica_id:           i32  [0..],
        replica_directory_id: Uuid [1.., ignorable],
        voter_directory_id:   Uuid [1.., ignorable],
        last_offset_epoch:    i32  [0..],
        last_offset:          i64  [0..],
        pre_vote:             bool [2..],
    }

    /// The answer.
    response VoteResponse [Vote, versions 0..=2, flexible 0..] {
        error_code: ErrorCode              [0..],
        topics:     Vec<TopicDataResponse> [0..],
    } tagged {
        0 node_endpoints: Vec<NodeEndpoint> [1..],
    }

    /// One of [`VoteResponse::topics`].
    struct TopicDataResponse {
        topic_name: Str                        [0..],
        partitions: Vec<PartitionDataResponse> [0..],
    }

    /// One of [`TopicDataResponse::partitions`].
    struct PartitionDataResponse {
        partition_index: i32       [0..],
        error_code:      ErrorCode [0..],
        leader_id:       i32       [0..],
        leader_epoch:    i32       [0..],
        vote_granted:    bool      [0..],
    }

    /// One of [`VoteResponse::node_endpoints`].
    struct NodeEndpoint {
        node_id: i32 [1..],
        host:    Str [1..],
        port:    u16 [1..],
    }
}
