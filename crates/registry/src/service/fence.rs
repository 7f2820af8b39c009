//! What may be written when.
//!
//! Every write is under a [`Fence`] of this registry, taken before the first one and whenever another's stands: what was decided was decided
//! behind it, and the log refuses the record if another writer has come in between.
//!
//! Registries that put no fences (Confluent's) may be among those that write. Against them: a claim is written always, anything else only by
//! the writer that still is it.
//!
//! Replay decides between claims: the first of two has the id or the version. Deletions, settings and modes it takes as they come,
//! so a writer that was paused must not send those that it had decided on before. It sends them once it has met the end of the log
//! without meeting another's record since it decided, and while nobody else can have been elected.

use std::hash::{BuildHasher, RandomState};

use super::{ATTEMPTS, Registry, lock};
use crate::election::Leader;
use crate::error::RestError;
use crate::fence::Fence;
use crate::record::{Change, Key, Record, What};

/// Whether a record takes nothing away: replay drops it where another was first.
pub(super) fn is_claim(record: &Record) -> bool {
    let change = Change::read(&record.key, record.value.as_deref());
    change.is_some_and(|change| match (&change.key, &change.what) {
        (Key::Schema { .. }, What::Schema(value)) => !value.deleted,
        (Key::Context { .. }, what) => !matches!(what, What::Gone),
        _ => false,
    })
}

impl Registry {
    /// How many records of others were met so far.
    pub(super) fn met(&self) -> u64 {
        lock(&self.pending).foreign
    }

    /// Whether what was decided when `met` records of others were met may be sent though replay would not judge it; false if it
    /// must be decided anew, an error if another may write.
    pub(super) async fn may_undo(&self, met: u64) -> Result<bool, RestError> {
        self.catch_up().await?;
        self.look().await;
        self.is_elected()?;
        Ok(self.met() == met)
    }

    fn is_elected(&self) -> Result<(), RestError> {
        let holds = self.candidate.as_ref().is_none_or(|candidate| candidate.holds());
        if *self.leader.borrow() != Leader::This || !holds {
            return Err(RestError::no_leader());
        }
        Ok(())
    }

    /// Takes over the log, if another has it or nobody. What others wrote before is replayed then.
    pub(super) async fn hold(&self) -> Result<(), RestError> {
        for _ in 0..ATTEMPTS {
            if lock(&self.pending).held().is_some() {
                return Ok(());
            }
            self.is_elected()?;
            let fence = self.next_fence().await?;
            match self.log.fence(fence).await {
                Err(error) if !error.fenced => {
                    return Err(RestError::store(format!(
                        "Error while taking over the log: {}",
                        error.reason
                    )));
                }
                // Replay tells whose it is.
                Ok(()) | Err(_) => self.catch_up().await?,
            }
            lock(&self.pending).take_over(fence);
        }
        Err(RestError::no_leader())
    }

    async fn next_fence(&self) -> Result<Fence, RestError> {
        let writer = RandomState::new().hash_one(0_u64);
        let standing = lock(&self.pending).standing;
        if let Some(next) = Fence::after(standing, writer) {
            return Ok(next);
        }
        let producer = self.log.new_producer().await.map_err(|error| RestError::store(error.reason))?;
        Ok(Fence { producer, epoch: 0, writer })
    }
}
