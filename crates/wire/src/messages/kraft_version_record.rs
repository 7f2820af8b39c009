//! KRaftVersionRecord: the control record that tells the version of the quorum's protocol (KIP-853).

crate::message! {
    /// The record.
    data KRaftVersionRecord [versions 0..=0, flexible 0..] {
        version:        i16 [0..],
        k_raft_version: i16 [0..],
    }
}
