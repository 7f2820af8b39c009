//! Produce: appends record batches to partitions; answers with the offset each batch got, or with why it
//! was refused.
//!
//! Versions: 0–2 are gone (4.0), though brokers still advertise them for librdkafka's sake (KAFKA-18659); 3
//! brings batches of format v2 and transactions (KIP-98); 5 returns the log's start offset; 7 allows zstd
//! (KIP-110); 8 says which records were refused (KIP-467); 9 is flexible; 10 tells the new leader
//! (KIP-951); 11–12 belong to transactions of version 2 (KIP-890); 13 names topics by id (KIP-516).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::{ErrorCode, Records};

crate::message! {
    /// The request.
    request ProduceRequest [Produce => ProduceResponse, versions 3..=13, flexible 9..] {
        transactional_id: Option<Str>           [3.., nullable 3..] = None,
        acks:             i16                   [0..],
        timeout_ms:       i32                   [0..],
        topic_data:       Vec<TopicProduceData> [0..],
    }

    /// One of [`ProduceRequest::topic_data`].
    struct TopicProduceData {
        name:           Str                       [0..=12, ignorable],
        topic_id:       Uuid                      [13.., ignorable],
        partition_data: Vec<PartitionProduceData> [0..],
    }

    /// One of [`TopicProduceData::partition_data`].
    struct PartitionProduceData {
        index:   i32             [0..],
        records: Option<Records> [0.., nullable 0..] = None,
    }

    /// The answer.
    response ProduceResponse [Produce, versions 3..=13, flexible 9..] {
        responses:        Vec<TopicProduceResponse> [0..],
        throttle_time_ms: i32                       [1.., ignorable],
    } tagged {
        0 node_endpoints: Vec<NodeEndpoint> [10..],
    }

    /// One of [`ProduceResponse::responses`].
    struct TopicProduceResponse {
        name:                Str                           [0..=12, ignorable],
        topic_id:            Uuid                          [13.., ignorable],
        partition_responses: Vec<PartitionProduceResponse> [0..],
    }

    /// One of [`TopicProduceResponse::partition_responses`].
    struct PartitionProduceResponse {
        index:              i32                            [0..],
        error_code:         ErrorCode                      [0..],
        base_offset:        i64                            [0..],
        log_append_time_ms: i64                            [2.., ignorable] = -1,
        log_start_offset:   i64                            [5.., ignorable] = -1,
        record_errors:      Vec<BatchIndexAndErrorMessage> [8.., ignorable],
        error_message:      Option<Str>                    [8.., nullable 8.., ignorable] = None,
    } tagged {
        0 current_leader: LeaderIdAndEpoch [10..],
    }

    /// One of [`PartitionProduceResponse::record_errors`].
    struct BatchIndexAndErrorMessage {
        batch_index:               i32         [8..],
        batch_index_error_message: Option<Str> [8.., nullable 8..] = None,
    }

    /// What [`PartitionProduceResponse::current_leader`] holds.
    struct LeaderIdAndEpoch {
        leader_id:    i32 [10..] = -1,
        leader_epoch: i32 [10..] = -1,
    }

    /// One of [`ProduceResponse::node_endpoints`].
    struct NodeEndpoint {
        node_id: i32         [10..],
        host:    Str         [10..],
        port:    i32         [10..],
        rack:    Option<Str> [10.., nullable 10..] = None,
    }
}
