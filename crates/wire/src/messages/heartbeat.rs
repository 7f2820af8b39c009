//! Heartbeat: keeps a member in its classic group.
//!
//! Versions: 3 adds static members (KIP-345); 4 is flexible.

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request HeartbeatRequest [Heartbeat => HeartbeatResponse, versions 0..=4, flexible 4..] {
        group_id:          Str         [0..],
        generation_id:     i32         [0..],
        member_id:         Str         [0..],
        group_instance_id: Option<Str> [3.., nullable 3..] = None,
    }

    /// The answer.
    response HeartbeatResponse [Heartbeat, versions 0..=4, flexible 4..] {
        throttle_time_ms: i32       [1.., ignorable],
        error_code:       ErrorCode [0..],
    }
}
