//! The metadata log of several voters: consensus by the `openraft` library, which nothing outside this folder knows.
//!
//! ```text
//! propose ─► library ─► Store (memory, Writer's thread, Files) ─┐
//!               │                                               ├─ majority ─► Machine ─► Tail ─► next
//!               └─► Network ─► Transport ─► other voters ───────┘
//! ```
//!
//! Invariants: a vote or an entry counts only when it is synced; a message is taken only by the (node, directory) it is meant for,
//! so that a voter that lost its disk has no vote; a proposal is appended only in the epoch it was decided in.

mod codec;
mod disk;
mod follow;
mod found;
mod leadership;
mod machine;
mod members;
mod network;
mod observer;
mod piece;
mod receive;
mod standing;
mod store;
mod succession;
mod types;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base::Uuid;
use bytes::Bytes;
use env::{Disk, Random};
use metadata::Record;
use openraft::ReadPolicy;
use openraft::async_runtime::WatchReceiver as _;
use openraft::errors::Fatal;
use openraft::impls::ProgressResponder;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::{Committed, FileError, Leadership, MetadataLog, Pending, ProposeError, Voters};
use disk::Files;
use follow::Followers;
use leadership::Heard;
use machine::{Machine, Tail};
pub use members::MemberError;
use network::Network;
pub use network::{Lane, Peer, Transport, TransportError};
pub use observer::{Observer, ObserverOptions};
use store::Store;
use succession::REPLACED_RECENTLY;
use types::{Key, Proposal, Types};
use writer::Writer;

type Library = openraft::Raft<Types, Machine>;

/// Entries behind the snapshot that are kept for followers that are a little late.
const ENTRIES_KEPT: u64 = 1000;

/// How long Raft waits for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// A follower that hears nothing of a leader for this long and at most a fifth longer stands for election, in milliseconds. For
    /// three fifths of it nobody is given a vote against a leader that was heard of.
    pub election_ms: u64,
    /// A leader tells that it is there this often, in milliseconds.
    pub heartbeat_ms: u64,
}

/// What a voter is started with.
#[derive(Debug)]
pub struct Options {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The folder of the log.
    pub dir: PathBuf,
    /// Chance, for the folder's identity.
    pub random: Arc<dyn Random>,
    /// This node, as the others reach it.
    pub own: Peer,
    /// All voters of a new quorum, this node too if it is one; empty: this node waits to be taken into a quorum.
    pub voters: Vec<Peer>,
    /// Nodes that may take this one into a quorum of which it is no member: host and port, with -1 where the id is not known.
    pub bootstrap: Vec<Peer>,
    /// The cluster that this node's directories belong to; empty if that is not known.
    pub cluster: String,
    /// The way to other nodes.
    pub transport: Arc<dyn Transport>,
    /// How long to wait for what.
    pub timing: Timing,
}

/// The engine; see the module's text.
#[derive(Debug)]
pub struct Raft {
    library: Shown<Library>,
    tail: Arc<Tail>,
    writer: Shown<Writer>,
    store: Shown<Store>,
    leadership: watch::Receiver<Leadership>,
    heard: Arc<Heard>,
    own: Key,
    transport: Arc<dyn Transport>,
    runtime: Handle,
    /// The ids of the voters of a new quorum, ascending.
    founders: Vec<i32>,
    cluster: OnceLock<String>,
    /// How long a majority may take to confirm a leader.
    patience: Duration,
    /// When a leader last gave its place up, or was known to be gone.
    replaced: Mutex<Option<Instant>>,
    /// Held while this node stands for election because the leader is gone.
    standing: tokio::sync::Mutex<()>,
    /// The pieces of a snapshot that is being received.
    arriving: Mutex<Vec<u8>>,
    /// Nodes that follow without being members.
    followers: Followers,
    /// Since when this node leads, if it does.
    led_since: Mutex<Option<(i32, Instant)>>,
    /// When members that lag were last seen to have everything.
    caught_up: Mutex<BTreeMap<Key, Instant>>,
}

/// Something of the library's that does not show itself.
#[derive(Clone)]
struct Shown<T>(T);

impl<T> std::fmt::Debug for Shown<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}

impl Raft {
    /// Opens the log and takes part in the quorum. All of its tasks run where this is called.
    pub async fn start(options: Options) -> Result<Arc<Self>, FileError> {
        let dir = options.dir.clone();
        let failed =
            |error: String| FileError::Io { path: dir.clone(), source: std::io::Error::other(error) };
        let (files, recovered) = Files::open(options.disk, &options.dir, &*options.random)?;
        let own = Key { id: options.own.id, directory: files.directory() };
        let image_bytes = recovered.snapshot.as_ref().map_or(0, |one| one.bytes.len() as u64);
        let writer = Writer::start(files, image_bytes).map_err(|error| failed(error.to_string()))?;
        let store = Store::new(&recovered, writer.clone());
        let tail = Arc::new(Tail::new(recovered.snapshot));
        let machine = Machine::new(tail.clone(), writer.clone());
        let heard = Arc::<Heard>::default();
        let network = Network { own, transport: options.transport.clone(), heard: heard.clone() };
        let config = config(options.timing).map_err(failed)?;
        let library = Library::new(own, Arc::new(config), network, store.clone(), machine).await;
        let library = library.map_err(|error| failed(error.to_string()))?;
        // As long as followers wait at most before they stand.
        let patience = Duration::from_millis(options.timing.election_ms * 6 / 5);
        let leadership = leadership::follow(&library, patience, heard.clone());
        let mut founders: Vec<i32> = options.voters.iter().map(|voter| voter.id).collect();
        founders.sort_unstable();
        let raft = Arc::new(Self {
            library: Shown(library),
            tail,
            writer: Shown(writer),
            store: Shown(store),
            leadership,
            heard,
            own,
            transport: options.transport,
            runtime: Handle::current(),
            founders,
            cluster: OnceLock::new(),
            patience: Duration::from_millis(2 * options.timing.election_ms),
            replaced: Mutex::default(),
            standing: tokio::sync::Mutex::default(),
            arriving: Mutex::default(),
            followers: Followers::default(),
            led_since: Mutex::default(),
            caught_up: Mutex::default(),
        });
        if !options.voters.is_empty() {
            tokio::spawn(found::found(raft.clone(), options.voters.clone()));
        }
        let mut known = options.voters;
        known.extend(options.bootstrap);
        known.retain(|peer| peer.id != options.own.id);
        tokio::spawn(members::join(raft.clone(), known, options.own, options.cluster));
        tokio::spawn(members::keep_clean(Arc::downgrade(&raft)));
        Ok(raft)
    }

    /// The identity of the folder.
    pub fn directory(&self) -> Uuid {
        self.own.directory
    }

    /// Says why the engine cannot go on, once it cannot.
    pub async fn failed(&self) -> String {
        let mut metrics = self.library.0.metrics();
        loop {
            let state = metrics.borrow_and_update().running_state.clone();
            match state {
                Ok(()) => {}
                Err(Fatal::Stopped) => std::future::pending().await,
                Err(error) => return error.to_string(),
            }
            if metrics.changed().await.is_err() {
                // It was stopped.
                std::future::pending().await
            }
        }
    }

    /// Says which cluster this quorum is of, once that is known: nodes of others are not taken in.
    pub fn set_cluster(&self, id: &str) {
        // It never changes.
        let _ = self.cluster.set(id.to_owned());
    }

    /// Ends its tasks; the log stays as it is.
    pub async fn stop(&self) {
        if let Err(error) = self.library.0.shutdown().await {
            tracing::warn!(%error, "the quorum's task did not end in order");
        }
    }
}

fn config(timing: Timing) -> Result<openraft::Config, String> {
    let config = openraft::Config {
        cluster_name: "mekong".into(),
        // The library waits for a lease of the greater, and then for a time between the two.
        election_timeout_min: timing.election_ms * 2 / 5,
        election_timeout_max: timing.election_ms * 3 / 5,
        heartbeat_interval: timing.heartbeat_ms,
        install_snapshot_timeout: 60_000,
        snapshot_policy: openraft::SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: ENTRIES_KEPT,
        enable_pre_vote: Some(true),
        ..openraft::Config::default()
    };
    config.validate().map_err(|error| error.to_string())
}

impl MetadataLog for Raft {
    fn propose(&self, epoch: i32, records: Vec<Record>) -> Pending<'_, Result<u64, ProposeError>> {
        Box::pin(async move {
            let not_leader = || ProposeError::NotLeader(self.leadership.borrow().leader);
            let leader = self.library.0.as_leader().map_err(|_| not_leader())?;
            if !self.leadership.borrow().is_own {
                return Err(not_leader());
            }
            if i32::try_from(leader.term()) != Ok(epoch) {
                return Err(not_leader());
            }
            let (responder, answer) = ProgressResponder::complete_only();
            let proposal = Proposal(Arc::new(records));
            let write = self.library.0.write(proposal).with_leader(leader.to_committed_leader_id());
            let failed = |error: String| ProposeError::Failed(error.into());
            write.responder(responder).await.map_err(|error| failed(error.to_string()))?;
            match answer.await {
                Ok(Ok(written)) => Ok(written.data),
                Ok(Err(openraft::errors::ClientWriteError::LogEntryDiscarded(_))) => {
                    Err(ProposeError::Unknown)
                }
                Ok(Err(_)) => Err(not_leader()),
                Err(_) => Err(failed("the quorum's task ended".into())),
            }
        })
    }

    fn leader(&self) -> Option<Peer> {
        let metrics = self.library.0.server_metrics();
        let metrics = metrics.borrow_watched();
        let key = metrics.current_leader.filter(|key| self.answers_for(*key))?;
        let address = metrics.membership_config.membership().get_node(&key)?.clone();
        Some(Peer { id: key.id, host: address.host, port: address.port })
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.clone()
    }

    fn silence_ms(&self) -> i64 {
        let replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = replaced.is_some_and(|at| at.elapsed() < REPLACED_RECENTLY);
        if is_recent {
            return 0;
        }
        let term = self.library.0.server_metrics().borrow_watched().vote.leader_id.term;
        let heard = self.heard.silence_before(term).map(|silence| i64::try_from(silence.as_millis()));
        heard.and_then(Result::ok).unwrap_or_default()
    }

    fn confirm(&self) -> Pending<'_, Result<u64, ProposeError>> {
        Box::pin(async move {
            let not_leader = || ProposeError::NotLeader(self.leadership.borrow().leader);
            let asked = self.library.0.get_read_log_id(ReadPolicy::ReadIndex);
            let confirmed = tokio::time::timeout(self.patience, asked).await.map_err(|_| not_leader())?;
            confirmed.map(|(id, _)| id.index() + 1).map_err(|_| not_leader())
        })
    }

    fn next(&self, from: u64) -> Pending<'_, Result<Committed, ProposeError>> {
        let mut end = self.tail.end();
        Box::pin(async move {
            loop {
                end.mark_unchanged();
                if let Some(committed) = self.tail.read(from) {
                    return Ok(committed);
                }
                end.changed().await.map_err(|_| ProposeError::Closed)?;
            }
        })
    }

    fn snapshot(&self, end_offset: u64, records: Vec<Record>) {
        let Some(bytes) = self.tail.offer(end_offset, records) else { return };
        self.writer.0.growth().begin_anew(bytes);
        let library = self.library.clone();
        self.runtime.spawn(async move {
            // A stopped library needs no snapshot.
            let _ = library.0.trigger().snapshot().await;
        });
    }

    fn wants_snapshot(&self) -> bool {
        self.writer.0.growth().wants_snapshot()
    }

    fn voters(&self) -> Voters {
        self.described()
    }
}

impl Raft {
    /// Whether a leader is to be told of: this node is one only while a majority answers it.
    fn answers_for(&self, leader: Key) -> bool {
        leader != self.own || self.leadership.borrow().is_own
    }

    /// What the transport received for this node; the answer to it.
    pub async fn receive(&self, message: Bytes) -> Bytes {
        receive::receive(self, message).await
    }

    /// Whose message this is, if it is one.
    pub fn sender(message: &[u8]) -> Option<i32> {
        network::Head::read(&mut &*message).ok().map(|head| head.from.id)
    }
}

#[cfg(test)]
mod tests;
