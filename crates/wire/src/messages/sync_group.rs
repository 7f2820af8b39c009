//! SyncGroup: hands the leader's assignment to the members of a classic group.
//!
//! Versions: 3 adds static members (KIP-345); 4 is flexible; 5 checks the protocol's type and name.

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request SyncGroupRequest [SyncGroup => SyncGroupResponse, versions 0..=5, flexible 4..] {
        group_id:          Str                             [0..],
        generation_id:     i32                             [0..],
        member_id:         Str                             [0..],
        group_instance_id: Option<Str>                     [3.., nullable 3..] = None,
        protocol_type:     Option<Str>                     [5.., nullable 5.., ignorable] = None,
        protocol_name:     Option<Str>                     [5.., nullable 5.., ignorable] = None,
        assignments:       Vec<SyncGroupRequestAssignment> [0..],
    }

    /// One of [`SyncGroupRequest::assignments`].
    struct SyncGroupRequestAssignment {
        member_id:  Str   [0..],
        assignment: Bytes [0..],
    }

    /// The answer.
    response SyncGroupResponse [SyncGroup, versions 0..=5, flexible 4..] {
        throttle_time_ms: i32         [1.., ignorable],
        error_code:       ErrorCode   [0..],
        protocol_type:    Option<Str> [5.., nullable 5.., ignorable] = None,
        protocol_name:    Option<Str> [5.., nullable 5.., ignorable] = None,
        assignment:       Bytes       [0..],
    }
}
