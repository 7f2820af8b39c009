//! Appends of clients and coordinators: from the mailbox into the log, and who is told what when.

use std::collections::VecDeque;

use base::{LeaderEpoch, Offset};
use log::{Append, AppendInfo, LogError, Origin, PartitionLog};
use records::ValidBatches;
use wire::ErrorCode;

use super::{Acks, Partition};
use crate::blocking;
use crate::logs::Dir;
use crate::waiters::Key;

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
    /// The partition is led by another, or in another epoch, or gone; or too few replicas are in sync.
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

/// An append in the mailbox.
pub(super) struct Job {
    batches: ValidBatches,
    how: AppendAs,
    watcher: Box<dyn AppendWatcher>,
}

/// An append of a turn: what came of it so far, what it waits for, who follows it.
type Ordered = (Result<AppendInfo, AppendError>, Acks, Box<dyn AppendWatcher>);

/// A write that failed takes all with it that was staged and not written, also what a duplicate of it was told: whatever lies at or
/// beyond the log's end now is not in the log, and others will get its offsets.
fn fail_undone(ordered: &mut [Ordered], log_end: Offset, error: &AppendError) {
    for (outcome, ..) in ordered {
        if outcome.as_ref().is_ok_and(|info| info.last_offset >= log_end) {
            *outcome = Err(error.clone());
        }
    }
}

impl Partition {
    /// Brings batches to the log. The watcher hears of both stages, possibly before this returns.
    pub(crate) fn append<W: AppendWatcher>(&self, batches: ValidBatches, how: AppendAs, watcher: W) {
        let job = Job { batches, how, watcher: Box::new(watcher) };
        self.log.post(job, |log, jobs| self.turn(log, jobs));
    }

    /// Waits for the log and works on it alone; for everything but appends. May block: not for hot paths.
    pub(crate) fn with_log<R>(&self, work: impl FnOnce(&mut PartitionLog) -> R) -> R {
        self.log.own(work, |log, jobs| self.turn(log, jobs))
    }

    /// Whether an append may be tried: this node leads, its lease holds, and enough replicas are in sync for `acks=all`.
    pub(crate) fn check_append(&self, acks: Acks) -> Result<(), ErrorCode> {
        if !self.leads() || !self.shared.lease.holds(|| self.shared.now_ms()) {
            return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        match acks == Acks::All && self.is_under_min_isr() {
            true => Err(ErrorCode::NOT_ENOUGH_REPLICAS),
            false => Ok(()),
        }
    }

    /// One turn of the owner: all that waits gets its offsets, then one write.
    fn turn(&self, log: &mut PartitionLog, jobs: VecDeque<Job>) {
        let mut ordered = Vec::with_capacity(jobs.len());
        for job in jobs {
            let outcome = self.stage(log, job.batches, &job.how);
            if let Err(error) = &outcome {
                fail_undone(&mut ordered, log.log_end(), error);
            }
            ordered.push((outcome, job.how.acks, job.watcher));
        }
        // No connection waits for the disk on the thread that serves it.
        let flushed = if log.flush_will_sync() { blocking::in_place(|| log.flush()) } else { log.flush() };
        let failed = flushed.err();
        if let Some(error) = &failed {
            fail_undone(&mut ordered, log.log_end(), &AppendError::Log(error.clone()));
        }
        self.sync_in_time(log);
        let mut finished = Vec::new();
        let mut standing = self.standing();
        for (outcome, wanted, mut watcher) in ordered {
            let outcome = match (outcome, &failed) {
                (Ok(info), Some(error)) if !info.duplicate => Err(AppendError::Log(error.clone())),
                (outcome, _) => outcome,
            };
            match outcome {
                Ok(info) => {
                    watcher.ordered(&info);
                    let done = standing.acks.push(wanted, info.last_offset.plus(1), watcher);
                    finished.extend(done.map(|watcher| (watcher, Ok(()))));
                }
                Err(error) => finished.push((watcher, Err(error))),
            }
        }
        if self.has_followers() {
            self.waiters.moved(&Key::LogEnd(self.key));
        }
        self.advance(standing);
        // Whoever ended the waiting while this turn was at the disk did not find what it has put there since.
        if self.is_closed() || self.dir.load().has_failed() {
            let gone = if self.is_closed() {
                ErrorCode::NOT_LEADER_OR_FOLLOWER
            } else {
                ErrorCode::KAFKA_STORAGE_ERROR
            };
            self.fail_acks(gone);
        }
        finished.into_iter().for_each(|(watcher, outcome)| watcher.done(outcome));
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
        self.check_append(how.acks).map_err(AppendError::Fenced)?;
        let is_closed_to_clients = |dir: &Dir| dir.is_full() || dir.is_behind();
        if how.origin == Origin::Client && is_closed_to_clients(&self.dir.load()) {
            return Err(AppendError::Fenced(ErrorCode::KAFKA_STORAGE_ERROR));
        }
        let broker_epoch = self.dir.load().broker_epoch();
        if how.broker_epoch != -1 && how.broker_epoch != broker_epoch {
            // Clients know no broker epochs; they look for the leader anew.
            let is_client = how.origin == Origin::Client;
            return Err(AppendError::Fenced(match is_client {
                true => ErrorCode::NOT_LEADER_OR_FOLLOWER,
                false => ErrorCode::STALE_BROKER_EPOCH,
            }));
        }
        if how.leader_epoch.0 != -1 && how.leader_epoch != leader_epoch {
            return Err(AppendError::Fenced(ErrorCode::NOT_LEADER_OR_FOLLOWER));
        }
        let append = Append { leader_epoch, origin: how.origin, now_ms: how.now_ms };
        log.stage(batches, &append).map_err(AppendError::Log)
    }
}
