//! BrokerHeartbeat: tells the controller that a broker lives (KIP-631).
//!
//! Mekong's controllers say how long the session is by which they judge, so that no lease is longer than it; Kafka's do not.
//!
//! Versions: 1 adds offline log directories (KIP-858); 2 cordoned ones (KIP-1066).

use alloc::vec::Vec;

use base::Uuid;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request BrokerHeartbeatRequest [BrokerHeartbeat => BrokerHeartbeatResponse, versions 0..=2, flexible 0..] {
        broker_id:               i32  [0..],
        broker_epoch:            i64  [0..] = -1,
        current_metadata_offset: i64  [0..],
        want_fence:              bool [0..],
        want_shut_down:          bool [0..],
    } tagged {
        0 offline_log_dirs:  Vec<Uuid>         [1..],
        1 cordoned_log_dirs: Option<Vec<Uuid>> [2.., nullable 2..] = None,
    }

    /// The answer.
    response BrokerHeartbeatResponse [BrokerHeartbeat, versions 0..=2, flexible 0..] {
        throttle_time_ms: i32       [0..],
        error_code:       ErrorCode [0..],
        is_caught_up:     bool      [0..],
        is_fenced:        bool      [0..] = true,
        should_shut_down: bool      [0..],
    } tagged {
        10_000 session_ms: i32 [0.., ignorable] = -1,
    }
}
