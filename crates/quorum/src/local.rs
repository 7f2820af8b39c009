//! The metadata log of a node that is its own majority.
//!
//! One thread owns the file. It takes all proposals that wait, writes them as one frame, syncs once, and tells each where it
//! ends; so a thousand proposals at once cost a handful of syncs. Followers read the batches since the last snapshot from
//! memory, which is bounded by what [`Growth`] lets the log grow plus one group.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use base::Uuid;
use env::Disk;
use metadata::Record;
use tokio::sync::{oneshot, watch};

use crate::growth::Growth;
use crate::{
    Batch, Committed, FileError, Leadership, LogFile, MetadataLog, Pending, ProposeError, Voter, Voters,
};

/// The one epoch of a node that nobody can take the lead from.
const EPOCH: i32 = 1;

/// At most this many proposals wait; more callers wait for room.
const PROPOSALS_MAX: usize = 1024;

/// At most this many records are committed by one sync.
const GROUP_RECORDS_MAX: usize = 100_000;

/// The engine; see the module's text. Dropping it ends the thread once the last proposal is answered.
#[derive(Debug)]
pub struct Local {
    proposals: mpsc::SyncSender<Job>,
    tail: Arc<Tail>,
    end: watch::Receiver<u64>,
    leadership: watch::Sender<Leadership>,
    voter: Voter,
}

enum Job {
    Propose(Vec<Record>, oneshot::Sender<Result<u64, ProposeError>>),
    Snapshot(u64, Vec<Record>),
}

/// What followers read: the newest snapshot and the batches behind it.
#[derive(Debug)]
struct Tail {
    held: Mutex<Held>,
    growth: Growth,
}

#[derive(Debug, Default)]
struct Held {
    snapshot: Option<(u64, Arc<Vec<Record>>)>,
    batches: VecDeque<Arc<Batch>>,
}

impl Local {
    /// Opens the log in `dir` and starts the thread that owns it. `node_id` and `directory` name this node as the only voter.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, node_id: i32, directory: Uuid) -> Result<Self, FileError> {
        let (file, recovered) = LogFile::open(disk, dir)?;
        if recovered.torn_bytes > 0 {
            tracing::warn!(bytes = recovered.torn_bytes, "cut off the torn last write of the metadata log");
        }
        let held = Held {
            snapshot: recovered.snapshot.map(|(end, records)| (end, Arc::new(records))),
            batches: recovered.batches.into_iter().map(Arc::new).collect(),
        };
        let growth = Growth::new(file.log_bytes(), recovered.snapshot_bytes);
        let tail = Arc::new(Tail { held: Mutex::new(held), growth });
        let (sender, end) = watch::channel(file.end_offset());
        let (proposals, jobs) = mpsc::sync_channel(PROPOSALS_MAX);
        let owner = Owner { file, tail: tail.clone(), end: sender };
        let spawned = thread::Builder::new().name("metadata-log".into()).spawn(move || owner.run(&jobs));
        spawned.map_err(|source| FileError::Io { path: dir.into(), source })?;
        let own = Leadership { leader: Some(node_id), epoch: EPOCH, is_own: true };
        let leadership = watch::Sender::new(own);
        let voter =
            Voter { id: node_id, directory, address: None, end_offset: None, heard: None, caught_up: None };
        Ok(Self { proposals, tail, end, leadership, voter })
    }

    fn read(&self, from: u64) -> Option<Committed> {
        let held = self.tail.lock();
        let first = held.batches.front().map(|batch| batch.first_offset);
        if let Some((end, records)) = &held.snapshot
            && from < *end
            && first.is_none_or(|first| from < first)
        {
            return Some(Committed::Snapshot { end_offset: *end, records: records.clone() });
        }
        let place = held.batches.partition_point(|batch| batch.end_offset() <= from);
        let batch = held.batches.get(place).cloned()?;
        Some(Committed::Batch { end_offset: batch.end_offset(), batch })
    }
}

impl MetadataLog for Local {
    fn propose(&self, _epoch: i32, records: Vec<Record>) -> Pending<'_, Result<u64, ProposeError>> {
        let (answer, answered) = oneshot::channel();
        // Sent before the future is first polled, so that proposals keep the order in which they were made.
        let sent = self.proposals.send(Job::Propose(records, answer));
        Box::pin(async move {
            sent.map_err(|_| ProposeError::Closed)?;
            answered.await.unwrap_or(Err(ProposeError::Closed))
        })
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.subscribe()
    }

    fn confirm(&self) -> Pending<'_, Result<u64, ProposeError>> {
        let end = *self.end.borrow();
        Box::pin(async move { Ok(end) })
    }

    fn next(&self, from: u64) -> Pending<'_, Result<Committed, ProposeError>> {
        let mut end = self.end.clone();
        Box::pin(async move {
            loop {
                end.mark_unchanged();
                if let Some(committed) = self.read(from) {
                    return Ok(committed);
                }
                end.changed().await.map_err(|_| ProposeError::Closed)?;
            }
        })
    }

    fn snapshot(&self, end_offset: u64, records: Vec<Record>) {
        // How long it will be is known when it is written; another one is not asked for before that.
        self.tail.growth.begin_anew(u64::MAX);
        // A closed log needs no snapshot.
        let _ = self.proposals.send(Job::Snapshot(end_offset, records));
    }

    fn wants_snapshot(&self) -> bool {
        self.tail.growth.wants_snapshot()
    }

    fn voters(&self) -> Voters {
        let high_watermark = *self.end.borrow();
        let now = Some(std::time::Duration::ZERO);
        let voter =
            Voter { end_offset: Some(high_watermark), heard: now, caught_up: now, ..self.voter.clone() };
        Voters {
            leader: Some(voter.id),
            epoch: EPOCH,
            voters: vec![voter],
            observers: vec![],
            high_watermark,
        }
    }
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, Held> {
        // Whoever holds the lock only moves counted pointers; a panic there leaves nothing half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The batches from an offset on, at which one of them begins.
    fn behind(&self, offset: u64) -> Vec<Arc<Batch>> {
        let held = self.lock();
        held.batches.iter().filter(|batch| batch.first_offset >= offset).cloned().collect()
    }
}

/// What the thread owns.
struct Owner {
    file: LogFile,
    tail: Arc<Tail>,
    end: watch::Sender<u64>,
}

type Waiting = (u64, oneshot::Sender<Result<u64, ProposeError>>);

impl Owner {
    fn run(mut self, jobs: &mpsc::Receiver<Job>) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
            match job {
                Job::Propose(records, answer) => next = self.commit(records, answer, jobs),
                Job::Snapshot(end_offset, records) => self.store_snapshot(end_offset, records),
            }
        }
    }

    /// Commits a proposal together with those that wait behind it; returns the job that ended the group.
    fn commit(
        &mut self,
        mut records: Vec<Record>,
        answer: oneshot::Sender<Result<u64, ProposeError>>,
        jobs: &mpsc::Receiver<Job>,
    ) -> Option<Job> {
        let base = self.file.end_offset();
        let mut waiting: Vec<Waiting> = vec![(base + records.len() as u64, answer)];
        let mut next = None;
        while records.len() < GROUP_RECORDS_MAX {
            match jobs.try_recv() {
                Ok(Job::Propose(more, answer)) => {
                    records.extend(more);
                    waiting.push((base + records.len() as u64, answer));
                }
                Ok(job) => {
                    next = Some(job);
                    break;
                }
                Err(_) => break,
            }
        }
        self.write(records, waiting);
        next
    }

    fn write(&mut self, records: Vec<Record>, waiting: Vec<Waiting>) {
        let first_offset = self.file.end_offset();
        let before = self.file.log_bytes();
        let written = if records.is_empty() { Ok(first_offset) } else { self.file.append(&records) };
        self.tail.growth.wrote(self.file.log_bytes() - before);
        match written {
            Ok(end_offset) => {
                self.publish(Batch { first_offset, records }, end_offset);
                for (end_offset, answer) in waiting {
                    let _ = answer.send(Ok(end_offset));
                }
            }
            Err(error) => {
                tracing::error!(%error, "the metadata log cannot be written");
                let reason: Arc<str> = error.to_string().into();
                for (_, answer) in waiting {
                    let _ = answer.send(Err(ProposeError::Failed(reason.clone())));
                }
            }
        }
    }

    fn publish(&mut self, batch: Batch, end_offset: u64) {
        if !batch.records.is_empty() {
            self.tail.lock().batches.push_back(Arc::new(batch));
        }
        self.end.send_replace(end_offset);
    }

    fn store_snapshot(&mut self, end_offset: u64, records: Vec<Record>) {
        let rest = self.tail.behind(end_offset);
        let bytes = match self.file.snapshot(end_offset, &records, &rest) {
            Ok(bytes) => bytes,
            Err(error) => {
                return tracing::error!(%error, "the snapshot of the metadata log cannot be written");
            }
        };
        self.tail.growth.begin_anew(bytes);
        let mut held = self.tail.lock();
        held.batches = rest.into();
        held.snapshot = Some((end_offset, Arc::new(records)));
    }
}

#[cfg(test)]
mod tests;
