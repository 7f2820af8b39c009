//! The library's calls to other nodes, as messages over a [`Transport`].
//!
//! ```text
//! message := magic "MKRQ" version (u8, 1) from (key) to (key) kind (u8) body
//! answer  := magic "MKRA" version (u8, 1) status (u8) body
//! ```
//!
//! The body is that of the kind: a vote, entries, a piece of a snapshot. Statuses: 0 answered, 1 not for this node, 2 failed (the body says
//! why).

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::alias::VoteOf;
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory, RaftNetworkV2};

use super::codec::{Coded, Malformed, get_list, put_list};
use super::leadership::{Heard, Voted};
use super::piece::Piece;
use super::types::{Address, Key, LogId, Types, Vote};
use crate::Pending;

const ASKS: [u8; 4] = *b"MKRQ";
const ANSWERS: [u8; 4] = *b"MKRA";
const VERSION: u8 = 1;

/// A connection on which nothing is answered for this long is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A snapshot travels in pieces of this size.
const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// Which of the connections to a node a message takes, so that small ones do not wait behind large ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// Votes and heartbeats.
    Control,
    /// Entries.
    Entries,
    /// Snapshots.
    Bulk,
}

/// A node to send to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its id.
    pub id: i32,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Why a message was not answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// How messages reach other nodes.
pub trait Transport: Send + Sync + Debug + 'static {
    /// Sends a message and waits for its answer, no longer than `within`.
    fn exchange(
        &self,
        to: Peer,
        lane: Lane,
        message: Bytes,
        within: Duration,
    ) -> Pending<'static, Result<Bytes, TransportError>>;

    /// Whether the node's process is certainly gone: its machine refuses to connect.
    fn is_gone(&self, peer: Peer) -> Pending<'static, bool>;
}

/// The kinds of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Append = 1,
    Vote = 2,
    PreVote = 3,
    Snapshot = 4,
    Transfer = 5,
    Hello = 6,
    Join = 7,
    Follow = 8,
    Who = 9,
}

impl Kind {
    fn of(code: u8) -> Result<Self, Malformed> {
        let all = [
            Self::Append,
            Self::Vote,
            Self::PreVote,
            Self::Snapshot,
            Self::Transfer,
            Self::Hello,
            Self::Join,
            Self::Follow,
            Self::Who,
        ];
        all.into_iter().find(|kind| *kind as u8 == code).ok_or(Malformed)
    }
}

/// What stands before a message's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub from: Key,
    pub to: Key,
    pub kind: Kind,
}

impl Head {
    pub fn message(self, put: impl FnOnce(&mut Vec<u8>)) -> Bytes {
        let mut out = ASKS.to_vec();
        VERSION.put(&mut out);
        self.from.put(&mut out);
        self.to.put(&mut out);
        (self.kind as u8).put(&mut out);
        put(&mut out);
        out.into()
    }

    pub fn read(from: &mut &[u8]) -> Result<Self, Malformed> {
        if super::codec::take(from)? != ASKS || u8::get(from)? != VERSION {
            return Err(Malformed);
        }
        Ok(Self { from: Key::get(from)?, to: Key::get(from)?, kind: Kind::of(u8::get(from)?)? })
    }
}

/// How a message was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    Answered = 0,
    NotForThisNode = 1,
    Failed = 2,
}

pub(super) fn answer(status: Status, put: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = ANSWERS.to_vec();
    VERSION.put(&mut out);
    (status as u8).put(&mut out);
    put(&mut out);
    out.into()
}

/// The body of an answer, or what was said instead.
pub(super) fn read_answer(mut from: &[u8]) -> Result<&[u8], TransportError> {
    let bad = |_| TransportError("an answer that is none of the quorum's".into());
    if super::codec::take(&mut from).map_err(bad)? != ANSWERS || u8::get(&mut from).map_err(bad)? != VERSION {
        return Err(bad(Malformed));
    }
    match u8::get(&mut from).map_err(bad)? {
        0 => Ok(from),
        1 => Err(TransportError("the node has another directory than the voter that was meant".into())),
        _ if from.is_empty() => Err(TransportError("the node could not answer".into())),
        _ => Err(TransportError(String::from_utf8_lossy(from).into_owned())),
    }
}

impl Coded for AppendEntriesRequest<Types> {
    fn put(&self, out: &mut Vec<u8>) {
        self.vote.put(out);
        self.prev_log_id.put(out);
        put_list(self.entries.iter(), out);
        self.leader_commit.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self {
            vote: Vote::get(from)?,
            prev_log_id: Option::get(from)?,
            entries: get_list(from)?,
            leader_commit: Option::get(from)?,
        })
    }
}

impl Coded for AppendEntriesResponse<Types> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Success => 0u8.put(out),
            Self::PartialSuccess(upto) => {
                1u8.put(out);
                upto.put(out);
            }
            Self::Conflict => 2u8.put(out),
            Self::HigherVote(vote) => {
                3u8.put(out);
                vote.put(out);
            }
        }
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        match u8::get(from)? {
            0 => Ok(Self::Success),
            1 => Ok(Self::PartialSuccess(Option::<LogId>::get(from)?)),
            2 => Ok(Self::Conflict),
            3 => Ok(Self::HigherVote(Vote::get(from)?)),
            _ => Err(Malformed),
        }
    }
}

impl Coded for VoteRequest<Types> {
    fn put(&self, out: &mut Vec<u8>) {
        self.vote.put(out);
        self.last_log_id.put(out);
        self.leadership_transfer.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let mut request = Self::new(Vote::get(from)?, Option::get(from)?);
        request.leadership_transfer = bool::get(from)?;
        Ok(request)
    }
}

impl Coded for VoteResponse<Types> {
    fn put(&self, out: &mut Vec<u8>) {
        self.vote.put(out);
        self.vote_granted.put(out);
        self.last_log_id.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let (vote, granted) = (Vote::get(from)?, bool::get(from)?);
        Ok(Self::new(vote, Option::get(from)?, granted))
    }
}

impl Coded for TransferLeaderRequest<Types> {
    fn put(&self, out: &mut Vec<u8>) {
        self.from_leader().put(out);
        self.to_node_id().put(out);
        self.last_log_id().copied().put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self::new(Vote::get(from)?, Key::get(from)?, Option::get(from)?))
    }
}

/// Makes the library's clients.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub own: Key,
    pub transport: Arc<dyn Transport>,
    /// What voters said of the leader before.
    pub heard: Arc<Heard>,
}

impl Network {
    fn link(&self, target: Key, node: &Address, lane: Lane) -> Link {
        let peer = Peer { id: target.id, host: node.host.clone(), port: node.port };
        Link { network: self.clone(), target, peer, lane }
    }
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Link;

    async fn new_client(&mut self, target: Key, node: &Address) -> Link {
        self.link(target, node, Lane::Entries)
    }

    async fn new_heartbeat_client(&mut self, target: Key, node: &Address) -> Link {
        self.link(target, node, Lane::Control)
    }

    async fn new_snapshot_client(&mut self, target: Key, node: &Address) -> Link {
        self.link(target, node, Lane::Bulk)
    }
}

/// The way to one node.
#[derive(Clone, Debug)]
pub(super) struct Link {
    network: Network,
    target: Key,
    peer: Peer,
    lane: Lane,
}

impl Link {
    async fn ask<A: Coded>(
        &self,
        kind: Kind,
        body: &impl Coded,
        within: Duration,
    ) -> Result<A, TransportError> {
        let head = Head { from: self.network.own, to: self.target, kind };
        let message = head.message(|out| body.put(out));
        let lane = match kind {
            Kind::Vote | Kind::PreVote | Kind::Transfer => Lane::Control,
            _ => self.lane,
        };
        // The library gives up sooner where it must; a late answer is no reason to give the connection up.
        let within = within.max(ANSWER_WITHIN);
        let answer = self.network.transport.exchange(self.peer.clone(), lane, message, within).await?;
        let body = read_answer(&answer)?;
        A::from_bytes(body).map_err(|error| TransportError(error.to_string()))
    }
}

fn unreachable(error: TransportError) -> RPCError<Types> {
    RPCError::Unreachable(Unreachable::new(&error))
}

impl RaftNetworkV2<Types> for Link {
    type SnapshotData = Bytes;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        self.ask(Kind::Append, &request, option.hard_ttl()).await.map_err(unreachable)
    }

    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let voted: Voted = self.ask(Kind::Vote, &request, option.hard_ttl()).await.map_err(unreachable)?;
        if voted.response.vote_granted {
            self.network.heard.note_vote(request.vote.leader_id.term, voted.silence);
        }
        Ok(voted.response)
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        self.ask(Kind::PreVote, &request, option.hard_ttl()).await.map_err(unreachable)
    }

    async fn full_snapshot(
        &mut self,
        vote: VoteOf<Types>,
        snapshot: openraft::alias::SnapshotOf<Types, Bytes>,
        _cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let (bytes, mut at) = (snapshot.snapshot, 0);
        loop {
            let to = (at + PIECE_BYTES).min(bytes.len());
            let piece = Piece { vote, at: at as u64, total: bytes.len() as u64, bytes: bytes.slice(at..to) };
            let within = option.hard_ttl().max(Duration::from_secs(10));
            let answered: Vote = self
                .ask(Kind::Snapshot, &piece, within)
                .await
                .map_err(|error| StreamingError::Unreachable(Unreachable::new(&error)))?;
            at = to;
            if at >= bytes.len() || answered > vote {
                return Ok(SnapshotResponse::new(answered));
            }
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RPCError<Types>> {
        let taken: bool = self.ask(Kind::Transfer, &request, option.hard_ttl()).await.map_err(unreachable)?;
        if taken { Ok(Ok(())) } else { Err(unreachable(TransportError("the transfer was refused".into()))) }
    }
}
