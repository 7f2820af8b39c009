//! ShareGroupDescribe: describes share groups (KIP-932).
//!
//! Versions: 0 was an early access and is gone.

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ShareGroupDescribeRequest [ShareGroupDescribe => ShareGroupDescribeResponse, versions 1..=1, flexible 0..] {
        group_ids:                     Vec<Str> [0..],
        include_authorized_operations: bool     [0..],
    }

    /// The answer.
    response ShareGroupDescribeResponse [ShareGroupDescribe, versions 1..=1, flexible 0..] {
        throttle_time_ms: i32                 [0..],
        groups:           Vec<DescribedGroup> [0..],
    }

    /// One of [`ShareGroupDescribeResponse::groups`].
    struct DescribedGroup {
        error_code:            ErrorCode   [0..],
        error_message:         Option<Str> [0.., nullable 0..] = None,
        group_id:              Str         [0..],
        group_state:           Str         [0..],
        group_epoch:           i32         [0..],
        assignment_epoch:      i32         [0..],
        assignor_name:         Str         [0..],
        members:               Vec<Member> [0..],
        authorized_operations: i32         [0..] = i32::MIN,
    }

    /// One of [`DescribedGroup::members`].
    struct Member {
        member_id:              Str         [0..],
        rack_id:                Option<Str> [0.., nullable 0..] = None,
        member_epoch:           i32         [0..],
        client_id:              Str         [0..],
        client_host:            Str         [0..],
        subscribed_topic_names: Vec<Str>    [0..],
        assignment:             Assignment  [0..],
    }

    /// A part that several structs of [`ShareGroupDescribeResponse`] share.
    struct TopicPartitions {
        topic_id:   Uuid     [0..],
        topic_name: Str      [0..],
        partitions: Vec<i32> [0..],
    }

    /// A part that several structs of [`ShareGroupDescribeResponse`] share.
    struct Assignment {
        topic_partitions: Vec<TopicPartitions> [0..],
    }
}
