//! What all partitions of one log directory share.

use std::sync::Arc;

use env::{Disk, Random};

use crate::commit::CommitQueue;
use crate::fence::Fence;
use crate::files::FileCache;
use crate::hot::HotBudget;

/// What all partitions of one log directory share.
#[derive(Clone, Debug)]
pub struct LogContext {
    /// The disk the directory is on.
    pub disk: Arc<dyn Disk>,
    /// The open files, of the whole node.
    pub files: Arc<FileCache>,
    /// The memory for hot tails, of the whole node.
    pub hot: Arc<HotBudget>,
    /// Closed for ever by the directory's first failure.
    pub fence: Arc<Fence>,
    /// Where appends are handed to be made durable; without one, being in the page cache counts as durable.
    pub commits: Option<Arc<CommitQueue>>,
    /// For jitter and unique names.
    pub random: Arc<dyn Random>,
}

impl LogContext {
    /// The context of one directory over the node's shared parts, without a commit log: [`crate::LogDir`] makes one with.
    #[must_use]
    pub fn new(files: &Arc<FileCache>, hot: &Arc<HotBudget>, random: Arc<dyn Random>) -> Self {
        Self {
            disk: Arc::clone(files.disk()),
            files: Arc::clone(files),
            hot: Arc::clone(hot),
            fence: Fence::new(),
            commits: None,
            random,
        }
    }
}
