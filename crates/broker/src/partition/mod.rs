//! Partitions that this node leads.
//!
//! Writes reach a partition's log by one hop into its mailbox and are run by whoever owns it at that moment; readers take no hop.
//! An append has two stages: *ordered* (it has an offset) when the owner's turn is over, *committed* when the watermark it waits for
//! has passed it. There is no task and no timer for a partition.
//!
//! ```text
//! append ─► mailbox ─► owner's turn: stage, stage, …, flush ─► acks ─┐
//!                                        │                           │ released by
//!                                        └─► committer (sync) ───────┘ the watermarks
//! ```

mod acks;
pub(crate) mod mailbox;
mod table;
pub mod verify;
mod watermark;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use base::{LeaderEpoch, Str, TopicIdPartition};
use log::{Append, AppendInfo, LogError, LogReader, Origin, PartitionLog, View};
use records::{ValidBatches, Validation};
use wire::ErrorCode;

use crate::compaction::Dirty;
use crate::logs::Dir;
use crate::waiters::{Key, Waiters};
use acks::AckQueue;
pub(crate) use acks::Acks;
use mailbox::Mailbox;
pub(crate) use table::is_internal;
pub use table::{Topic, Topics};

/// What a topic's configuration says to those who append.
#[derive(Clone, Debug)]
pub struct TopicSettings {
    /// What is asked of batches.
    pub validation: Validation,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
    /// Whether `cleanup.policy` contains `delete`.
    pub deletes: bool,
    /// What looks at batches before they are ordered.
    pub checks: Vec<Arc<dyn verify::Check>>,
}

/// How an append is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppendAs {
    /// Who appends: a client, or a coordinator.
    pub origin: Origin,
    /// The leader epoch that the appender knows; -1: any. Another one than the partition's fences the append.
    pub leader_epoch: LeaderEpoch,
    /// The broker epoch that the appender knows; -1: any. Another one than the broker's fences the append.
    pub broker_epoch: i64,
    /// What it waits for.
    pub acks: Acks,
    /// The wall clock, in milliseconds.
    pub now_ms: i64,
}

/// Follows one append through its stages. Runs on the thread of the partition's owner or of the committer: it must not block.
pub(crate) trait AppendWatcher: Send + 'static {
    /// The append has its offsets; skipped when it fails before.
    fn ordered(&mut self, info: &AppendInfo);

    /// The append is committed as asked, or failed. The last that is heard of it.
    fn done(self: Box<Self>, outcome: Result<(), AppendError>);
}

/// Why an append failed.
#[derive(Clone, Debug)]
pub(crate) enum AppendError {
    /// The partition is led by another, or in another epoch, or gone.
    Fenced(ErrorCode),
    /// The log refused.
    Log(LogError),
}

impl AppendError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Fenced(code) => *code,
            Self::Log(error) => crate::errors::of_log(error),
        }
    }
}

struct Job {
    batches: ValidBatches,
    how: AppendAs,
    watcher: Box<dyn AppendWatcher>,
}

/// One partition that this node leads.
pub struct Partition {
    key: TopicIdPartition,
    topic: Str,
    reader: LogReader,
    leader_epoch: AtomicI32,
    /// Where the leader's epoch began: the log's end when it became leader.
    epoch_start: AtomicI64,
    settings: ArcSwap<TopicSettings>,
    log: Mailbox<PartitionLog, Job>,
    acks: Mutex<AckQueue<Box<dyn AppendWatcher>>>,
    waiters: Arc<Waiters>,
    /// Where the log is; another directory once it was moved there (KIP-113).
    dir: ArcSwap<Dir>,
    /// The durable log start that readers were told last.
    log_start_told: AtomicI64,
    /// Where the active segment begins, as the cleaner was told last.
    rolled_told: AtomicI64,
    dirty: Arc<Dirty>,
    /// Nothing is appended any more.
    is_closed: AtomicBool,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partition({}-{})", self.topic, self.key.partition)
    }
}

impl Partition {
    pub(crate) fn new(
        topic: Str,
        log: PartitionLog,
        leader_epoch: LeaderEpoch,
        settings: Arc<TopicSettings>,
        waiters: Arc<Waiters>,
        dir: Arc<Dir>,
        dirty: Arc<Dirty>,
    ) -> Self {
        let reader = log.reader();
        let view = reader.view();
        let partition = Self {
            key: log.key(),
            topic,
            leader_epoch: AtomicI32::new(leader_epoch.0),
            epoch_start: AtomicI64::new(view.log_end.0),
            settings: ArcSwap::new(settings),
            reader,
            log: Mailbox::new(log),
            acks: Mutex::default(),
            waiters,
            dir: ArcSwap::new(dir),
            log_start_told: AtomicI64::new(view.durable_log_start.0),
            rolled_told: AtomicI64::new(-1),
            dirty,
            is_closed: AtomicBool::new(false),
        };
        partition.watermarks_moved();
        partition
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

    /// The epoch of its leader, which is this node.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        LeaderEpoch(self.leader_epoch.load(Ordering::Acquire))
    }

    /// How many replicas are in sync.
    pub fn in_sync_replicas(&self) -> i32 {
        1
    }

    /// The epoch of this broker's registration.
    pub fn broker_epoch(&self) -> i64 {
        self.dir.load().broker_epoch()
    }

    /// What the topic's configuration asks.
    pub fn settings(&self) -> Arc<TopicSettings> {
        self.settings.load_full()
    }

    /// Takes over in a later epoch; appends of earlier ones are fenced from now on.
    pub(crate) fn set_leader_epoch(&self, epoch: LeaderEpoch) {
        let before = self.leader_epoch.swap(epoch.0, Ordering::AcqRel);
        assert!(before <= epoch.0, "leader epochs rise");
        if before < epoch.0 {
            self.epoch_start.store(self.reader.view().log_end.0, Ordering::Release);
        }
    }

    pub(crate) fn set_settings(&self, settings: Arc<TopicSettings>) {
        self.settings.store(settings);
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

    /// Brings batches to the log. The watcher hears of both stages, possibly before this returns.
    pub(crate) fn append<W: AppendWatcher>(&self, batches: ValidBatches, how: AppendAs, watcher: W) {
        let job = Job { batches, how, watcher: Box::new(watcher) };
        self.log.post(job, |log, jobs| self.turn(log, jobs));
    }

    /// Waits for the log and works on it alone; for everything but appends. May block: not for hot paths.
    pub(crate) fn with_log<R>(&self, work: impl FnOnce(&mut PartitionLog) -> R) -> R {
        self.log.own(work, |log, jobs| self.turn(log, jobs))
    }

    /// One turn of the owner: all that waits gets its offsets, then one write.
    fn turn(&self, log: &mut PartitionLog, jobs: VecDeque<Job>) {
        let mut ordered = Vec::with_capacity(jobs.len());
        for job in jobs {
            let outcome = self.stage(log, job.batches, &job.how);
            ordered.push((outcome, job.how.acks, job.watcher));
        }
        let failed = log.flush().err();
        let mut finished = Vec::new();
        let mut acks = self.lock_acks();
        for (outcome, wanted, mut watcher) in ordered {
            let outcome = match (outcome, &failed) {
                (Ok(info), Some(error)) if !info.duplicate => Err(AppendError::Log(error.clone())),
                (outcome, _) => outcome,
            };
            match outcome {
                Ok(info) => {
                    watcher.ordered(&info);
                    let done = acks.push(wanted, info.last_offset.plus(1), watcher);
                    finished.extend(done.map(|watcher| (watcher, Ok(()))));
                }
                Err(error) => finished.push((watcher, Err(error))),
            }
        }
        drop(acks);
        finished.into_iter().for_each(|(watcher, outcome)| watcher.done(outcome));
        self.watermarks_moved();
    }

    fn stage(
        &self,
        log: &mut PartitionLog,
        batches: ValidBatches,
        how: &AppendAs,
    ) -> Result<AppendInfo, AppendError> {
        let leader_epoch = self.leader_epoch();
        if self.is_closed() {
            return Err(AppendError::Fenced(ErrorCode::NOT_LEADER_OR_FOLLOWER));
        }
        if self.dir.load().is_full() && how.origin == Origin::Client {
            return Err(AppendError::Fenced(ErrorCode::KAFKA_STORAGE_ERROR));
        }
        let broker_epoch = self.dir.load().broker_epoch();
        if how.broker_epoch != -1 && how.broker_epoch != broker_epoch {
            return Err(AppendError::Fenced(ErrorCode::STALE_BROKER_EPOCH));
        }
        if how.leader_epoch.0 != -1 && how.leader_epoch != leader_epoch {
            return Err(AppendError::Fenced(ErrorCode::NOT_LEADER_OR_FOLLOWER));
        }
        let append = Append { leader_epoch, origin: how.origin, now_ms: how.now_ms };
        log.stage(batches, &append).map_err(AppendError::Log)
    }

    /// Computes the high watermark from what is durable, and tells those who wait for what moved.
    ///
    /// Readers are told first and under the lock of the acks: who has an answer to an append finds it by its next fetch.
    pub(crate) fn watermarks_moved(&self) {
        let mut acks = self.lock_acks();
        let durable_end = self.reader.view().durable_end;
        let moved = self.reader.advance_high_watermark(watermark::high_watermark(durable_end, &[]));
        let view = self.reader.view();
        let log_start = view.durable_log_start.0;
        let log_start_moved = self.log_start_told.swap(log_start, Ordering::AcqRel) != log_start;
        if moved || log_start_moved {
            self.tell_readers();
        }
        let released = acks.release(view.durable_end, view.high_watermark);
        drop(acks);
        self.tell_cleaner(&view);
        released.into_iter().for_each(|waiting| waiting.done(Ok(())));
    }

    /// Tells those who wait to read that something changed here.
    pub(crate) fn tell_readers(&self) {
        self.waiters.moved(&Key::Partition(self.key));
    }

    /// Fails all appends that wait: their log directory failed, or this node leads no longer.
    pub(crate) fn fail_acks(&self, error: ErrorCode) {
        let waiting = self.lock_acks().clear();
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

    fn lock_acks(&self) -> MutexGuard<'_, AckQueue<Box<dyn AppendWatcher>>> {
        self.acks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
