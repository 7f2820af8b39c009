//! DescribeQuorum: tells the state of the metadata quorum (KIP-595).
//!
//! Versions: 1 adds when replicas fetched last (KIP-836); 2 directories, endpoints and messages (KIP-853).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeQuorumRequest [DescribeQuorum => DescribeQuorumResponse, versions 0..=2, flexible 0..] {
        topics: Vec<TopicData> [0..],
    }

    /// One of [`DescribeQuorumRequest::topics`].
    struct TopicData {
        topic_name: Str                [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`TopicData::partitions`].
    struct PartitionData {
        partition_index: i32 [0..],
    }

    /// The answer.
    response DescribeQuorumResponse [DescribeQuorum, versions 0..=2, flexible 0..] {
        error_code:    ErrorCode              [0..],
        error_message: Option<Str>            [2.., nullable 2.., ignorable] = Some(Str::default()),
        topics:        Vec<TopicDataResponse> [0..],
        nodes:         Vec<Node>              [2..],
    }

    /// One of [`DescribeQuorumResponse::topics`].
    struct TopicDataResponse {
        topic_name: Str                        [0..],
        partitions: Vec<PartitionDataResponse> [0..],
    }

    /// One of [`TopicDataResponse::partitions`].
    struct PartitionDataResponse {
        partition_index: i32               [0..],
        error_code:      ErrorCode         [0..],
        error_message:   Option<Str>       [2.., nullable 2.., ignorable] = Some(Str::default()),
        leader_id:       i32               [0..],
        leader_epoch:    i32               [0..],
        high_watermark:  i64               [0..],
        current_voters:  Vec<ReplicaState> [0..],
        observers:       Vec<ReplicaState> [0..],
    }

    /// One of [`DescribeQuorumResponse::nodes`].
    struct Node {
        node_id:   i32           [2..],
        listeners: Vec<Listener> [2..],
    }

    /// One of [`Node::listeners`].
    struct Listener {
        name: Str [2..],
        host: Str [2..],
        port: u16 [2..],
    }

    /// A part that several structs of [`DescribeQuorumResponse`] share.
    struct ReplicaState {
        replica_id:               i32  [0..],
        replica_directory_id:     Uuid [2..],
        log_end_offset:           i64  [0..],
        last_fetch_timestamp:     i64  [1.., ignorable] = -1,
        last_caught_up_timestamp: i64  [1.., ignorable] = -1,
    }
}
