//! UpdateRaftVoter: changes a voter's endpoints (KIP-853).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request UpdateRaftVoterRequest [UpdateRaftVoter => UpdateRaftVoterResponse, versions 0..=0, flexible 0..] {
        cluster_id:             Option<Str>         [0.., nullable 0..] = Some(Str::default()),
        current_leader_epoch:   i32                 [0..],
        voter_id:               i32                 [0..],
        voter_directory_id:     Uuid                [0..],
        listeners:              Vec<Listener>       [0..],
        k_raft_version_feature: KRaftVersionFeature [0..],
    }

    /// One of [`UpdateRaftVoterRequest::listeners`].
    struct Listener {
        name: Str [0..],
        host: Str [0..],
        port: u16 [0..],
    }

    /// What [`UpdateRaftVoterRequest::k_raft_version_feature`] holds.
    struct KRaftVersionFeature {
        min_supported_version: i16 [0..],
        max_supported_version: i16 [0..],
    }

    /// The answer.
    response UpdateRaftVoterResponse [UpdateRaftVoter, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32       [0..],
        error_code:       ErrorCode [0..],
    } tagged {
        0 current_leader: CurrentLeader [0..],
    }

    /// What [`UpdateRaftVoterResponse::current_leader`] holds.
    struct CurrentLeader {
        leader_id:    i32 [0..] = -1,
        leader_epoch: i32 [0..] = -1,
        host:         Str [0..],
        port:         i32 [0..],
    }
}
