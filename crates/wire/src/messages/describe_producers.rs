//! DescribeProducers: tells the producers a partition knows (KIP-664).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeProducersRequest [DescribeProducers => DescribeProducersResponse, versions 0..=0, flexible 0..] {
        topics: Vec<TopicRequest> [0..],
    }

    /// One of [`DescribeProducersRequest::topics`].
    struct TopicRequest {
        name:              Str      [0..],
        partition_indexes: Vec<i32> [0..],
    }

    /// The answer.
    response DescribeProducersResponse [DescribeProducers, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                [0..],
        topics:           Vec<TopicResponse> [0..],
    }

    /// One of [`DescribeProducersResponse::topics`].
    struct TopicResponse {
        name:       Str                    [0..],
        partitions: Vec<PartitionResponse> [0..],
    }

    /// One of [`TopicResponse::partitions`].
    struct PartitionResponse {
        partition_index:  i32                [0..],
        error_code:       ErrorCode          [0..],
        error_message:    Option<Str>        [0.., nullable 0..] = None,
        active_producers: Vec<ProducerState> [0..],
    }

    /// One of [`PartitionResponse::active_producers`].
    struct ProducerState {
        producer_id:              i64 [0..],
        producer_epoch:           i32 [0..],
        last_sequence:            i32 [0..] = -1,
        last_timestamp:           i64 [0..] = -1,
        coordinator_epoch:        i32 [0..],
        current_txn_start_offset: i64 [0..] = -1,
    }
}
