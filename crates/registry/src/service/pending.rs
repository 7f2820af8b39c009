//! What the registry has decided and not yet met in the log.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::fence::Fence;
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
    /// The fence that stands in the log, as far as it was replayed.
    pub standing: Option<Fence>,
    /// The fence that the last record of the fences' key is, which compaction keeps; nothing if it is none.
    pub last: Option<Fence>,
    /// When the newest record under it was written that was met, in milliseconds.
    pub stood_at: i64,
    /// That of this registry, until a write under it failed.
    pub own: Option<Fence>,
    /// How many records of others were met.
    pub foreign: u64,
    /// How often something that `ahead` had counted came to nothing.
    pub undone: u64,
}

impl Pending {
    pub fn met_fence(&mut self, fence: Fence, at: i64) {
        self.last = Some(fence);
        if fence.replaces(self.standing) {
            self.standing = Some(fence);
            self.stood_at = at;
        } else if self.standing != Some(fence) {
            self.fence_anew();
        }
    }

    /// Compaction keeps the last record of the fences' key alone. Where that came to be one that does not stand, this registry puts
    /// its next fence behind it before it writes, so that whoever starts later finds the one that stands.
    pub fn fence_anew(&mut self) {
        self.own = None;
    }

    /// Takes the log over if that fence stands. What is still on its way under an older one will not come any more.
    pub fn take_over(&mut self, fence: Fence) {
        if !fence.is_seal() && self.standing == Some(fence) && self.last == Some(fence) {
            self.own = Some(fence);
            self.astray |= !self.queue.is_empty();
        }
    }

    /// The fence under which this registry may write.
    pub fn held(&self) -> Option<Fence> {
        self.own.filter(|own| self.standing == Some(*own))
    }
}

pub(super) struct Sent {
    pub number: u64,
    pub record: Record,
    /// What it says, read when it was sent.
    pub change: Option<Change>,
    pub outcome: oneshot::Sender<Applied>,
}
