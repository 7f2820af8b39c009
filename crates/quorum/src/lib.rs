//! The metadata log: records are proposed, made durable on a majority, and handed in order to whoever follows.
//!
//! [`MetadataLog`] is the seam: the controller proposes and every node follows through it alone, so that the engine behind it
//! can change. [`Local`] is the engine of a node that is its own majority: one file, synced once per group of proposals.
//! The bytes on disk are drawn in `frame.rs`, the files in `file.rs`.

mod file;
mod frame;
mod local;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use base::Uuid;
use metadata::Record;
use thiserror::Error;

pub use file::{FileError, LogFile, Recovered};
pub use frame::{Batch, FrameError};
pub use local::Local;

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
    Batch(Arc<Batch>),
}

/// A node that votes on the metadata log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voter {
    /// The node's id.
    pub id: i32,
    /// The identity of the directory that holds its vote and its log.
    pub directory: Uuid,
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
    /// The offset behind the last committed record.
    pub high_watermark: u64,
}

/// The metadata log as its users see it; see the crate's text.
pub trait MetadataLog: Send + Sync + Debug {
    /// Commits `records`, all or none, and gives the offset behind them. Proposals made at once share one sync; those made
    /// one after the other are committed in that order.
    fn propose(&self, records: Vec<Record>) -> Pending<'_, Result<u64, ProposeError>>;

    /// What is committed at `from` and next to it; waits until there is something. Too old an offset gets a snapshot.
    fn next(&self, from: u64) -> Pending<'_, Result<Committed, ProposeError>>;

    /// Offers the image at `end_offset`, so that the log may forget what lies before. Ignored if the log moved on since.
    fn snapshot(&self, end_offset: u64, records: Vec<Record>);

    /// Whether the log has grown so that a snapshot would be welcome.
    fn wants_snapshot(&self) -> bool;

    /// Who makes up the quorum.
    fn voters(&self) -> Voters;
}
