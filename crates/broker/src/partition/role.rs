//! The partition's machine (`replica::Replica`) and what it says: roles, watermarks, questions to the controller.
//!
//! The log's owner is asked first, then the machine's lock is taken, never the other way around; a role changes while the log is
//! owned, so that no append falls between.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use base::{BrokerId, LeaderEpoch, Offset};
use log::{PartitionLog, View};
use replica::{
    AlterPartition, AlteredPartition, Became, Effects, EpochEnd, EpochHistory, FetchRefused, Fetched,
    FollowerFetch, Leader, LogEnds, NotEnoughReplicasAfterAppend, PartitionState, ReadBound, Replica,
    ReplicaView, Settings,
};
use wire::ErrorCode;

use super::acks::AckQueue;
use super::append::{AppendError, AppendWatcher};
use super::{Partition, TopicSettings};
use crate::replication::Inbox;
use crate::waiters::Key;

/// How long after a failed AlterPartition it is sent again.
const RETRY_BACKOFF_MS: i64 = 50;

/// What a partition is and who waits on it; behind one lock.
pub(super) struct Standing {
    pub replica: Replica,
    pub acks: AckQueue<Box<dyn AppendWatcher>>,
    /// When the machine is to be told of time.
    armed: Option<i64>,
    /// The fetcher that copies the partition, while another leads.
    pub fetcher: Option<std::sync::Arc<Inbox>>,
}

impl Standing {
    pub fn new(me: BrokerId, settings: &TopicSettings) -> Self {
        let replica = Replica::new(me, machine_settings(settings));
        Self { replica, acks: AckQueue::default(), armed: None, fetcher: None }
    }
}

fn machine_settings(settings: &TopicSettings) -> Settings {
    Settings {
        min_isr: usize::try_from(settings.min_insync_replicas).unwrap_or(1),
        lag_time_max_ms: settings.lag_time_max_ms,
        retry_backoff_ms: RETRY_BACKOFF_MS,
        ..Settings::default()
    }
}

/// The controller's word as the machine wants it.
pub(crate) fn state_of(state: &metadata::image::Partition) -> PartitionState {
    let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    PartitionState {
        replicas: ids(&state.replicas),
        observers: Vec::new(),
        isr: ids(&state.isr),
        leader: BrokerId(state.leader),
        leader_epoch: LeaderEpoch(state.leader_epoch),
        partition_epoch: state.partition_epoch,
        recovering: state.leader_recovery_state == 1,
    }
}

/// A log's epochs.
pub(super) struct History<'a>(pub &'a PartitionLog);

impl EpochHistory for History<'_> {
    fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.0.latest_epoch().map(|latest| latest.epoch)
    }

    fn end_of_epoch(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.0.end_offset_for_epoch(epoch).map(|(epoch, end)| EpochEnd { epoch, end })
    }
}

/// What a log says about one epoch, taken before the machine's lock is.
struct Known {
    latest: Option<LeaderEpoch>,
    end: Option<EpochEnd>,
}

impl EpochHistory for Known {
    fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.latest
    }

    fn end_of_epoch(&self, _: LeaderEpoch) -> Option<EpochEnd> {
        self.end
    }
}

pub(super) fn ends(view: &View) -> LogEnds {
    LogEnds {
        log_start: view.log_start,
        log_end: view.log_end,
        durable_end: view.durable_end,
        high_watermark: view.high_watermark,
    }
}

impl Partition {
    /// The metadata's latest word: roles change here.
    pub(crate) fn on_metadata(&self, state: &PartitionState) {
        self.with_log(|_| {
            let now_ms = self.shared.now_ms();
            let mut standing = self.standing();
            let became = standing.replica.on_metadata(state, ends(&self.reader.view()), now_ms);
            self.show_role(&mut standing);
            let (effects, is_anew) = match became {
                Became::Stale | Became::StillFollower => return,
                Became::StillLeader(effects) => {
                    (effects.and(self.tell_of_brokers(&mut standing, now_ms)), false)
                }
                Became::Leader(effects) => (effects, true),
                Became::Follower | Became::Idle => (Effects::default(), true),
            };
            // Who waited in the epoch before waits for nothing.
            let parked = if is_anew { standing.acks.clear() } else { Vec::new() };
            standing.fetcher = None;
            self.settle(standing, effects, now_ms);
            let failed = AppendError::Fenced(ErrorCode::NOT_LEADER_OR_FOLLOWER);
            parked.into_iter().for_each(|one| one.done(Err(failed.clone())));
            // Long polls look again: at another epoch, or at a partition led elsewhere.
            self.tell_readers();
            self.waiters.moved(&Key::LogEnd(self.key));
        });
    }

    /// Makes visible without a lock what follows from the machine's state.
    fn show_role(&self, standing: &mut Standing) {
        let epoch = standing.replica.state().leader_epoch;
        let has_followers = standing.replica.state().replicas.len() > 1;
        let leader = standing.replica.leader();
        let leads = leader.is_some();
        let under = leader.is_some_and(|leader| leader.is_under_min_isr());
        self.role.store((i64::from(epoch.0) << 1) | i64::from(leads), Ordering::Release);
        self.has_followers.store(has_followers, Ordering::Release);
        self.under_min_isr.store(under, Ordering::Release);
    }

    /// Tells the machine how far the log is, and those who wait for what moved.
    pub(crate) fn watermarks_moved(&self) {
        self.advance(self.standing());
    }

    pub(super) fn advance(&self, mut standing: MutexGuard<'_, Standing>) {
        let now_ms = self.shared.now_ms();
        let (view, fetcher) = (self.reader.view(), standing.fetcher.clone());
        let effects = match standing.replica.leader() {
            Some(leader) => leader.on_append(view.log_end, view.durable_end, now_ms),
            None => {
                if let Some(fetcher) = fetcher {
                    fetcher.moved(self.key);
                }
                Effects::default()
            }
        };
        self.settle(standing, effects, now_ms);
    }

    /// Does what the machine said, and releases what the watermarks passed.
    ///
    /// Readers are told first and under the lock of the acks: who has an answer to an append finds it by its next fetch.
    pub(super) fn settle(&self, mut standing: MutexGuard<'_, Standing>, effects: Effects, now_ms: i64) {
        let moved = effects.high_watermark.is_some_and(|offset| self.reader.advance_high_watermark(offset));
        if let Some(question) = effects.alter_partition {
            self.shared.questions.ask(self.key, question);
        }
        let view = self.reader.view();
        let log_start = view.durable_log_start.0;
        let log_start_moved = self.log_start_told.swap(log_start, Ordering::AcqRel) != log_start;
        if moved || log_start_moved {
            self.dir.load().moved.store(true, Ordering::Relaxed);
            self.tell_readers();
        }
        let (of_leader, of_all) = standing.acks.release(view.durable_end, view.high_watermark);
        self.arm(&mut standing, now_ms);
        drop(standing);
        self.tell_cleaner(&view);
        of_leader.into_iter().for_each(|waiting| waiting.done(Ok(())));
        let outcome = match self.is_under_min_isr() {
            true => Err(AppendError::Fenced(NotEnoughReplicasAfterAppend::CODE)),
            false => Ok(()),
        };
        of_all.into_iter().for_each(|waiting| waiting.done(outcome.clone()));
    }

    /// Has the machine told of time when it next needs to be; an only replica does not, but to say that it recovered.
    fn arm(&self, standing: &mut Standing, now_ms: i64) {
        let armed = standing.armed;
        let next = standing.replica.leader().and_then(|leader| leader.next_tick_ms(now_ms));
        if let Some(at_ms) =
            next.filter(|at_ms| *at_ms < i64::MAX && armed.is_none_or(|armed| *at_ms < armed))
        {
            standing.armed = Some(at_ms);
            self.shared.ticks.arm(at_ms, self.key);
        }
    }

    /// Time passed: lagging followers leave the ISR, unanswered questions are asked again.
    pub(crate) fn on_tick(&self) {
        let now_ms = self.shared.now_ms();
        let mut standing = self.standing();
        standing.armed = None;
        let Some(leader) = standing.replica.leader() else { return };
        let effects = leader.on_tick(now_ms);
        self.settle(standing, effects, now_ms);
    }

    /// Brokers came, changed or died: one of them may be in sync by now, or is not waited for any more.
    pub(crate) fn on_brokers(&self) {
        let now_ms = self.shared.now_ms();
        let mut standing = self.standing();
        let effects = self.tell_of_brokers(&mut standing, now_ms);
        self.settle(standing, effects, now_ms);
    }

    /// What the topic asks has changed.
    pub(super) fn on_settings(&self) {
        if self.leads() {
            self.advance(self.standing());
        }
    }

    fn tell_of_brokers(&self, standing: &mut Standing, now_ms: i64) -> Effects {
        let brokers = self.shared.brokers.load();
        standing.replica.leader().map(|leader| leader.on_brokers(&**brokers, now_ms)).unwrap_or_default()
    }

    /// The controller answered a question of this partition, or did not.
    pub(crate) fn on_alter_partition_answer(
        &self,
        question: &AlterPartition,
        answer: Result<AlteredPartition, ErrorCode>,
    ) {
        let now_ms = self.shared.now_ms();
        let mut standing = self.standing();
        let leader = standing.replica.leader();
        let Some(leader) = leader.filter(|leader| leader.epoch() == question.leader_epoch) else { return };
        let is_changed = answer.is_ok();
        let mut effects = leader.on_alter_partition_answer(question, answer, now_ms);
        self.show_role(&mut standing);
        if is_changed {
            effects = effects.and(self.tell_of_brokers(&mut standing, now_ms));
        }
        self.settle(standing, effects, now_ms);
    }

    /// What the log knows of an epoch, and the machine that this is for. The leader's own epoch needs no look at the log; whether it is
    /// the leader's own is judged again behind the lock, for another may have begun meanwhile.
    fn history_of(&self, asked: LeaderEpoch) -> (Known, MutexGuard<'_, Standing>) {
        loop {
            let epoch = self.leader_epoch();
            let known = match asked < epoch && asked.0 >= 0 {
                true => self.with_log(|log| {
                    let log = History(log);
                    Known { latest: log.latest_epoch(), end: log.end_of_epoch(asked) }
                }),
                false => Known { latest: None, end: None },
            };
            let standing = self.standing();
            if self.leader_epoch() == epoch {
                return (known, standing);
            }
        }
    }

    /// A follower fetches. Gives where its log parts from this one, if it does.
    pub(crate) fn on_follower_fetch(&self, fetch: &FollowerFetch) -> Result<Option<EpochEnd>, ErrorCode> {
        let now_ms = self.shared.now_ms();
        let (known, mut standing) = self.history_of(fetch.last_fetched_epoch);
        let leader = standing.replica.leader().ok_or(ErrorCode::NOT_LEADER_OR_FOLLOWER)?;
        let brokers = self.shared.brokers.load();
        let log_start = self.reader.view().log_start;
        let its_start = |leader: &Leader| {
            let its = leader.replicas().find(|one| one.id == fetch.replica)?;
            its.ends.map(|(start, ..)| start)
        };
        let start_moved = its_start(leader) != Some(fetch.log_start);
        match leader.on_follower_fetch(fetch, &known, log_start, &**brokers, now_ms) {
            Ok(Fetched::Diverged(end)) => Ok(Some(end)),
            Ok(Fetched::Read(effects)) => {
                self.settle(standing, effects, now_ms);
                if start_moved {
                    // Whoever deletes records waits until all replicas begin behind them.
                    self.tell_readers();
                }
                Ok(None)
            }
            Err(refused) => Err(FetchRefused::code(refused)),
        }
    }

    /// Where an epoch of the leader's history ends (KIP-101, KIP-320).
    pub(crate) fn end_of_epoch(&self, epoch: LeaderEpoch) -> Result<Option<EpochEnd>, ErrorCode> {
        self.with_log(|log| {
            let mut standing = self.standing();
            let leader = standing.replica.leader().ok_or(ErrorCode::NOT_LEADER_OR_FOLLOWER)?;
            Ok(leader.end_of_epoch(&History(log), epoch))
        })
    }

    /// How far consumers may read, and whether this leader has proven it; nothing where another leads.
    pub(crate) fn read_bound(&self) -> Option<ReadBound> {
        self.standing().replica.leader().map(|leader| leader.read_bound())
    }

    /// Whether a replica is in sync, as the metadata have it.
    pub(crate) fn is_in_sync(&self, replica: BrokerId) -> bool {
        self.standing().replica.state().isr.contains(&replica)
    }

    /// What the leader knows of the other replicas; nothing where another leads.
    pub(crate) fn replicas(&self) -> Vec<ReplicaView> {
        self.standing().replica.leader().map(|leader| leader.replicas().collect()).unwrap_or_default()
    }

    /// The least log start of all replicas whose brokers live (DeleteRecords' low watermark).
    pub(crate) fn low_watermark(&self) -> Offset {
        let brokers = self.shared.brokers.load();
        let own = self.reader.view().durable_log_start;
        let others = self.replicas().into_iter().filter(|replica| brokers.is_live(replica.id));
        others.map(|replica| replica.ends.map_or(Offset(-1), |(start, _, _)| start)).fold(own, Offset::min)
    }

    /// Takes over new settings of the topic.
    pub(super) fn set_machine_settings(&self, settings: &TopicSettings) {
        let mut standing = self.standing();
        standing.replica.set_settings(machine_settings(settings));
        self.show_role(&mut standing);
    }
}
