//! ShareGroupHeartbeat: joins, stays in and leaves a share group (KIP-932).
//!
//! Versions: 0 was an early access and is gone.

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ShareGroupHeartbeatRequest [ShareGroupHeartbeat => ShareGroupHeartbeatResponse, versions 1..=1, flexible 0..] {
        group_id:               Str              [0..],
        member_id:              Str              [0..],
        member_epoch:           i32              [0..],
        rack_id:                Option<Str>      [0.., nullable 0..] = None,
        subscribed_topic_names: Option<Vec<Str>> [0.., nullable 0..] = None,
    }

    /// The answer.
    response ShareGroupHeartbeatResponse [ShareGroupHeartbeat, versions 1..=1, flexible 0..] {
        throttle_time_ms:      i32                [0..],
        error_code:            ErrorCode          [0..],
        error_message:         Option<Str>        [0.., nullable 0..] = None,
        member_id:             Option<Str>        [0.., nullable 0..] = None,
        member_epoch:          i32                [0..],
        heartbeat_interval_ms: i32                [0..],
        assignment:            Option<Assignment> [0.., nullable 0..] = None,
    }

    /// What [`ShareGroupHeartbeatResponse::assignment`] holds.
    struct Assignment {
        topic_partitions: Vec<TopicPartitions> [0..],
    }

    /// A part that several structs of [`ShareGroupHeartbeatResponse`] share.
    struct TopicPartitions {
        topic_id:   Uuid     [0..],
        partitions: Vec<i32> [0..],
    }
}
