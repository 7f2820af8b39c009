//! Fetches of followers: each says how far its sender is, and is checked against the leader's history first.

use base::planted::Bug;
use base::{BrokerId, LeaderEpoch, Offset};
use wire::ErrorCode;

use super::{Brokers, Effects, Leader};
use crate::epochs::{EpochEnd, EpochHistory, leaders_end};

/// What a follower's Fetch says of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FollowerFetch {
    /// The follower.
    pub replica: BrokerId,
    /// The epoch of its registration (`ReplicaState.ReplicaEpoch`); -1 where it sent none.
    pub broker_epoch: i64,
    /// The leader epoch it knows.
    pub leader_epoch: LeaderEpoch,
    /// The epoch of its last record; -1 where it has none.
    pub last_fetched_epoch: LeaderEpoch,
    /// Its log's start.
    pub log_start: Offset,
    /// Its log's end, from which it fetches.
    pub log_end: Offset,
    /// Below this it made everything durable.
    pub durable_end: Offset,
}

/// What a fetch that was understood leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetched {
    /// Read from its log's end on.
    Read(Effects),
    /// Its log parted from the leader's: answer with the leader's end of that epoch, and no records.
    Diverged(EpochEnd),
}

/// Why a fetch is refused; it changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchRefused {
    /// It knows an earlier leader epoch.
    Fenced,
    /// It knows a later leader epoch.
    Ahead,
    /// It is no replica of this partition, or an earlier incarnation of one.
    NotAReplica,
    /// It asks below the log's start or beyond its end.
    OutOfRange,
}

impl FetchRefused {
    /// What the follower is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Fenced => ErrorCode::FENCED_LEADER_EPOCH,
            Self::Ahead => ErrorCode::UNKNOWN_LEADER_EPOCH,
            Self::NotAReplica => ErrorCode::NOT_LEADER_OR_FOLLOWER,
            Self::OutOfRange => ErrorCode::OFFSET_OUT_OF_RANGE,
        }
    }
}

impl Leader {
    /// A follower fetches; `log` is the leader's own, `log_start` where it begins.
    pub fn on_follower_fetch(
        &mut self,
        fetch: &FollowerFetch,
        log: &impl EpochHistory,
        log_start: Offset,
        brokers: &impl Brokers,
        now_ms: i64,
    ) -> Result<Fetched, FetchRefused> {
        self.check_fetch(fetch)?;
        if let Some(parted) = self.diverges(fetch, log)? {
            if self.settings.planted.has(Bug::CountDivergingFetch) {
                self.count(fetch, brokers, now_ms);
            }
            return Ok(Fetched::Diverged(parted));
        }
        if fetch.log_end < log_start || fetch.log_end > self.log_end {
            return Err(FetchRefused::OutOfRange);
        }
        self.count(fetch, brokers, now_ms);
        let joins = self.expand(fetch.replica, brokers);
        let moved = self.advance(now_ms);
        Ok(Fetched::Read(Effects { alter_partition: joins, ..moved }))
    }

    fn check_fetch(&self, fetch: &FollowerFetch) -> Result<(), FetchRefused> {
        let follower = self.followers.iter().find(|follower| follower.id == fetch.replica);
        // As in Kafka, one that tells no epoch is judged by who it is.
        if fetch.leader_epoch.0 < 0 && follower.is_none() {
            return Err(FetchRefused::NotAReplica);
        }
        if !self.settings.planted.has(Bug::CountFetchOfAnyEpoch) {
            if fetch.leader_epoch < self.epoch {
                return Err(FetchRefused::Fenced);
            }
            if fetch.leader_epoch > self.epoch {
                return Err(FetchRefused::Ahead);
            }
        }
        let known = follower.ok_or(FetchRefused::NotAReplica)?.ends;
        if known.is_some_and(|known| known.broker_epoch > fetch.broker_epoch) {
            return Err(FetchRefused::NotAReplica);
        }
        Ok(())
    }

    /// Where the follower's history leaves the leader's, if it does (KIP-595's way of KIP-320).
    fn diverges(
        &self,
        fetch: &FollowerFetch,
        log: &impl EpochHistory,
    ) -> Result<Option<EpochEnd>, FetchRefused> {
        let asked = fetch.last_fetched_epoch;
        if asked.0 < 0 {
            return Ok(None);
        }
        let own = if self.settings.planted.has(Bug::ForgetOwnEpoch) {
            log.end_of_epoch(asked)
        } else {
            leaders_end(log, self.own_end(), self.epoch_start, asked)
        };
        let Some(end) = own else {
            // Planted: an epoch that has no record here is taken for the leader's own.
            let forgotten = self.settings.planted.has(Bug::ForgetOwnEpoch);
            return if forgotten { Ok(None) } else { Err(FetchRefused::OutOfRange) };
        };
        let parted = end.epoch < asked || end.end < fetch.log_end;
        Ok(parted.then_some(end))
    }

    fn count(&mut self, fetch: &FollowerFetch, brokers: &impl Brokers, now_ms: i64) {
        let is_eligible = brokers.eligible_epoch(fetch.replica) == Some(fetch.broker_epoch);
        let end = self.log_end;
        if let Some(follower) = self.followers.iter_mut().find(|follower| follower.id == fetch.replica) {
            follower.is_eligible = is_eligible;
            follower.fetched(fetch, end, now_ms);
        }
    }
}
