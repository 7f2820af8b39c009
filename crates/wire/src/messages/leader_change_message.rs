//! LeaderChangeMessage: the control record with which a leader of the metadata quorum begins its epoch
//! (KIP-595).
//!
//! Versions: 1 adds directories (KIP-853).

use alloc::vec::Vec;

use base::Uuid;

crate::message! {
    /// The record.
    data LeaderChangeMessage [versions 0..=1, flexible 0..] {
        version:         i16        [0..],
        leader_id:       i32        [0..],
        voters:          Vec<Voter> [0..],
        granting_voters: Vec<Voter> [0..],
    }

    /// A part that several structs of [`LeaderChangeMessage`] share.
    struct Voter {
        voter_id:           i32  [0..],
        voter_directory_id: Uuid [1..],
    }
}
