//! Messages from other nodes.

use std::sync::PoisonError;

use bytes::Bytes;
use openraft::async_runtime::WatchReceiver as _;
use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest, VoteRequest};

use super::Raft;
use super::codec::{Coded, Malformed, get_list};
use super::disk::Snapshot;
use super::follow::{self, Question};
use super::leadership::Voted;
use super::members::{self, Joining};
use super::network::{Head, Kind, Status, answer};
use super::piece::Piece;
use super::types::{Key, Types, Vote};
use crate::MetadataLog as _;

/// Answers one message.
pub(super) async fn receive(raft: &Raft, message: Bytes) -> Bytes {
    let mut body = &*message;
    let Ok(head) = Head::read(&mut body) else { return answer(Status::Failed, |_| {}) };
    let is_meant = match head.kind {
        Kind::Hello | Kind::Who => head.to.id == raft.own.id,
        Kind::Join | Kind::Follow => true,
        _ => head.to == raft.own,
    };
    if !is_meant {
        tracing::warn!(from = %head.from, to = %head.to, own = %raft.own, "a message for another voter came here");
        return answer(Status::NotForThisNode, |_| {});
    }
    match handle(raft, head, body).await {
        Ok(bytes) => answer(Status::Answered, |out| out.extend_from_slice(&bytes)),
        Err(error) => {
            tracing::warn!(from = %head.from, kind = ?head.kind, error, "a message of the quorum was not handled");
            answer(Status::Failed, |out| out.extend_from_slice(error.as_bytes()))
        }
    }
}

async fn handle(raft: &Raft, head: Head, body: &[u8]) -> Result<Vec<u8>, String> {
    let bad = |error: Malformed| error.to_string();
    let library = &raft.library.0;
    match head.kind {
        Kind::Append => {
            raft.heard.note();
            let request = AppendEntriesRequest::<Types>::from_bytes(body).map_err(bad)?;
            Ok(library.append_entries(request).await.map_err(|error| error.to_string())?.to_bytes())
        }
        Kind::Vote => {
            let mut request = VoteRequest::<Types>::from_bytes(body).map_err(bad)?;
            // A leader that is gone needs no lease.
            request.leadership_transfer |= leader_is_gone(raft, head.from).await;
            if raft.leadership.borrow().is_own {
                raft.heard.note();
            }
            let silence = raft.heard.sure_silence();
            let response = library.vote(request).await.map_err(|error| error.to_string())?;
            Ok(Voted { response, silence }.to_bytes())
        }
        Kind::PreVote => {
            let request = VoteRequest::<Types>::from_bytes(body).map_err(bad)?;
            Ok(library.pre_vote(request).await.map_err(|error| error.to_string())?.to_bytes())
        }
        Kind::Transfer => {
            let request = TransferLeaderRequest::<Types>::from_bytes(body).map_err(bad)?;
            raft.note_replaced();
            let taken = library.handle_transfer_leader(request).await.map_err(|error| error.to_string())?;
            Ok(taken.is_ok().to_bytes())
        }
        Kind::Snapshot => snapshot(raft, Piece::from_bytes(body).map_err(bad)?).await,
        Kind::Hello => {
            let theirs: Vec<i32> = get_list(&mut &*body).map_err(bad)?;
            let agrees = theirs == raft.founders;
            if !agrees {
                tracing::error!(?theirs, own = ?raft.founders, from = head.from.id, "two nodes name different voters; no quorum is founded");
            }
            let mut out = raft.own.to_bytes();
            (agrees && raft.store.0.is_empty()).put(&mut out);
            Ok(out)
        }
        Kind::Join => {
            let joining = Joining::from_bytes(body).map_err(bad)?;
            Ok(members::meet(raft, head.from, joining).await?.to_bytes())
        }
        Kind::Follow => {
            let question = Question::from_bytes(body).map_err(bad)?;
            Ok(follow::hand(raft, head.from, question).await.to_bytes())
        }
        Kind::Who => Ok(raft.own.to_bytes()),
    }
}

async fn leader_is_gone(raft: &Raft, candidate: Key) -> bool {
    let other = |id: i32| id != candidate.id && id != raft.own.id;
    match raft.leader().filter(|leader| other(leader.id)) {
        Some(leader) => {
            let is_gone = raft.transport.is_gone(leader).await;
            if is_gone {
                raft.note_replaced();
            }
            is_gone
        }
        None => false,
    }
}

/// No snapshot of the metadata is longer; a million partitions take a tenth of it.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

/// Takes a piece; the last one installs the whole.
async fn snapshot(raft: &Raft, piece: Piece) -> Result<Vec<u8>, String> {
    let own_vote = raft.library.0.metrics().borrow_watched().vote;
    if own_vote > piece.vote {
        return Ok(own_vote.to_bytes());
    }
    let whole = {
        let mut arriving = raft.arriving.lock().unwrap_or_else(PoisonError::into_inner);
        if piece.at == 0 {
            arriving.clear();
        }
        let end = piece.at.saturating_add(piece.bytes.len() as u64);
        if piece.total > SNAPSHOT_BYTES_MAX || end > piece.total {
            arriving.clear();
            return Err("a snapshot is longer than it may be".into());
        }
        if arriving.len() as u64 != piece.at {
            return Err("a piece of a snapshot is missing".into());
        }
        arriving.extend_from_slice(&piece.bytes);
        (arriving.len() as u64 >= piece.total).then(|| std::mem::take(&mut *arriving))
    };
    let Some(whole) = whole else { return Ok(piece.vote.to_bytes()) };
    let read = Snapshot::read(whole.into()).map_err(|error| error.to_string())?;
    let snapshot = openraft::Snapshot { meta: read.meta, snapshot: read.bytes };
    let answered = raft.library.0.install_full_snapshot(piece.vote, snapshot).await;
    let vote: Vote = answered.map_err(|error| error.to_string())?.vote;
    Ok(vote.to_bytes())
}
