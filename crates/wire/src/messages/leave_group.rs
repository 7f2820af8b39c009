//! LeaveGroup: takes members out of a classic group.
//!
//! Versions: 3 takes many, static ones too (KIP-345); 4 is flexible; 5 carries the reason (KIP-800).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request LeaveGroupRequest [LeaveGroup => LeaveGroupResponse, versions 0..=5, flexible 4..] {
        group_id:  Str                 [0..],
        member_id: Str                 [0..=2],
        members:   Vec<MemberIdentity> [3..],
    }

    /// One of [`LeaveGroupRequest::members`].
    struct MemberIdentity {
        member_id:         Str         [3..],
        group_instance_id: Option<Str> [3.., nullable 3..] = None,
        reason:            Option<Str> [5.., nullable 5.., ignorable] = None,
    }

    /// The answer.
    response LeaveGroupResponse [LeaveGroup, versions 0..=5, flexible 4..] {
        throttle_time_ms: i32                 [1.., ignorable],
        error_code:       ErrorCode           [0..],
        members:          Vec<MemberResponse> [3..],
    }

    /// One of [`LeaveGroupResponse::members`].
    struct MemberResponse {
        member_id:         Str         [3..],
        group_instance_id: Option<Str> [3.., nullable 3..] = Some(Str::default()),
        error_code:        ErrorCode   [3..],
    }
}
