//! Partitions that this node holds a replica of: those that it leads, and those that it copies from their leaders.
//!
//! Writes reach a partition's log by one hop into its mailbox and are run by whoever owns it at that moment; readers take no hop.
//! An append has two stages: *ordered* (it has an offset) when the owner's turn is over, *committed* when the watermark it waits for
//! has passed it. There is no task and no timer for a partition. What a replica is and how far its watermark goes is decided by
//! `replica::Replica` (`role.rs`); a single node is the case of an ISR of one.
//!
//! ```text
//! append ─► mailbox ─► owner's turn: stage, stage, …, flush ─► acks ─┐
//!                                        │                           │ released by
//!                                        └─► committer (sync) ───────┘ the watermarks
//! ```

mod acks;
mod append;
mod follow;
pub(crate) mod mailbox;
mod role;
mod table;
pub mod verify;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use base::{LeaderEpoch, Str, TopicIdPartition};
use log::{LogError, LogReader, PartitionLog, View};
use records::{Mode, Validation};
use wire::ErrorCode;

use crate::compaction::Dirty;
use crate::housekeeping::Housekeeping;
use crate::logs::Dir;
use crate::replication::{Replication, Throttled};
use crate::waiters::{Key, Waiters};
pub(crate) use acks::Acks;
pub(crate) use append::{AppendAs, AppendError, AppendWatcher};
pub(crate) use follow::end_of;
use mailbox::Mailbox;
use role::Standing;
pub(crate) use role::state_of;
pub(crate) use table::is_internal;
pub use table::{Topic, Topics};

/// What a topic's configuration says to those who append.
#[derive(Clone, Debug)]
pub struct TopicSettings {
    /// What is asked of batches.
    pub validation: Validation,
    /// Whether the topic itself says how closely they are looked at, and no listener can say otherwise.
    pub validation_is_by_topic: bool,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
    /// `replica.lag.time.max.ms`.
    pub lag_time_max_ms: i64,
    /// Whether `cleanup.policy` contains `delete`.
    pub deletes: bool,
    /// Whose followers here are throttled …
    pub throttled_as_follower: Throttled,
    /// … and whose leaders (KIP-73).
    pub throttled_as_leader: Throttled,
    /// What looks at batches before they are ordered.
    pub checks: Vec<Arc<dyn verify::Check>>,
}

impl TopicSettings {
    /// What is asked of batches that come in by a listener with this mode of its own.
    pub(crate) fn validation_by(&self, listener: Option<Mode>) -> Validation {
        let mode = listener.filter(|_| !self.validation_is_by_topic).unwrap_or(self.validation.mode);
        Validation { mode, ..self.validation }
    }
}

/// One partition that this node holds a replica of.
pub struct Partition {
    key: TopicIdPartition,
    topic: Str,
    reader: LogReader,
    /// Twice the leader's epoch, plus one while this node leads.
    role: AtomicI64,
    /// Whether there are other replicas.
    has_followers: AtomicBool,
    /// Whether fewer replicas are in sync than `min.insync.replicas` asks.
    under_min_isr: AtomicBool,
    settings: ArcSwap<TopicSettings>,
    log: Mailbox<PartitionLog, append::Job>,
    standing: Mutex<Standing>,
    shared: Arc<Replication>,
    waiters: Arc<Waiters>,
    /// Where the log is; another directory once it was moved there (KIP-113).
    dir: ArcSwap<Dir>,
    /// The durable log start that readers were told last.
    log_start_told: AtomicI64,
    /// Where the active segment begins, as the cleaner was told last.
    rolled_told: AtomicI64,
    /// By when, since the start, the oldest record that a relaxed log has not synced is to be.
    sync_due_ms: AtomicU64,
    dirty: Arc<Dirty>,
    housekeeping: Arc<Housekeeping>,
    /// Nothing is appended any more.
    is_closed: AtomicBool,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partition({}-{})", self.topic, self.key.partition)
    }
}

/// What a partition is made with beside its log.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub housekeeping: Arc<Housekeeping>,
    pub waiters: Arc<Waiters>,
    pub dirty: Arc<Dirty>,
    pub shared: Arc<Replication>,
    pub dir: Arc<Dir>,
}

impl Partition {
    /// A replica whose role the metadata will tell.
    pub(crate) fn new(
        topic: Str,
        log: PartitionLog,
        settings: Arc<TopicSettings>,
        surroundings: Surroundings,
    ) -> Self {
        let Surroundings { housekeeping, waiters, dirty, shared, dir } = surroundings;
        let reader = log.reader();
        let view = reader.view();
        Self {
            key: log.key(),
            topic,
            role: AtomicI64::new(-2),
            has_followers: AtomicBool::new(false),
            under_min_isr: AtomicBool::new(false),
            standing: Mutex::new(Standing::new(shared.me, &settings)),
            settings: ArcSwap::new(settings),
            reader,
            log: Mailbox::new(log),
            shared,
            waiters,
            dir: ArcSwap::new(dir),
            log_start_told: AtomicI64::new(view.durable_log_start.0),
            rolled_told: AtomicI64::new(-1),
            sync_due_ms: AtomicU64::new(0),
            dirty,
            housekeeping,
            is_closed: AtomicBool::new(false),
        }
    }

    /// The partition's identity.
    pub fn key(&self) -> TopicIdPartition {
        self.key
    }

    /// The topic's name.
    pub fn topic(&self) -> &Str {
        &self.topic
    }

    /// The directory its log is in.
    pub(crate) fn dir(&self) -> Arc<Dir> {
        self.dir.load_full()
    }

    /// Its log was moved to another directory; told by the log's owner.
    pub(crate) fn moved_to(&self, dir: &Arc<Dir>) {
        self.dir.store(Arc::clone(dir));
    }

    /// Its log, for readers.
    pub fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// Whether there is anything in it.
    pub fn holds_records(&self) -> bool {
        let view = self.reader.view();
        view.log_start < view.log_end || view.segments.len() > 1
    }

    /// The epoch of its leader.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        LeaderEpoch(i32::try_from(self.role.load(Ordering::Acquire) >> 1).unwrap_or(-1))
    }

    /// Whether this node leads it.
    pub fn leads(&self) -> bool {
        self.role.load(Ordering::Acquire) & 1 == 1
    }

    /// Whether other nodes have replicas of it.
    pub(crate) fn has_followers(&self) -> bool {
        self.has_followers.load(Ordering::Acquire)
    }

    fn is_under_min_isr(&self) -> bool {
        self.under_min_isr.load(Ordering::Acquire)
    }

    /// The epoch of this broker's registration.
    pub fn broker_epoch(&self) -> i64 {
        self.dir.load().broker_epoch()
    }

    /// What the topic's configuration asks.
    pub fn settings(&self) -> Arc<TopicSettings> {
        self.settings.load_full()
    }

    pub(crate) fn set_settings(&self, settings: Arc<TopicSettings>) {
        self.set_machine_settings(&settings);
        self.settings.store(settings);
        // What waited for more replicas than are asked now need not wait for another append.
        self.on_settings();
        // What was not worth a round before may be now.
        self.rolled_told.store(-1, Ordering::Release);
        self.tell_cleaner(&self.reader.view());
    }

    /// Tells the cleaner when a segment was closed.
    fn tell_cleaner(&self, view: &View) {
        let [_, .., active] = view.segments.as_slice() else { return };
        let base_offset = active.base_offset().0;
        if self.settings.load().validation.compacted
            && self.rolled_told.swap(base_offset, Ordering::AcqRel) != base_offset
        {
            self.dirty.note(self.key);
        }
    }

    /// Whether nothing is appended any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Checks the epoch a client or follower knows (KIP-320); -1 is not checked.
    pub fn check_epoch(&self, known: LeaderEpoch) -> Result<(), ErrorCode> {
        let current = self.leader_epoch();
        match known.0 {
            -1 => Ok(()),
            _ if known < current => Err(ErrorCode::FENCED_LEADER_EPOCH),
            _ if known > current => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
            _ => Ok(()),
        }
    }

    /// Tells those who wait to read that something changed here.
    pub(crate) fn tell_readers(&self) {
        self.waiters.moved(&Key::Partition(self.key));
    }

    /// Tells consumers and followers that the log begins elsewhere now.
    pub(crate) fn log_start_moved(&self) {
        self.tell_readers();
        self.waiters.moved(&Key::LogEnd(self.key));
    }

    /// Fails all appends that wait: their log directory failed, or this node leads no longer.
    pub(crate) fn fail_acks(&self, error: ErrorCode) {
        let waiting = self.standing().acks.clear();
        waiting.into_iter().for_each(|one| one.done(Err(AppendError::Fenced(error))));
    }

    /// Closes the log in order; nothing is appended any more.
    pub(crate) fn close_log(&self) -> Result<(), LogError> {
        self.is_closed.store(true, Ordering::Release);
        self.with_log(|log| self.dir().with(|dir| dir.close_partition(log))).unwrap_or(Ok(()))
    }

    /// The partition is gone, or led elsewhere: nobody waits here any more.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.fail_acks(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        self.tell_readers();
    }

    /// Sees to it that what a relaxed log holds is synced in time.
    fn sync_in_time(&self, log: &mut PartitionLog) {
        if let Some(after_ms) = log.flush_due() {
            let due_ms = self.housekeeping.in_ms(after_ms);
            // Before it is armed: whoever is told that something is armed already finds this when it fires.
            self.sync_due_ms.store(due_ms, Ordering::Release);
            self.housekeeping.sync_by(self.key, due_ms);
        }
    }

    /// By when, since the start, what a relaxed log holds is to be synced; of no meaning where all is.
    pub(crate) fn sync_due_ms(&self) -> u64 {
        self.sync_due_ms.load(Ordering::Acquire)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
