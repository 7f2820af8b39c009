//! What the registry has decided and not yet met in the log.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::record::{Change, Record};
use crate::store::Applied;

/// Our records on their way through the log.
#[derive(Default)]
pub(super) struct Pending {
    pub queue: VecDeque<Sent>,
    /// Whether `ahead` no longer follows from `committed` and the queue.
    pub astray: bool,
    /// How many of our records `ahead` and `committed` have taken in apart since they were one.
    pub apart: usize,
    pub sent: u64,
    /// How many records of others were met.
    pub foreign: u64,
    /// How often something that `ahead` had counted came to nothing.
    pub undone: u64,
}

pub(super) struct Sent {
    pub number: u64,
    pub record: Record,
    /// What it says, read when it was sent.
    pub change: Option<Change>,
    pub outcome: oneshot::Sender<Applied>,
}
