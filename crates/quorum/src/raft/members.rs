//! Who votes and who learns, changed while the quorum runs (KIP-853).
//!
//! A controller that is no member asks whoever it knows to be taken in; the leader makes it a learner, which follows without a
//! vote until somebody gives it one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::Uuid;
use openraft::ChangeMembers;
use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};
use thiserror::Error;

use super::Raft;
use super::codec::{Coded, get_bytes, put_bytes};
use super::network::{Head, Kind, Lane, Peer, TransportError, read_answer};
use super::types::{Address, Key, Membership, Types};
use crate::MetadataLog as _;

/// How long between two attempts to be taken in.
const RETRY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(2);

/// Why the members did not change.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum MemberError {
    /// Another node leads.
    #[error("this node does not lead the quorum")]
    NotLeader,
    /// The id votes already.
    #[error("node {0} votes already")]
    Duplicate(i32),
    /// There is no such voter.
    #[error("no voter has id {0} and directory {1}")]
    NotFound(i32, Uuid),
    /// The last voter must stay.
    #[error("the last voter cannot be removed")]
    Last,
    /// An earlier change is not committed yet.
    #[error("another change of the voters is under way")]
    Busy,
    /// It cannot be done now.
    #[error("{0}")]
    Failed(String),
}

impl Raft {
    /// Gives a node a vote, once it has caught up.
    pub async fn add_voter(&self, peer: Peer, directory: Uuid) -> Result<(), MemberError> {
        let key = Key { id: peer.id, directory };
        if self.membership().voter_ids().any(|voter| voter.id == key.id) {
            return Err(MemberError::Duplicate(key.id));
        }
        let address = Address { host: peer.host, port: peer.port };
        let library = &self.library.0;
        library.add_learner(key, address, true).await.map_err(failed)?;
        let change = ChangeMembers::AddVoterIds(BTreeSet::from([key]));
        library.change_membership(change, true).await.map_err(failed)?;
        Ok(())
    }

    /// Takes a node's vote; it is no member any more.
    pub async fn remove_voter(&self, id: i32, directory: Uuid) -> Result<(), MemberError> {
        let key = Key { id, directory };
        let voters: BTreeSet<Key> = self.membership().voter_ids().collect();
        if !voters.contains(&key) {
            return Err(MemberError::NotFound(id, directory));
        }
        if voters.len() == 1 {
            return Err(MemberError::Last);
        }
        let change = ChangeMembers::RemoveVoters(BTreeSet::from([key]));
        self.library.0.change_membership(change, false).await.map_err(failed)?;
        Ok(())
    }

    /// Notes where a member listens now.
    pub async fn update_voter(&self, peer: Peer, directory: Uuid) -> Result<(), MemberError> {
        let key = Key { id: peer.id, directory };
        if !self.membership().voter_ids().any(|voter| voter == key) {
            return Err(MemberError::NotFound(peer.id, directory));
        }
        self.set_address(key, Address { host: peer.host, port: peer.port }).await
    }

    async fn set_address(&self, key: Key, address: Address) -> Result<(), MemberError> {
        let change = ChangeMembers::SetNodes(BTreeMap::from([(key, address)]));
        self.library.0.change_membership(change, true).await.map_err(failed)?;
        Ok(())
    }

    /// Takes a node in that asked for it; a learner it is until it is given a vote.
    pub(super) async fn take_in(&self, key: Key, address: Address) -> Result<(), MemberError> {
        match self.membership().get_node(&key) {
            Some(known) if *known == address => Ok(()),
            Some(_) => self.set_address(key, address).await,
            None => {
                // An earlier directory of the node that had no vote is gone for good.
                let voters: BTreeSet<Key> = self.membership().voter_ids().collect();
                let old: BTreeSet<Key> = self
                    .membership()
                    .nodes()
                    .map(|(node, _)| *node)
                    .filter(|node| node.id == key.id && !voters.contains(node))
                    .collect();
                if !old.is_empty() {
                    let change = ChangeMembers::RemoveNodes(old);
                    self.library.0.change_membership(change, true).await.map_err(failed)?;
                }
                self.library.0.add_learner(key, address, false).await.map_err(failed)?;
                Ok(())
            }
        }
    }

    fn membership(&self) -> Membership {
        use openraft::async_runtime::WatchReceiver as _;
        self.library.0.server_metrics().borrow_watched().membership_config.membership().clone()
    }
}

fn failed(error: RaftError<Types, ClientWriteError<Types>>) -> MemberError {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(_)) => MemberError::NotLeader,
        RaftError::APIError(ClientWriteError::ChangeMembershipError(ChangeMembershipError::InProgress(
            _,
        ))) => MemberError::Busy,
        other => MemberError::Failed(other.to_string()),
    }
}

/// What a node that wants to be taken in says of itself.
pub(super) struct Joining {
    pub address: Address,
    /// The cluster its directories belong to; empty if that is not known.
    pub cluster: String,
}

impl Coded for Joining {
    fn put(&self, out: &mut Vec<u8>) {
        self.address.put(out);
        put_bytes(self.cluster.as_bytes(), out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, super::codec::Malformed> {
        let address = Address::get(from)?;
        let cluster = String::from_utf8_lossy(get_bytes(from)?).into_owned();
        Ok(Self { address, cluster })
    }
}

/// Asks to be taken in until this node is a member.
pub(super) async fn join(raft: Arc<Raft>, known: Vec<Peer>, own: Peer, cluster: String) {
    let mut told = None;
    let mut turn = 0;
    loop {
        tokio::time::sleep(RETRY).await;
        if raft.membership().get_node(&raft.own).is_some() {
            return;
        }
        let place = known.get(turn % known.len().max(1)).cloned();
        let Some(next) = told.take().or(place) else { return };
        turn += 1;
        let joining =
            Joining { address: Address { host: own.host.clone(), port: own.port }, cluster: cluster.clone() };
        match ask(&raft, &next, &joining).await {
            Ok(leader) => told = leader.filter(|leader| *leader != next),
            Err(error) => {
                tracing::debug!(node = next.id, %error, "asked in vain to be taken into the quorum")
            }
        }
    }
}

/// Asks one node; it tells who leads.
async fn ask(raft: &Raft, next: &Peer, joining: &Joining) -> Result<Option<Peer>, TransportError> {
    let to = Key { id: next.id, directory: Uuid::ZERO };
    let message = Head { from: raft.own, to, kind: Kind::Join }.message(|out| joining.put(out));
    let answer = raft.transport.exchange(next.clone(), Lane::Control, message, PATIENCE).await?;
    Option::<Peer>::from_bytes(read_answer(&answer)?).map_err(|error| TransportError(error.to_string()))
}

impl Coded for Peer {
    fn put(&self, out: &mut Vec<u8>) {
        self.id.put(out);
        Address { host: self.host.clone(), port: self.port }.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, super::codec::Malformed> {
        let (id, address) = (i32::get(from)?, Address::get(from)?);
        Ok(Self { id, host: address.host, port: address.port })
    }
}

/// Meets a node that wants to be taken in; tells who leads.
pub(super) async fn meet(raft: &Raft, key: Key, joining: Joining) -> Result<Option<Peer>, String> {
    let own = raft.cluster.get().map(String::as_str).unwrap_or_default();
    if !joining.cluster.is_empty() && !own.is_empty() && joining.cluster != own {
        return Err(format!(
            "node {} belongs to cluster {}, and this quorum to {own}",
            key.id, joining.cluster
        ));
    }
    if raft.leadership.borrow().is_own {
        match raft.take_in(key, joining.address).await {
            Ok(()) => tracing::info!(node = %key, "took a node into the quorum, without a vote"),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(raft.leader())
}
