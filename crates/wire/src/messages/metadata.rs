//! Metadata: tells which brokers there are, which topics, and who leads each partition.
//!
//! Versions: 1 tells the controller and racks, and lets null stand for all topics; 2 the cluster's id; 4
//! says whether topics may be created by asking; 5 offline replicas (KIP-112); 7 leader epochs (KIP-320); 8
//! operations allowed (KIP-430); 9 is flexible; 10 carries topic ids (KIP-516); 11 drops the cluster's
//! operations (KIP-700); 12 asks by topic id; 13 has an error of its own (KIP-1102).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request MetadataRequest [Metadata => MetadataResponse, versions 0..=13, flexible 9..] {
        topics:                                Option<Vec<MetadataRequestTopic>> [0.., nullable 1..] = Some(Vec::new()),
        allow_auto_topic_creation:             bool                              [4..] = true,
        include_cluster_authorized_operations: bool                              [8..=10],
        include_topic_authorized_operations:   bool                              [8..],
    }

    /// One of [`MetadataRequest::topics`].
    struct MetadataRequestTopic {
        topic_id: Uuid        [10.., ignorable],
        name:     Option<Str> [0.., nullable 10..] = Some(Str::default()),
    }

    /// The answer.
    response MetadataResponse [Metadata, versions 0..=13, flexible 9..] {
        throttle_time_ms:              i32                         [3.., ignorable],
        brokers:                       Vec<MetadataResponseBroker> [0..],
        cluster_id:                    Option<Str>                 [2.., nullable 2.., ignorable] = None,
        controller_id:                 i32                         [1.., ignorable] = -1,
        topics:                        Vec<MetadataResponseTopic>  [0..],
        cluster_authorized_operations: i32                         [8..=10] = i32::MIN,
        error_code:                    ErrorCode                   [13.., ignorable],
    }

    /// One of [`MetadataResponse::brokers`].
    struct MetadataResponseBroker {
        node_id: i32         [0..],
        host:    Str         [0..],
        port:    i32         [0..],
        rack:    Option<Str> [1.., nullable 1.., ignorable] = None,
    }

    /// One of [`MetadataResponse::topics`].
    struct MetadataResponseTopic {
        error_code:                  ErrorCode                      [0..],
        name:                        Option<Str>                    [0.., nullable 12..] = Some(Str::default()),
        topic_id:                    Uuid                           [10.., ignorable],
        is_internal:                 bool                           [1.., ignorable],
        partitions:                  Vec<MetadataResponsePartition> [0..],
        topic_authorized_operations: i32                            [8..] = i32::MIN,
    }

    /// One of [`MetadataResponseTopic::partitions`].
    struct MetadataResponsePartition {
        error_code:       ErrorCode [0..],
        partition_index:  i32       [0..],
        leader_id:        i32       [0..],
        leader_epoch:     i32       [7.., ignorable] = -1,
        replica_nodes:    Vec<i32>  [0..],
        isr_nodes:        Vec<i32>  [0..],
        offline_replicas: Vec<i32>  [5.., ignorable],
    }
}
