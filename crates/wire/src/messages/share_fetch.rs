//! ShareFetch: acquires records of a share group, and acknowledges earlier ones (KIP-932).
//!
//! Versions: 0 was an early access and is gone; 2 adds the acquire mode and the renewal of locks (KIP-1206,
//! KIP-1222).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::{ErrorCode, Records};

crate::message! {
    /// The request.
    request ShareFetchRequest [ShareFetch => ShareFetchResponse, versions 1..=2, flexible 0..] {
        group_id:              Option<Str>         [0.., nullable 0..] = None,
        member_id:             Option<Str>         [0.., nullable 0..] = Some(Str::default()),
        share_session_epoch:   i32                 [0..],
        max_wait_ms:           i32                 [0..],
        min_bytes:             i32                 [0..],
        max_bytes:             i32                 [0..] = i32::MAX,
        max_records:           i32                 [1..],
        batch_size:            i32                 [1..],
        share_acquire_mode:    i8                  [2.., ignorable],
        is_renew_ack:          bool                [2..],
        topics:                Vec<FetchTopic>     [0..],
        forgotten_topics_data: Vec<ForgottenTopic> [0..],
    }

    /// One of [`ShareFetchRequest::topics`].
    struct FetchTopic {
        topic_id:   Uuid                [0..],
        partitions: Vec<FetchPartition> [0..],
    }

    /// One of [`FetchTopic::partitions`].
    struct FetchPartition {
        partition_index:         i32                       [0..],
        partition_max_bytes:     i32                       [0..=0],
        acknowledgement_batches: Vec<AcknowledgementBatch> [0..],
    }

    /// One of [`FetchPartition::acknowledgement_batches`].
    struct AcknowledgementBatch {
        first_offset:      i64     [0..],
        last_offset:       i64     [0..],
        acknowledge_types: Vec<i8> [0..],
    }

    /// One of [`ShareFetchRequest::forgotten_topics_data`].
    struct ForgottenTopic {
        topic_id:   Uuid     [0..],
        partitions: Vec<i32> [0..],
    }

    /// The answer.
    response ShareFetchResponse [ShareFetch, versions 1..=2, flexible 0..] {
        throttle_time_ms:            i32                              [0..],
        error_code:                  ErrorCode                        [0..],
        error_message:               Option<Str>                      [0.., nullable 0..] = None,
        acquisition_lock_timeout_ms: i32                              [1..],
        responses:                   Vec<ShareFetchableTopicResponse> [0..],
        node_endpoints:              Vec<NodeEndpoint>                [0..],
    }

    /// One of [`ShareFetchResponse::responses`].
    struct ShareFetchableTopicResponse {
        topic_id:   Uuid               [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`ShareFetchableTopicResponse::partitions`].
    struct PartitionData {
        partition_index:           i32                  [0..],
        error_code:                ErrorCode            [0..],
        error_message:             Option<Str>          [0.., nullable 0..] = None,
        acknowledge_error_code:    ErrorCode            [0..],
        acknowledge_error_message: Option<Str>          [0.., nullable 0..] = None,
        current_leader:            LeaderIdAndEpoch     [0..],
        records:                   Option<Records>      [0.., nullable 0..=0] = None,
        acquired_records:          Vec<AcquiredRecords> [0..],
    }

    /// What [`PartitionData::current_leader`] holds.
    struct LeaderIdAndEpoch {
        leader_id:    i32 [0..],
        leader_epoch: i32 [0..],
    }

    /// One of [`PartitionData::acquired_records`].
    struct AcquiredRecords {
        first_offset:   i64 [0..],
        last_offset:    i64 [0..],
        delivery_count: i16 [0..],
    }

    /// One of [`ShareFetchResponse::node_endpoints`].
    struct NodeEndpoint {
        node_id: i32         [0..],
        host:    Str         [0..],
        port:    i32         [0..],
        rack:    Option<Str> [0.., nullable 0..] = None,
    }
}
