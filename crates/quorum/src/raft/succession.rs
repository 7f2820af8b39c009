//! How one leader follows another sooner than the library's time-outs: because the leader stops in order, or its process is gone.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::Raft;
use super::types::Key;
use crate::MetadataLog as _;

/// An election this long after a leader gave its place up may have been for that.
pub(super) const REPLACED_RECENTLY: Duration = Duration::from_secs(10);

/// How long a leader that stops waits for the next one.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

/// How long a node that just lost its leader waits before it stands for election, by its place among the voters.
const STAGGER: Duration = Duration::from_millis(150);

impl Raft {
    /// If this node leads, has the voter that knows most lead in its place.
    pub async fn hand_over(&self) {
        if !self.leadership.borrow().is_own {
            return;
        }
        let voters = self.voters().voters;
        let others = voters.iter().filter(|voter| voter.id != self.own.id);
        let Some(next) = others.max_by_key(|voter| voter.end_offset) else { return };
        let key = Key { id: next.id, directory: next.directory };
        tracing::info!(node = next.id, "handing the quorum over");
        if self.library.0.trigger().transfer_leader(key).await.is_ok() {
            let mut leadership = self.leadership();
            let moved = leadership.wait_for(|now| !now.is_own && now.leader.is_some());
            // It stops all the same.
            let _ = tokio::time::timeout(HAND_OVER_WITHIN, moved).await;
        }
    }

    /// A leader gives its place up, or is gone: the next election did not wait for its lease to end.
    pub(super) fn note_replaced(&self) {
        *self.replaced.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// A connection with this node ended. If it led and its process is gone, a new leader is elected without waiting for the
    /// time-out.
    pub async fn lost(&self, id: i32) {
        let before = *self.leadership.borrow();
        let Some(leader) = self.leader().filter(|leader| leader.id == id && id != self.own.id) else {
            return;
        };
        // Several connections end at once; one of them is enough.
        let Ok(_standing) = self.standing.try_lock() else { return };
        if !self.transport.is_gone(leader).await {
            return;
        }
        let voters = self.voters().voters;
        let mut others = voters.iter().filter(|voter| voter.id != id);
        let Some(place) = others.position(|voter| voter.id == self.own.id) else { return };
        tokio::time::sleep(STAGGER * u32::try_from(place).unwrap_or_default()).await;
        if *self.leadership.borrow() == before {
            tracing::info!(leader = id, "the quorum's leader is gone; standing for election");
            self.note_replaced();
            let _ = self.library.0.trigger().elect(false).await;
        }
    }
}
