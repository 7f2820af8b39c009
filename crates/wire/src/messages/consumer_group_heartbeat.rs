//! ConsumerGroupHeartbeat: joins, stays in and leaves a group of the new protocol (KIP-848).
//!
//! Versions: 1 adds regular expressions, and lets clients make their member ids (KIP-1082).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ConsumerGroupHeartbeatRequest [ConsumerGroupHeartbeat => ConsumerGroupHeartbeatResponse, versions 0..=1, flexible 0..] {
        group_id:               Str                          [0..],
        member_id:              Str                          [0..],
        member_epoch:           i32                          [0..],
        instance_id:            Option<Str>                  [0.., nullable 0..] = None,
        rack_id:                Option<Str>                  [0.., nullable 0..] = None,
        rebalance_timeout_ms:   i32                          [0..] = -1,
        subscribed_topic_names: Option<Vec<Str>>             [0.., nullable 0..] = None,
        subscribed_topic_regex: Option<Str>                  [1.., nullable 1..] = None,
        server_assignor:        Option<Str>                  [0.., nullable 0..] = None,
        topic_partitions:       Option<Vec<TopicPartitions>> [0.., nullable 0..] = None,
    }

    /// One of [`ConsumerGroupHeartbeatRequest::topic_partitions`].
    struct TopicPartitions {
        topic_id:   Uuid     [0..],
        partitions: Vec<i32> [0..],
    }

    /// The answer.
    response ConsumerGroupHeartbeatResponse [ConsumerGroupHeartbeat, versions 0..=1, flexible 0..] {
        throttle_time_ms:      i32                [0..],
        error_code:            ErrorCode          [0..],
        error_message:         Option<Str>        [0.., nullable 0..] = None,
        member_id:             Option<Str>        [0.., nullable 0..] = None,
        member_epoch:          i32                [0..],
        heartbeat_interval_ms: i32                [0..],
        assignment:            Option<Assignment> [0.., nullable 0..] = None,
    }

    /// What [`ConsumerGroupHeartbeatResponse::assignment`] holds.
    struct Assignment {
        topic_partitions: Vec<TopicPartitionsResponse> [0..],
    }

    /// A part that several structs of [`ConsumerGroupHeartbeatResponse`] share.
    struct TopicPartitionsResponse {
        topic_id:   Uuid     [0..],
        partitions: Vec<i32> [0..],
    }
}
