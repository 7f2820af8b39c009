//! DescribeTopicPartitions: describes topics page by page, with eligible leader replicas (KIP-966).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeTopicPartitionsRequest [DescribeTopicPartitions => DescribeTopicPartitionsResponse, versions 0..=0, flexible 0..] {
        topics:                   Vec<TopicRequest> [0..],
        response_partition_limit: i32               [0..] = 2000,
        cursor:                   Option<Cursor>    [0.., nullable 0..] = None,
    }

    /// One of [`DescribeTopicPartitionsRequest::topics`].
    struct TopicRequest {
        name: Str [0..],
    }

    /// What [`DescribeTopicPartitionsRequest::cursor`] holds.
    struct Cursor {
        topic_name:      Str [0..],
        partition_index: i32 [0..],
    }

    /// The answer.
    response DescribeTopicPartitionsResponse [DescribeTopicPartitions, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                                       [0.., ignorable],
        topics:           Vec<DescribeTopicPartitionsResponseTopic> [0..],
        next_cursor:      Option<CursorResponse>                    [0.., nullable 0..] = None,
    }

    /// One of [`DescribeTopicPartitionsResponse::topics`].
    struct DescribeTopicPartitionsResponseTopic {
        error_code:                  ErrorCode                                     [0..],
        name:                        Option<Str>                                   [0.., nullable 0..] = Some(Str::default()),
        topic_id:                    Uuid                                          [0.., ignorable],
        is_internal:                 bool                                          [0.., ignorable],
        partitions:                  Vec<DescribeTopicPartitionsResponsePartition> [0..],
        topic_authorized_operations: i32                                           [0..] = i32::MIN,
    }

    /// One of [`DescribeTopicPartitionsResponseTopic::partitions`].
    struct DescribeTopicPartitionsResponsePartition {
        error_code:               ErrorCode        [0..],
        partition_index:          i32              [0..],
        leader_id:                i32              [0..],
        leader_epoch:             i32              [0.., ignorable] = -1,
        replica_nodes:            Vec<i32>         [0..],
        isr_nodes:                Vec<i32>         [0..],
        eligible_leader_replicas: Option<Vec<i32>> [0.., nullable 0..] = None,
        last_known_elr:           Option<Vec<i32>> [0.., nullable 0..] = None,
        offline_replicas:         Vec<i32>         [0.., ignorable],
    }

    /// What [`DescribeTopicPartitionsResponse::next_cursor`] holds.
    struct CursorResponse {
        topic_name:      Str [0..],
        partition_index: i32 [0..],
    }
}
