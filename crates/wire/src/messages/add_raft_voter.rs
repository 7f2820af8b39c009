//! AddRaftVoter: adds a voter to the metadata quorum (KIP-853).
//!
//! Versions: 1 may answer before the change is committed.

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AddRaftVoterRequest [AddRaftVoter => AddRaftVoterResponse, versions 0..=1, flexible 0..] {
        cluster_id:         Option<Str>   [0.., nullable 0..] = Some(Str::default()),
        timeout_ms:         i32           [0..],
        voter_id:           i32           [0..],
        voter_directory_id: Uuid          [0..],
        listeners:          Vec<Listener> [0..],
        ack_when_committed: bool          [1..] = true,
    }

    /// One of [`AddRaftVoterRequest::listeners`].
    struct Listener {
        name: Str [0..],
        host: Str [0..],
        port: u16 [0..],
    }

    /// The answer.
    response AddRaftVoterResponse [AddRaftVoter, versions 0..=1, flexible 0..] {
        throttle_time_ms: i32         [0..],
        error_code:       ErrorCode   [0..],
        error_message:    Option<Str> [0.., nullable 0.., ignorable] = Some(Str::default()),
    }
}
