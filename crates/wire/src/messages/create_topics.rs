//! CreateTopics: creates topics.
//!
//! Versions: 0–1 are gone (4.0); 4 takes the broker's defaults for -1 (KIP-464); 5 is flexible and returns
//! the configs (KIP-525); 6 may answer a quota's error (KIP-599); 7 returns topic ids (KIP-516).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request CreateTopicsRequest [CreateTopics => CreateTopicsResponse, versions 2..=7, flexible 5..] {
        topics:        Vec<CreatableTopic> [0..],
        timeout_ms:    i32                 [0..] = 60000,
        validate_only: bool                [1..],
    }

    /// One of [`CreateTopicsRequest::topics`].
    struct CreatableTopic {
        name:               Str                             [0..],
        num_partitions:     i32                             [0..],
        replication_factor: i16                             [0..],
        assignments:        Vec<CreatableReplicaAssignment> [0..],
        configs:            Vec<CreatableTopicConfig>       [0..],
    }

    /// One of [`CreatableTopic::assignments`].
    struct CreatableReplicaAssignment {
        partition_index: i32      [0..],
        broker_ids:      Vec<i32> [0..],
    }

    /// One of [`CreatableTopic::configs`].
    struct CreatableTopicConfig {
        name:  Str         [0..],
        value: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }

    /// The answer.
    response CreateTopicsResponse [CreateTopics, versions 2..=7, flexible 5..] {
        throttle_time_ms: i32                       [2.., ignorable],
        topics:           Vec<CreatableTopicResult> [0..],
    }

    /// One of [`CreateTopicsResponse::topics`].
    struct CreatableTopicResult {
        name:               Str                                [0..],
        topic_id:           Uuid                               [7.., ignorable],
        error_code:         ErrorCode                          [0..],
        error_message:      Option<Str>                        [1.., nullable 1.., ignorable] = Some(Str::default()),
        num_partitions:     i32                                [5.., ignorable] = -1,
        replication_factor: i16                                [5.., ignorable] = -1,
        configs:            Option<Vec<CreatableTopicConfigs>> [5.., nullable 5.., ignorable] = Some(Vec::new()),
    } tagged {
        0 topic_config_error_code: ErrorCode [5.., ignorable],
    }

    /// One of [`CreatableTopicResult::configs`].
    struct CreatableTopicConfigs {
        name:          Str         [5..],
        value:         Option<Str> [5.., nullable 5..] = Some(Str::default()),
        read_only:     bool        [5..],
        config_source: i8          [5.., ignorable] = -1,
        is_sensitive:  bool        [5..],
    }
}
