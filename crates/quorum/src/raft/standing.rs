//! How each member stands: how far it has come, and when it was heard of.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use openraft::Instant as _;
use openraft::async_runtime::WatchReceiver as _;

use super::Raft;
use super::types::Key;
use crate::{Voter, Voters};

impl Raft {
    /// Who votes and who follows, as far as this node knows; only a leader knows how far each has come.
    pub(super) fn described(&self) -> Voters {
        let metrics = self.library.0.metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        let voting: Vec<Key> = membership.voter_ids().collect();
        let end_of = |key: &Key| match (*key == self.own, &metrics.replication) {
            (true, _) => metrics.last_log_index.map(|index| index + 1),
            (false, Some(all)) => all.get(key).map(|at| at.map_or(0, |id| id.index + 1)),
            (false, None) => None,
        };
        let high_watermark = metrics.local_committed.map_or(0, |id| id.index + 1);
        let heard_of = |key: &Key| match (*key == self.own, &metrics.heartbeat) {
            (true, _) => Some(Duration::ZERO),
            (false, Some(all)) => all.get(key).and_then(|at| at.as_deref().map(|at| at.elapsed())),
            (false, None) => None,
        };
        let described = membership.nodes().map(|(key, address)| {
            let (end_offset, heard) = (end_of(key), heard_of(key));
            let has_all = end_offset.is_some_and(|end| end >= high_watermark);
            Voter {
                id: key.id,
                directory: key.directory,
                address: Some((address.host.clone(), address.port)),
                end_offset,
                heard,
                caught_up: self.caught_up(*key, has_all, heard),
            }
        });
        let is_voter =
            |voter: &Voter| voting.iter().any(|key| key.id == voter.id && key.directory == voter.directory);
        let (voters, mut observers): (Vec<_>, Vec<_>) = described.partition(is_voter);
        if self.leadership.borrow().is_own {
            observers.extend(self.followers.all());
        }
        Voters {
            leader: metrics.current_leader.filter(|key| self.answers_for(*key)).map(|key| key.id),
            epoch: i32::try_from(metrics.current_term).unwrap_or(i32::MAX),
            voters,
            observers,
            high_watermark,
        }
    }

    /// For how long this node has been seen to lead in its epoch.
    pub(super) fn led_for(&self) -> Duration {
        let now = *self.leadership.borrow();
        let mut since = self.led_since.lock().unwrap_or_else(PoisonError::into_inner);
        match *since {
            Some((epoch, at)) if epoch == now.epoch => at.elapsed(),
            _ => {
                *since = Some((now.epoch, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// For how long a member lacks something: nothing while it has all, and since it was last seen to have it where it has not.
    fn caught_up(&self, key: Key, has_all: bool, heard: Option<Duration>) -> Option<Duration> {
        let mut known = self.caught_up.lock().unwrap_or_else(PoisonError::into_inner);
        if has_all {
            known.insert(key, Instant::now().checked_sub(heard?)?);
        }
        known.get(&key).map(Instant::elapsed)
    }
}
