//! What may be written when: a claim always, anything else only by the writer that still is it.
//!
//! Replay decides between claims: the first of two has the id or the version. Deletions, settings and modes it takes as they come,
//! so a writer that was paused must not send those that it had decided on before. It sends them once it has met the end of the log
//! without meeting another's record since it decided, and while nobody else can have been elected.

use super::{Registry, lock};
use crate::election::Leader;
use crate::error::RestError;
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
        let holds = self.candidate.as_ref().is_none_or(|candidate| candidate.holds());
        if *self.leader.borrow() != Leader::This || !holds {
            return Err(RestError::no_leader());
        }
        Ok(self.met() == met)
    }
}
