//! RemoveRaftVoter: removes a voter from the metadata quorum (KIP-853).

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request RemoveRaftVoterRequest [RemoveRaftVoter => RemoveRaftVoterResponse, versions 0..=0, flexible 0..] {
        cluster_id:         Option<Str> [0.., nullable 0..] = Some(Str::default()),
        voter_id:           i32         [0..],
        voter_directory_id: Uuid        [0..],
    }

    /// The answer.
    response RemoveRaftVoterResponse [RemoveRaftVoter, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32         [0..],
        error_code:       ErrorCode   [0..],
        error_message:    Option<Str> [0.., nullable 0.., ignorable] = Some(Str::default()),
    }
}
