//! The leader of one partition in one epoch.
//!
//! It knows where its own log ends and how much of that is durable, and the same of every replica that fetched in this epoch. From
//! that follow the high watermark ([`watermark`]), the ISR it asks the controller for ([`in_sync`]), and what it answers to fetches
//! ([`fetch`]) and appends ([`append`]). Nothing here costs more than the number of replicas, and nothing allocates unless the ISR
//! changes.

mod append;
mod fetch;
mod follower_state;
mod in_sync;
#[cfg(test)]
mod tests;
mod watermark;

use alloc::vec::Vec;

use base::planted::{Bug, Planted};
use base::{BrokerId, LeaderEpoch, Offset};

use crate::epochs::{EpochEnd, EpochHistory, leaders_end};
use crate::state::{LogEnds, PartitionState};

/// How soon an unclean leader says that it recovered, and says it again.
const RECOVERED_WITHIN_MS: i64 = 50;
pub use append::{AppendRefused, NotEnoughReplicasAfterAppend};
pub use fetch::{FetchRefused, Fetched, FollowerFetch};
use follower_state::FollowerState;
pub use follower_state::ReplicaView;
use in_sync::Pending;
pub use in_sync::{AlterPartition, AlteredPartition};
pub use watermark::ReadBound;

/// What configuration says to a leader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `min.insync.replicas`; a partition with fewer replicas asks for no more than it has.
    pub min_isr: usize,
    /// `replica.lag.time.max.ms`: a follower that was not caught up for longer leaves the ISR.
    pub lag_time_max_ms: i64,
    /// How long after a failed AlterPartition it is sent again.
    pub retry_backoff_ms: i64,
    /// Bugs on demand; none outside the simulator.
    pub planted: Planted,
}

impl Default for Settings {
    /// Kafka's defaults.
    fn default() -> Self {
        Self { min_isr: 1, lag_time_max_ms: 30_000, retry_backoff_ms: 50, planted: Planted::NONE }
    }
}

/// The brokers as the metadata knows them.
pub trait Brokers {
    /// The broker epoch of a broker that may be in an ISR: registered, not fenced, not shutting down (KIP-841).
    fn eligible_epoch(&self, broker: BrokerId) -> Option<i64>;
}

/// What is to be done after something happened to a leader.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[must_use = "effects are to be performed"]
pub struct Effects {
    /// The high watermark moved here: tell the log, release what waits.
    pub high_watermark: Option<Offset>,
    /// Ask this of the controller, and bring its answer.
    pub alter_partition: Option<AlterPartition>,
}

impl Effects {
    /// Both, the later watermark.
    pub fn and(self, later: Self) -> Self {
        Self {
            high_watermark: later.high_watermark.or(self.high_watermark),
            alter_partition: later.alter_partition.or(self.alter_partition),
        }
    }
}

/// The leader's machine; see the module's text.
#[derive(Clone, Debug)]
pub struct Leader {
    me: BrokerId,
    settings: Settings,
    epoch: LeaderEpoch,
    /// The log's end when this epoch began.
    epoch_start: Offset,
    partition_epoch: i32,
    log_end: Offset,
    durable_end: Offset,
    high_watermark: Offset,
    /// The committed ISR, the leader's own id in it.
    isr: Vec<BrokerId>,
    /// What was asked of the controller and is not answered yet.
    pending: Option<Pending>,
    /// All other replicas.
    followers: Vec<FollowerState>,
    /// The leader was elected uncleanly, and the controller does not know yet that it recovered.
    recovering: bool,
}

impl Leader {
    /// A leader of a new epoch; `log` is its log at the moment of election.
    #[must_use]
    pub fn new(me: BrokerId, state: &PartitionState, settings: Settings, log: LogEnds, now_ms: i64) -> Self {
        assert!(log.durable_end <= log.log_end, "a log is not durable beyond its end");
        let mut leader = Self {
            me,
            settings,
            epoch: state.leader_epoch,
            epoch_start: log.log_end,
            partition_epoch: state.partition_epoch,
            log_end: log.log_end,
            durable_end: log.durable_end,
            high_watermark: log.high_watermark.min(log.log_end),
            isr: state.isr.clone(),
            pending: None,
            followers: Vec::new(),
            recovering: state.recovering,
        };
        if settings.planted.has(Bug::NewLeaderTrustsItsEnd) {
            leader.high_watermark = log.log_end;
        }
        leader.set_replicas(state, now_ms);
        leader
    }

    /// The same leader epoch with another ISR or other replicas: the controller's word replaces what was asked for.
    pub fn on_metadata(&mut self, state: &PartitionState, now_ms: i64) -> Effects {
        assert_eq!(state.leader_epoch, self.epoch, "another epoch is another leader");
        if state.partition_epoch <= self.partition_epoch {
            return Effects::default();
        }
        self.adopt(state.partition_epoch, state.isr.clone());
        self.recovering = state.recovering;
        self.set_replicas(state, now_ms);
        self.advance(now_ms)
    }

    /// The local log grew, or more of it became durable; both ends as they are now.
    pub fn on_append(&mut self, log_end: Offset, durable_end: Offset, now_ms: i64) -> Effects {
        if log_end > self.log_end {
            let before = self.log_end;
            self.followers.iter_mut().for_each(|follower| follower.leader_moves_on(before, now_ms));
        }
        // The two numbers may be read at different moments by different threads: neither goes back within an epoch.
        self.log_end = self.log_end.max(log_end);
        self.durable_end = self.durable_end.max(durable_end).min(self.log_end);
        self.advance(now_ms)
    }

    /// Time passed: lagging followers leave the ISR, unanswered questions are asked again.
    pub fn on_tick(&mut self, now_ms: i64) -> Effects {
        let asked = self.ask_again(now_ms).or_else(|| self.shrink(now_ms));
        Effects { alter_partition: asked, ..self.advance(now_ms) }
    }

    /// The brokers changed: one that died is not waited for as about to join, and one that may join by now is asked for. Followers
    /// that have everything, or are gone, do not fetch again before something changes.
    pub fn on_brokers(&mut self, brokers: &impl Brokers, now_ms: i64) -> Effects {
        for follower in &mut self.followers {
            let registered = brokers.eligible_epoch(follower.id);
            follower.is_eligible =
                registered.is_some() && registered == follower.ends.map(|ends| ends.broker_epoch);
        }
        let out_of_sync = self.followers.iter().map(|follower| follower.id);
        let ids: Vec<_> = out_of_sync.filter(|id| !self.isr.contains(id)).collect();
        let alter_partition = ids.into_iter().find_map(|id| self.expand(id, brokers));
        Effects { alter_partition, ..self.advance(now_ms) }
    }

    /// Where an epoch of the leader's history ends, its own included (KIP-101); `None` is "undefined".
    pub fn end_of_epoch(&self, log: &impl EpochHistory, epoch: LeaderEpoch) -> Option<EpochEnd> {
        leaders_end(log, self.own_end(), self.epoch_start, epoch)
    }

    /// When [`Self::on_tick`] has something to do at the earliest; nothing for a leader that is alone.
    #[must_use]
    pub fn next_tick_ms(&self, now_ms: i64) -> Option<i64> {
        if let Some(pending) = &self.pending {
            return pending.retry_ms;
        }
        if self.recovering {
            // The controller is to hear that it recovered; nobody joins before.
            return Some(now_ms.saturating_add(RECOVERED_WITHIN_MS));
        }
        let others = self.followers.iter().filter(|follower| self.isr.contains(&follower.id));
        others
            .map(|follower| follower.expires_ms(self.log_end, self.settings.lag_time_max_ms).max(now_ms + 1))
            .min()
    }

    pub(crate) fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    fn set_replicas(&mut self, state: &PartitionState, now_ms: i64) {
        let mut followers = Vec::with_capacity(state.replicas.len());
        for id in state.replicas.iter().chain(&state.observers).copied().filter(|id| *id != self.me) {
            let known = self.followers.iter().find(|follower| follower.id == id).cloned();
            let mut follower = known.unwrap_or_else(|| FollowerState::new(id));
            follower.is_observer = state.observers.contains(&id);
            if state.isr.contains(&id) {
                // A member gets the full time to show itself.
                follower.caught_up_ms.get_or_insert(now_ms);
            }
            followers.push(follower);
        }
        self.followers = followers;
    }

    /// The epoch it leads in.
    #[must_use]
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The log's end when the epoch began.
    #[must_use]
    pub fn epoch_start(&self) -> Offset {
        self.epoch_start
    }

    /// The committed ISR.
    #[must_use]
    pub fn isr(&self) -> &[BrokerId] {
        &self.isr
    }

    /// Rises with each change that the controller made.
    #[must_use]
    pub fn partition_epoch(&self) -> i32 {
        self.partition_epoch
    }

    /// What it knows of the other replicas.
    pub fn replicas(&self) -> impl Iterator<Item = ReplicaView> {
        self.followers.iter().map(FollowerState::view)
    }

    fn own_end(&self) -> EpochEnd {
        EpochEnd { epoch: self.epoch, end: self.log_end }
    }
}
