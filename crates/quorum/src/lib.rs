//! The metadata log: records are proposed, made durable on a majority, and handed in order to whoever follows.
//!
//! [`MetadataLog`] is the seam: the controller proposes and every node follows through it alone, so that the engine behind it
//! can change. [`Local`] is the engine of a node that is its own majority: one file, synced once per group of proposals; [`Raft`] that
//! of several; [`Observer`] that of a node that only follows them. The bytes on disk are drawn in `frame.rs`, the files in `file.rs` and `raft/disk.rs`.

mod file;
mod frame;
mod growth;
mod local;
mod raft;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use base::Uuid;
use metadata::Record;
use thiserror::Error;
use tokio::sync::watch;

pub use file::{FileError, LogFile, Recovered, holds_log};
pub use frame::{Batch, FrameError};
pub use local::Local;
pub use raft::{
    Lane, MemberError, Observer, ObserverOptions, Options, Peer, Raft, Timing, Transport, TransportError,
};

/// A future that a log hands out.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why records were not committed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ProposeError {
    /// Another node leads the quorum; nothing was written.
    #[error("node {0:?} leads the quorum")]
    NotLeader(Option<i32>),
    /// The log cannot be written any more; whether the records will stand after a restart is unknown.
    #[error("the metadata log failed: {0}")]
    Failed(Arc<str>),
    /// Another node took over before the records were committed; whether they will be is unknown.
    #[error("another node leads the quorum now")]
    Unknown,
    /// The log was closed.
    #[error("the metadata log is closed")]
    Closed,
}

/// What a follower is handed next.
#[derive(Clone, Debug)]
pub enum Committed {
    /// The image of all records below `end_offset`; what was followed before is void.
    Snapshot {
        /// The offset behind the last record in it.
        end_offset: u64,
        /// Records that make the image from nothing.
        records: Arc<Vec<Record>>,
    },
    /// The records that come next.
    Batch {
        /// The offset behind them.
        end_offset: u64,
        /// The records; an engine may have nothing but its own in a place, then there are none.
        batch: Arc<Batch>,
    },
}

/// Who leads the quorum, as this node knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Leadership {
    /// The leader's node id.
    pub leader: Option<i32>,
    /// Its epoch (Raft's term).
    pub epoch: i32,
    /// Whether this node is the leader.
    pub is_own: bool,
}

/// A node that votes on the metadata log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voter {
    /// The node's id.
    pub id: i32,
    /// The identity of the directory that holds its vote and its log.
    pub directory: Uuid,
    /// Where it listens: host and port; none for a node that is alone.
    pub address: Option<(String, u16)>,
    /// The offset behind the last record it is known to have, if anything is known.
    pub end_offset: Option<u64>,
    /// How long ago it was heard of, if this node leads and heard of it.
    pub heard: Option<std::time::Duration>,
    /// How long ago it had everything for the last time, likewise.
    pub caught_up: Option<std::time::Duration>,
}

/// Who makes up the quorum, as of now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voters {
    /// The leader, if one is known.
    pub leader: Option<i32>,
    /// The leader's epoch (Raft's term).
    pub epoch: i32,
    /// All voters.
    pub voters: Vec<Voter>,
    /// Nodes that follow without a vote, and may be given one.
    pub observers: Vec<Voter>,
    /// The offset behind the last committed record.
    pub high_watermark: u64,
}

/// The metadata log as its users see it; see the crate's text.
pub trait MetadataLog: Send + Sync + Debug {
    /// Commits `records`, all or none, and gives the offset behind them. Proposals made at once share one sync; those made
    /// one after the other are committed in that order. They are refused unless this node leads in `epoch`.
    fn propose(&self, epoch: i32, records: Vec<Record>) -> Pending<'_, Result<u64, ProposeError>>;

    /// Where the leader listens, if it is another node and known.
    fn leader(&self) -> Option<Peer> {
        None
    }

    /// Who leads, as it changes.
    fn leadership(&self) -> watch::Receiver<Leadership>;

    /// For how long before this node came to lead nobody can have led, in milliseconds: a majority had heard of no leader.
    fn silence_ms(&self) -> i64 {
        0
    }

    /// Has a majority confirm that this node leads, and gives the offset behind all that was committed before: who has applied
    /// that much knows everything that any leader ever answered.
    fn confirm(&self) -> Pending<'_, Result<u64, ProposeError>>;

    /// What is committed at `from` and next to it; waits until there is something. Too old an offset gets a snapshot.
    fn next(&self, from: u64) -> Pending<'_, Result<Committed, ProposeError>>;

    /// Offers the image at `end_offset`, so that the log may forget what lies before. Ignored if the log moved on since.
    fn snapshot(&self, end_offset: u64, records: Vec<Record>);

    /// Whether the log has grown so that a snapshot would be welcome.
    fn wants_snapshot(&self) -> bool;

    /// Who makes up the quorum.
    fn voters(&self) -> Voters;
}
