//! How a quorum of named voters comes to be.
//!
//! The voter with the lowest id asks all others who they are. When all have answered, and none of them holds anything, it founds the
//! quorum of exactly these nodes and directories. A voter that lost its disk finds others that hold something, and founds nothing;
//! a voter that is not there yet is waited for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::Uuid;

use super::Raft;
use super::codec::{Coded, put_list};
use super::network::{Head, Kind, Lane, Peer, TransportError, read_answer};
use super::types::{Address, Key};

const RETRY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(2);

/// Founds the quorum if that is for this node to do.
pub(super) async fn found(raft: Arc<Raft>, voters: Vec<Peer>) {
    let lowest = voters.iter().map(|voter| voter.id).min();
    if lowest != Some(raft.own.id) || !raft.store.0.is_empty() {
        return;
    }
    let mut members = BTreeMap::new();
    for voter in voters {
        let key = match voter.id == raft.own.id {
            true => Some(raft.own),
            false => greet(&raft, &voter).await,
        };
        let Some(key) = key else {
            tracing::warn!(node = voter.id, "a voter holds metadata already; this node waits to be taken in");
            return;
        };
        members.insert(key, Address { host: voter.host, port: voter.port });
    }
    match raft.library.0.initialize(members).await {
        Ok(()) => tracing::info!("founded the quorum"),
        Err(error) => tracing::debug!(%error, "the quorum was founded already"),
    }
}

/// Asks a voter who it is until it answers; none if it holds something.
async fn greet(raft: &Raft, voter: &Peer) -> Option<Key> {
    loop {
        match ask(raft, voter).await {
            Ok((key, true)) => return Some(key),
            Ok((_, false)) => return None,
            Err(error) => tracing::debug!(node = voter.id, %error, "a voter does not answer yet"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn ask(raft: &Raft, voter: &Peer) -> Result<(Key, bool), TransportError> {
    let to = Key { id: voter.id, directory: Uuid::ZERO };
    let head = Head { from: raft.own, to, kind: Kind::Hello };
    let message = head.message(|out| put_list(raft.founders.iter(), out));
    let answer = raft.transport.exchange(voter.clone(), Lane::Control, message, PATIENCE).await?;
    let mut body = read_answer(&answer)?;
    let read = Key::get(&mut body).and_then(|key| Ok((key, bool::get(&mut body)?)));
    read.map_err(|error| TransportError(error.to_string()))
}
