//! JoinGroup: joins a classic group and waits until its members are known.
//!
//! Versions: 1 adds the rebalance timeout (KIP-62); 4 answers with a member id to join with (KIP-394); 5
//! static members (KIP-345); 6 is flexible; 7 tells the protocol's type; 8 carries the reason (KIP-800); 9
//! lets a returning leader skip the assignment (KIP-814).

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request JoinGroupRequest [JoinGroup => JoinGroupResponse, versions 0..=9, flexible 6..] {
        group_id:             Str                           [0..],
        session_timeout_ms:   i32                           [0..],
        rebalance_timeout_ms: i32                           [1.., ignorable] = -1,
        member_id:            Str                           [0..],
        group_instance_id:    Option<Str>                   [5.., nullable 5..] = None,
        protocol_type:        Str                           [0..],
        protocols:            Vec<JoinGroupRequestProtocol> [0..],
        reason:               Option<Str>                   [8.., nullable 8.., ignorable] = None,
    }

    /// One of [`JoinGroupRequest::protocols`].
    struct JoinGroupRequestProtocol {
        name:     Str   [0..],
        metadata: Bytes [0..],
    }

    /// The answer.
    response JoinGroupResponse [JoinGroup, versions 0..=9, flexible 6..] {
        throttle_time_ms: i32                          [2.., ignorable],
        error_code:       ErrorCode                    [0..],
        generation_id:    i32                          [0..] = -1,
        protocol_type:    Option<Str>                  [7.., nullable 7.., ignorable] = None,
        protocol_name:    Option<Str>                  [0.., nullable 7..] = Some(Str::default()),
        leader:           Str                          [0..],
        skip_assignment:  bool                         [9..],
        member_id:        Str                          [0..],
        members:          Vec<JoinGroupResponseMember> [0..],
    }

    /// One of [`JoinGroupResponse::members`].
    struct JoinGroupResponseMember {
        member_id:         Str         [0..],
        group_instance_id: Option<Str> [5.., nullable 5.., ignorable] = None,
        metadata:          Bytes       [0..],
    }
}
