//! VotersRecord: the control record that tells the voters of the metadata quorum (KIP-853).

use alloc::vec::Vec;

use base::{Str, Uuid};

crate::message! {
    /// The record.
    data VotersRecord [versions 0..=0, flexible 0..] {
        version: i16        [0..],
        voters:  Vec<Voter> [0..],
    }

    /// One of [`VotersRecord::voters`].
    struct Voter {
        voter_id:               i32                 [0..],
        voter_directory_id:     Uuid                [0..],
        endpoints:              Vec<Endpoint>       [0..],
        k_raft_version_feature: KRaftVersionFeature [0..],
    }

    /// One of [`Voter::endpoints`].
    struct Endpoint {
        name: Str [0..],
        host: Str [0..],
        port: u16 [0..],
    }

    /// What [`Voter::k_raft_version_feature`] holds.
    struct KRaftVersionFeature {
        min_supported_version: i16 [0..],
        max_supported_version: i16 [0..],
    }
}
