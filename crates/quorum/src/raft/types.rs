//! What the Raft library is told of our types.

use std::fmt;
use std::sync::Arc;

use base::Uuid;
use metadata::Record;
use openraft::impls::leader_id_std::LeaderId;

/// A voter or learner: a node together with the directory that holds its vote and log. A node that comes back with an empty disk
/// is another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// The node's id.
    pub id: i32,
    /// The directory's identity.
    pub directory: Uuid,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.id, self.directory)
    }
}

/// Where a node listens for the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Records that are committed together.
#[derive(Clone, PartialEq, Debug)]
pub struct Proposal(pub Arc<Vec<Record>>);

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records", self.0.len())
    }
}

openraft::declare_raft_types!(
    pub Types:
        D = Proposal,
        R = u64,
        NodeId = Key,
        Node = Address,
        LeaderId = LeaderId<u64, Key>,
        AsyncRuntime = openraft_rt_tokio::TokioRuntime,
);

/// Raft's vote: a term and who was voted for.
pub type Vote = openraft::alias::VoteOf<Types>;
/// The place of an entry: term and index.
pub type LogId = openraft::alias::LogIdOf<Types>;
/// An entry of the log.
pub type Entry = openraft::alias::EntryOf<Types>;
/// What an entry holds.
pub type Payload = openraft::alias::PayloadOf<Types>;
/// Who votes and who learns.
pub type Membership = openraft::Membership<Key, Address>;
/// The same with its place in the log.
pub type StoredMembership = openraft::alias::StoredMembershipOf<Types>;
/// What a snapshot covers.
pub type SnapshotMeta = openraft::alias::SnapshotMetaOf<Types>;
