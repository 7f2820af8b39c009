//! Appends: whether the ISR allows them, before and after.

use base::Offset;
use base::planted::Bug;
use wire::ErrorCode;

use super::Leader;
use crate::lease::Lease;

/// Why nothing may be appended; nothing was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendRefused {
    /// The controller may have given the partition to another: no heartbeat was accepted for too long.
    NoLease,
    /// `acks=all`, and fewer than `min.insync.replicas` are in sync.
    NotEnoughReplicas,
}

impl AppendRefused {
    /// What the client is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NoLease => ErrorCode::NOT_LEADER_OR_FOLLOWER,
            Self::NotEnoughReplicas => ErrorCode::NOT_ENOUGH_REPLICAS,
        }
    }
}

/// The records are in the log of every in-sync replica, but those are fewer than `min.insync.replicas` by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotEnoughReplicasAfterAppend;

impl NotEnoughReplicasAfterAppend {
    /// What the client is told.
    pub const CODE: ErrorCode = ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND;
}

impl Leader {
    /// Asked before each append; `acks_all` is whether the client waits for all in-sync replicas.
    pub fn check_append(&self, acks_all: bool, lease: &Lease, now_ms: i64) -> Result<(), AppendRefused> {
        if !lease.holds(now_ms) && !self.settings.planted.has(Bug::IgnoreLease) {
            return Err(AppendRefused::NoLease);
        }
        self.check_min_isr(acks_all)
    }

    /// The half of [`Self::check_append`] that needs no lease: a single node has none.
    pub fn check_min_isr(&self, acks_all: bool) -> Result<(), AppendRefused> {
        if acks_all && self.is_under_min_isr() && !self.settings.planted.has(Bug::AppendBelowMinIsr) {
            return Err(AppendRefused::NotEnoughReplicas);
        }
        Ok(())
    }

    /// What an `acks=all` append that ends at `end` is answered; `None` while it waits.
    #[must_use]
    pub fn outcome(&self, end: Offset) -> Option<Result<(), NotEnoughReplicasAfterAppend>> {
        if self.high_watermark < end {
            return None;
        }
        Some(if self.is_under_min_isr() { Err(NotEnoughReplicasAfterAppend) } else { Ok(()) })
    }

    /// Whether fewer replicas are in sync than `min.insync.replicas` asks; a partition is asked for no more than it has.
    #[must_use]
    pub fn is_under_min_isr(&self) -> bool {
        let voters = self.followers.iter().filter(|follower| !follower.is_observer).count();
        self.isr.len() < self.settings.min_isr.min(voters + 1)
    }
}
