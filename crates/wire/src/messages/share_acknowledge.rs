//! ShareAcknowledge: acknowledges records of a share group (KIP-932).
//!
//! Versions: 0 was an early access and is gone; 2 renews locks (KIP-1222).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ShareAcknowledgeRequest [ShareAcknowledge => ShareAcknowledgeResponse, versions 1..=2, flexible 0..] {
        group_id:            Option<Str>           [0.., nullable 0..] = None,
        member_id:           Option<Str>           [0.., nullable 0..] = Some(Str::default()),
        share_session_epoch: i32                   [0..],
        is_renew_ack:        bool                  [2..],
        topics:              Vec<AcknowledgeTopic> [0..],
    }

    /// One of [`ShareAcknowledgeRequest::topics`].
    struct AcknowledgeTopic {
        topic_id:   Uuid                      [0..],
        partitions: Vec<AcknowledgePartition> [0..],
    }

    /// One of [`AcknowledgeTopic::partitions`].
    struct AcknowledgePartition {
        partition_index:         i32                       [0..],
        acknowledgement_batches: Vec<AcknowledgementBatch> [0..],
    }

    /// One of [`AcknowledgePartition::acknowledgement_batches`].
    struct AcknowledgementBatch {
        first_offset:      i64     [0..],
        last_offset:       i64     [0..],
        acknowledge_types: Vec<i8> [0..],
    }

    /// The answer.
    response ShareAcknowledgeResponse [ShareAcknowledge, versions 1..=2, flexible 0..] {
        throttle_time_ms:            i32                                [0..],
        error_code:                  ErrorCode                          [0..],
        error_message:               Option<Str>                        [0.., nullable 0..] = None,
        acquisition_lock_timeout_ms: i32                                [2.., ignorable],
        responses:                   Vec<ShareAcknowledgeTopicResponse> [0..],
        node_endpoints:              Vec<NodeEndpoint>                  [0..],
    }

    /// One of [`ShareAcknowledgeResponse::responses`].
    struct ShareAcknowledgeTopicResponse {
        topic_id:   Uuid               [0..],
        partitions: Vec<PartitionData> [0..],
    }

    /// One of [`ShareAcknowledgeTopicResponse::partitions`].
    struct PartitionData {
        partition_index: i32              [0..],
        error_code:      ErrorCode        [0..],
        error_message:   Option<Str>      [0.., nullable 0..] = None,
        current_leader:  LeaderIdAndEpoch [0..],
    }

    /// What [`PartitionData::current_leader`] holds.
    struct LeaderIdAndEpoch {
        leader_id:    i32 [0..],
        leader_epoch: i32 [0..],
    }

    /// One of [`ShareAcknowledgeResponse::node_endpoints`].
    struct NodeEndpoint {
        node_id: i32         [0..],
        host:    Str         [0..],
        port:    i32         [0..],
        rack:    Option<Str> [0.., nullable 0..] = None,
    }
}
