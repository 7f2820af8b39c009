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
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{ATTEMPTS, Registry, Turn, lock};
use crate::config::Mode;
use crate::election::Leader;
use crate::error::RestError;
use crate::fence::Fence;
use crate::record::{Change, Key, Record, What};
use crate::store::Store;

/// How long a fence stands without a write behind it before it is put anew: brokers forget a producer after a day of silence.
const RENEW_AFTER: Duration = Duration::from_hours(6);

/// How long to rest after that.
const RENEW_PAUSE: Duration = Duration::from_mins(1);

/// Rests before a further attempt, longer each time and by chance, so that two that both think they write do not take the log from
/// each other for ever. The second attempt is the usual one behind a fence of one's own.
pub(super) async fn rest(attempt: usize) {
    if attempt > 1 {
        let most = 1 << attempt.min(9);
        tokio::time::sleep(Duration::from_millis(RandomState::new().hash_one(attempt) % most)).await;
    }
}

/// Whether a record takes nothing away: replay drops it where another was first. An import takes the place of what is there.
fn is_claim(ahead: &Store, record: &Record) -> bool {
    let change = Change::read(&record.key, record.value.as_deref());
    change.is_some_and(|change| match (&change.key, &change.what) {
        (Key::Schema { subject, .. }, What::Schema(value)) => {
            !value.deleted && ahead.mode_in_scope(subject) != Mode::Import
        }
        (Key::Context { .. }, what) => !matches!(what, What::Gone),
        _ => false,
    })
}

impl Registry {
    /// Whether none of these records takes anything away.
    pub(super) fn are_claims(&self, records: &[Record]) -> bool {
        let ahead = self.ahead.read().unwrap_or_else(PoisonError::into_inner);
        records.iter().all(|record| is_claim(&ahead, record))
    }

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

    /// The turn to decide, if this registry is the one that writes, with what is decided already taken in.
    pub(crate) async fn turn(&self, operation: &'static str) -> Option<Turn> {
        self.look().await;
        let guard = Arc::clone(&self.writer).lock_owned().await;
        if *self.leader.borrow() != Leader::This || self.settings.read_only {
            return None;
        }
        self.hold().await.ok().filter(|holds| *holds)?;
        let met = self.met();
        let stands = self.may_undo(met).await.is_ok() && self.realign(operation).await.is_ok();
        stands.then_some(guard)
    }

    /// The turn to decide, if it comes before the deadline.
    pub(super) async fn turn_by(
        &self,
        deadline: Instant,
        operation: &'static str,
    ) -> Result<Turn, RestError> {
        let turn = timeout_at(deadline, Arc::clone(&self.writer).lock_owned()).await.ok();
        turn.filter(|_| Instant::now() < deadline).ok_or_else(|| RestError::timed_out(operation))
    }

    pub(super) fn is_elected(&self) -> Result<(), RestError> {
        let holds = self.candidate.as_ref().is_none_or(|candidate| candidate.holds());
        if *self.leader.borrow() != Leader::This || !holds {
            return Err(RestError::no_leader());
        }
        Ok(())
    }

    /// Takes over the log, if another has it or nobody. What others wrote before is replayed then. False if others took it back as
    /// often as this was tried.
    pub(super) async fn hold(&self) -> Result<bool, RestError> {
        for attempt in 0..ATTEMPTS {
            rest(attempt).await;
            if lock(&self.pending).held().is_some() {
                return Ok(true);
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
        Ok(false)
    }

    /// Puts a fence anew that brokers would come to forget, if this registry is the one that writes; the answer is when to look again.
    pub(crate) async fn keep_fence(&self) -> Duration {
        let (standing, stood_at) = {
            let pending = lock(&self.pending);
            (pending.standing, pending.stood_at)
        };
        let age = Duration::from_millis((self.clock)().saturating_sub(stood_at).try_into().unwrap_or(0));
        if standing.is_none() || self.settings.read_only || age < RENEW_AFTER {
            return standing.map_or(RENEW_AFTER, |_| RENEW_AFTER.saturating_sub(age)).max(RENEW_PAUSE);
        }
        lock(&self.pending).fence_anew();
        drop(self.turn("Fence").await);
        RENEW_PAUSE
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::{MemoryLog, Settings};

    static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000);

    fn now() -> i64 {
        NOW.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn a_fence_that_brokers_would_forget_is_put_anew() {
        let log = Arc::new(MemoryLog::new(now));
        let registry = Registry::start(Box::new(Arc::clone(&log)), Settings::default(), now).await.unwrap();
        let epochs = || -> Vec<i16> {
            log.entries().iter().filter_map(Fence::read).map(|fence| fence.epoch).collect()
        };
        assert_eq!(registry.keep_fence().await, RENEW_AFTER);
        assert!(epochs().is_empty(), "whoever never wrote needs none");
        drop(registry.turn("Test").await);
        assert_eq!(registry.keep_fence().await, RENEW_AFTER);
        // Two hours on, another record is written; what counts is the time since then.
        NOW.fetch_add(2 * 3_600_000, Ordering::SeqCst);
        assert_eq!(registry.keep_fence().await, RENEW_AFTER / 3 * 2);
        let turn = registry.turn("Test").await.unwrap();
        let record = crate::record::mode(None, "READWRITE");
        assert_eq!(registry.append(turn, vec![record], "Test").await.ok(), Some(true));
        NOW.fetch_add(5 * 3_600_000, Ordering::SeqCst);
        assert_eq!(registry.keep_fence().await, RENEW_AFTER / 6);
        assert_eq!(epochs(), [0]);
        NOW.fetch_add(3_600_000, Ordering::SeqCst);
        registry.keep_fence().await;
        assert_eq!(epochs(), [0, 1]);
        assert_eq!(registry.keep_fence().await, RENEW_AFTER);
        assert_eq!(epochs(), [0, 1]);
    }
}
