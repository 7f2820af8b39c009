//! Who votes and who learns, changed while the quorum runs (KIP-853).
//!
//! A controller that is no member asks whoever it knows to be taken in; the leader makes it a learner, which follows without a
//! vote until somebody gives it one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Uuid;
use openraft::ChangeMembers;
use openraft::async_runtime::WatchReceiver as _;
use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};
use thiserror::Error;

use super::Raft;
use super::codec::{Coded, get_bytes, put_bytes};
use super::network::{Head, Kind, Lane, Peer, TransportError, read_answer};
use super::types::{Address, Key, Membership, Types};
use crate::{MetadataLog as _, Voter};

/// How long between two attempts to be taken in.
const RETRY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it is looked at how far a node has caught up that is to vote.
const CATCH_UP_LOOKS: Duration = Duration::from_millis(20);

/// A member that hears of no leader for so long may be none any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3);

/// A learner that did not answer for so long is taken off, as in Kafka; it asks again when it is back.
const SILENT_MAX: Duration = Duration::from_secs(300);

/// How often that is looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// At most this many nodes are members without a vote.
const LEARNERS_MAX: usize = 1_000;

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
    /// It took too long.
    #[error("not done in time: {0}")]
    Late(&'static str),
    /// The node does not answer.
    #[error("node {} does not answer at {}:{} ({problem}); it is to run before it is given a vote", .peer.id, .peer.host, .peer.port)]
    Unreached {
        /// Where it was looked for.
        peer: Peer,
        /// What came of it.
        problem: String,
    },
    /// Another directory than the one that was meant.
    #[error("node {0} has directory {1}, not {2}")]
    OtherDirectory(i32, Uuid, Uuid),
    /// Too few voters live.
    #[error(
        "with node {id} there would be {all} voters, of which {living} live: no majority; remove dead voters first"
    )]
    NoMajority {
        /// Who was to vote.
        id: i32,
        /// How many would vote.
        all: usize,
        /// How many of them live.
        living: usize,
    },
    /// It cannot be done now.
    #[error("{0}")]
    Failed(String),
}

impl Raft {
    /// Gives a node a vote, once it has caught up; gives up after `within`.
    pub async fn add_voter(&self, peer: Peer, directory: Uuid, within: Duration) -> Result<(), MemberError> {
        let key = Key { id: peer.id, directory };
        if self.membership().voter_ids().any(|voter| voter.id == key.id) {
            return Err(MemberError::Duplicate(key.id));
        }
        let until = Instant::now() + within;
        self.meets(&peer, key, within).await?;
        let was_member = self.membership().get_node(&key).is_some();
        let caught_up = self.catch_up(key, peer, until).await;
        if caught_up.is_err() && !was_member {
            let change = ChangeMembers::RemoveNodes(BTreeSet::from([key]));
            let library = self.library.clone();
            self.runtime.spawn(async move { library.0.change_membership(change, true).await.map(drop) });
        }
        caught_up?;
        self.would_have_majority(key)?;
        let change = ChangeMembers::AddVoterIds(BTreeSet::from([key]));
        let changed = self.library.0.change_membership(change, true);
        let left = until.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, changed).await {
            Ok(changed) => changed.map(drop).map_err(failed),
            Err(_) => {
                Err(MemberError::Late("it was given the vote, and a majority has not confirmed that yet"))
            }
        }
    }

    /// Makes sure that the node can be reached where it is said to be, and has the directory that is meant.
    async fn meets(&self, peer: &Peer, key: Key, within: Duration) -> Result<(), MemberError> {
        if key == self.own {
            return Ok(());
        }
        let to = Key { id: peer.id, directory: Uuid::ZERO };
        let message = Head { from: self.own, to, kind: Kind::Who }.message(|_| {});
        let asked = self.transport.exchange(peer.clone(), Lane::Control, message, within.min(PATIENCE));
        let unreached = |error: &dyn std::fmt::Display| MemberError::Unreached {
            peer: peer.clone(),
            problem: error.to_string(),
        };
        let answer = asked.await.map_err(|error| unreached(&error))?;
        let body = read_answer(&answer).map_err(|error| unreached(&error))?;
        let found = Key::from_bytes(body).map_err(|error| unreached(&error))?;
        match found == key {
            true => Ok(()),
            false => Err(MemberError::OtherDirectory(key.id, found.directory, key.directory)),
        }
    }

    /// Makes a node a learner if it is none, and waits until it has all that is committed now.
    async fn catch_up(&self, key: Key, peer: Peer, until: Instant) -> Result<(), MemberError> {
        let address = Address { host: peer.host, port: peer.port };
        if self.membership().get_node(&key) != Some(&address) {
            self.library.0.add_learner(key, address, false).await.map_err(failed)?;
        }
        let wanted = self.voters().high_watermark;
        loop {
            let has = {
                let metrics = self.library.0.metrics();
                let metrics = metrics.borrow_watched();
                let Some(all) = &metrics.replication else { return Err(MemberError::NotLeader) };
                all.get(&key).copied().flatten().map_or(0, |id| id.index + 1)
            };
            if has >= wanted {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(MemberError::Late("it has not caught up, and was given no vote"));
            }
            tokio::time::sleep(CATCH_UP_LOOKS).await;
        }
    }

    /// With one voter more, those who live must still be a majority: else nothing could be decided any more.
    fn would_have_majority(&self, key: Key) -> Result<(), MemberError> {
        let voters = self.voters().voters;
        let lives = |voter: &&Voter| voter.heard.is_some_and(|ago| ago < self.patience);
        let (all, living) = (voters.len() + 1, voters.iter().filter(lives).count() + 1);
        match living > all / 2 {
            true => Ok(()),
            false => Err(MemberError::NoMajority { id: key.id, all, living }),
        }
    }

    /// Takes a node's vote; it follows on without one.
    pub async fn remove_voter(&self, id: i32, directory: Uuid) -> Result<(), MemberError> {
        let key = Key { id, directory };
        let voters: BTreeSet<Key> = self.membership().voter_ids().collect();
        if !voters.contains(&key) {
            return Err(MemberError::NotFound(id, directory));
        }
        if voters.len() == 1 {
            return Err(MemberError::Last);
        }
        if key == self.own {
            // Whoever leads next takes the vote.
            self.hand_over().await;
            return Err(MemberError::NotLeader);
        }
        let change = ChangeMembers::RemoveVoters(BTreeSet::from([key]));
        self.library.0.change_membership(change, true).await.map_err(failed)?;
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
                if self.membership().nodes().count() >= voters.len() + LEARNERS_MAX {
                    return Err(MemberError::Failed("there are too many nodes without a vote".into()));
                }
                self.library.0.add_learner(key, address, false).await.map_err(failed)?;
                Ok(())
            }
        }
    }

    /// Takes learners off that did not answer for long.
    async fn sweep(&self) {
        if !self.leadership.borrow().is_own {
            return;
        }
        let led = self.led_for();
        let is_silent = |voter: &&Voter| voter.address.is_some() && voter.heard.unwrap_or(led) > SILENT_MAX;
        let silent: BTreeSet<Key> = self
            .voters()
            .observers
            .iter()
            .filter(is_silent)
            .map(|voter| Key { id: voter.id, directory: voter.directory })
            .collect();
        if !silent.is_empty() {
            tracing::info!(nodes = ?silent.iter().map(|key| key.id).collect::<Vec<_>>(), "took nodes without a vote off that do not answer");
            // Another change may be under way; it is tried again.
            let _ = self.library.0.change_membership(ChangeMembers::RemoveNodes(silent), true).await;
        }
    }

    fn membership(&self) -> Membership {
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

/// Takes learners off that are gone, for as long as this node runs.
pub(super) async fn keep_clean(raft: std::sync::Weak<Raft>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(raft) = raft.upgrade() else { return };
        raft.sweep().await;
    }
}

/// Asks to be taken in whenever this node is no member.
pub(super) async fn join(raft: Arc<Raft>, known: Vec<Peer>, own: Peer, cluster: String) {
    let (mut told, mut said) = (None, None);
    let mut turn = 0;
    loop {
        tokio::time::sleep(RETRY).await;
        // A node cannot see its own removal.
        let voters: Vec<Key> = raft.membership().voter_ids().collect();
        let is_forgotten = raft.heard.silence().is_none_or(|silence| silence > FORGOTTEN_AFTER);
        let is_member = raft.membership().get_node(&raft.own).is_some();
        if voters.contains(&raft.own) || is_member && !is_forgotten {
            tokio::time::sleep(PATIENCE).await;
            continue;
        }
        let place = known.get(turn % known.len().max(1)).cloned();
        let Some(next) = told.take().or(place) else { return };
        turn += 1;
        let joining =
            Joining { address: Address { host: own.host.clone(), port: own.port }, cluster: cluster.clone() };
        match ask(&raft, &next, &joining).await {
            Ok(leader) => told = leader.filter(|leader| *leader != next),
            Err(error) => {
                let error = error.to_string();
                if said.as_ref() != Some(&error) {
                    tracing::warn!(node = next.id, at = %format_args!("{}:{}", next.host, next.port), error, "asked in vain to be taken into the quorum");
                }
                said = Some(error);
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
