//! EndQuorumEpoch: tells voters that the leader resigns (KIP-595).
//!
//! Versions: 1 is flexible and adds voters' keys and endpoints (KIP-853).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request EndQuorumEpochRequest [EndQuorumEpoch => EndQuorumEpochResponse, versions 0..=1, flexible 1..] {
        cluster_id:       Option<Str>         [0.., nullable 0..] = None,
        topics:           Vec<TopicData>      [0..],
        leader_endpoints: Vec<LeaderEndpoint> [1.., ignorable],
    }

    /// One of [`EndQuorumEpochRequest::topics`].
    struct TopicData {
        topic_name: Str                [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`TopicData::partitions`].
    struct PartitionData {
        partition_index:      i32              [0..],
        leader_id:            i32              [0..],
        leader_epoch:         i32              [0..],
        preferred_successors: Vec<i32>         [0..=0, ignorable],
        preferred_candidates: Vec<ReplicaInfo> [1.., ignorable],
    }

    /// One of [`PartitionData::preferred_candidates`].
    struct ReplicaInfo {
        candidate_id:           i32  [1..],
        candidate_directory_id: Uuid [1..],
    }

    /// One of [`EndQuorumEpochRequest::leader_endpoints`].
    struct LeaderEndpoint {
        name: Str [1..],
        host: Str [1..],
        port: u16 [1..],
    }

    /// The answer.
    response EndQuorumEpochResponse [EndQuorumEpoch, versions 0..=1, flexible 1..] {
        error_code: ErrorCode              [0..],
        topics:     Vec<TopicDataResponse> [0..],
    } tagged {
        0 node_endpoints: Vec<NodeEndpoint> [1..],
    }

    /// One of [`EndQuorumEpochResponse::topics`].
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
    }

    /// One of [`EndQuorumEpochResponse::node_endpoints`].
    struct NodeEndpoint {
        node_id: i32 [1..],
        host:    Str [1..],
        port:    u16 [1..],
    }
}
