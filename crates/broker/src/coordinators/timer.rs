//! One timer for the deadlines of all shards.
//!
//! Invariant: a shard has at most one deadline here, its earliest; the task sleeps until the earliest of all, or for ever.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coordinator::Deadlines;
use tokio::sync::Notify;

/// The earliest deadline of each shard.
#[derive(Debug, Default)]
pub(super) struct Timer {
    deadlines: Mutex<Deadlines<i32>>,
    earlier: Notify,
}

impl Timer {
    /// Sets or drops a shard's deadline, in milliseconds of the coordinators' clock.
    pub fn set(&self, shard: i32, at_ms: Option<i64>) {
        let mut deadlines = self.lock();
        if deadlines.get(&shard) == at_ms {
            return;
        }
        let before = deadlines.next();
        match at_ms {
            Some(at_ms) => deadlines.set(shard, at_ms),
            None => deadlines.cancel(&shard),
        }
        let sooner = deadlines.next().is_some_and(|at| before.is_none_or(|before| at < before));
        drop(deadlines);
        if sooner {
            self.earlier.notify_one();
        }
    }

    /// Takes the shards whose deadline has passed.
    pub fn take_due(&self, now_ms: i64) -> Vec<i32> {
        let mut deadlines = self.lock();
        std::iter::from_fn(|| deadlines.take_due(now_ms)).collect()
    }

    /// Waits until a deadline passes; comes back early at times.
    pub async fn wait(&self, now_ms: i64) {
        let next = self.lock().next();
        match next {
            None => self.earlier.notified().await,
            Some(at_ms) => {
                let left = Duration::from_millis(u64::try_from(at_ms - now_ms).unwrap_or_default());
                let _ = tokio::time::timeout(left, self.earlier.notified()).await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Deadlines<i32>> {
        self.deadlines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
