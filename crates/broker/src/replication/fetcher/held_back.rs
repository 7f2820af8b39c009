//! Partitions that are left out of the session for a while: after an error, or because too much was copied already (KIP-73), which
//! holds back the throttled ones that are not in sync.

use std::time::Duration;

use base::TopicIdPartition;
use tokio::time::Instant;

use super::{Fetcher, Followed};
use crate::replication::Throttle;

/// No longer than this, as the limit may be lifted meanwhile.
const WAIT_MAX: Duration = Duration::from_millis(500);

impl Fetcher {
    /// Takes back whose time is over.
    pub(super) fn resume_paused(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.paused.first_entry() {
            let (at, key) = *entry.key();
            if at > now {
                return;
            }
            entry.remove();
            if let Some(followed) = self.followed.get_mut(&key).filter(|one| one.paused_until == Some(at)) {
                followed.paused_until = None;
                self.dirty.insert(key);
            }
        }
    }

    pub(super) fn pause(&mut self, key: TopicIdPartition, pause: Duration) {
        let Some(followed) = self.followed.get_mut(&key) else { return };
        let until = Instant::now() + pause;
        followed.paused_until = Some(until);
        followed.asked.clear();
        self.paused.insert((until, key), ());
        self.forgotten.insert(key);
        self.unsynced.remove(&key);
    }

    /// Leaves out of the session whoever is to wait. Not while an answer is under way: what was sent is taken.
    pub(super) fn hold_back(&mut self, throttle: &Throttle) {
        if !self.in_flight.is_empty() {
            return;
        }
        let Some(wait) = throttle.exceeded_for() else { return };
        let waits =
            self.followed.iter().filter(|(key, followed)| followed.is_throttled(key) && followed.lags);
        let waits: Vec<TopicIdPartition> =
            waits.filter(|(_, followed)| followed.paused_until.is_none()).map(|(key, _)| *key).collect();
        waits.into_iter().for_each(|key| self.pause(key, wait.min(WAIT_MAX)));
    }
}

impl Followed {
    pub(super) fn is_throttled(&self, key: &TopicIdPartition) -> bool {
        self.partition.settings().throttled_as_follower.has(key.partition)
    }
}
