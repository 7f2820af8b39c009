//! The thread that owns a voter's files: writes in order, one sync for all appends that wait.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;

use openraft::storage::IOFlushed;
use tokio::sync::oneshot;

use super::disk::{Files, Snapshot, put_entries};
use super::types::{Entry, LogId, Types, Vote};
use crate::FileError;
use crate::growth::Growth;

/// At most this many bytes of appends share one sync.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

type Done = oneshot::Sender<io::Result<()>>;

/// What the thread is told.
enum Job {
    Append(Vec<u8>, IOFlushed<Types>),
    Truncate(u64),
    Vote(Vote, Done),
    Snapshot(Snapshot, Done),
    Purge(LogId, Vec<Entry>, Done),
}

/// The way to the thread.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    growth: Arc<Growth>,
}

impl Writer {
    /// Starts the thread; it ends when the last handle is gone. The newest snapshot has `image_bytes`.
    pub fn start(files: Files, image_bytes: u64) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        let growth = Arc::new(Growth::new(files.log_bytes(), image_bytes));
        thread::Builder::new().name("metadata-log".into()).spawn(move || run(files, &waiting))?;
        Ok(Self { jobs, growth })
    }

    /// How much was appended since the last snapshot.
    pub fn growth(&self) -> &Growth {
        &self.growth
    }

    /// Appends entries, the first of which has the index `first`; `flushed` is told when they are durable.
    pub fn append(&self, first: u64, entries: &[Entry], flushed: IOFlushed<Types>) {
        let mut frame = Vec::new();
        put_entries(first, entries, &mut frame);
        self.growth.wrote(frame.len() as u64);
        if let Err(mpsc::SendError(Job::Append(_, flushed))) = self.jobs.send(Job::Append(frame, flushed)) {
            flushed.io_completed(Err(closed()));
        }
    }

    /// Cuts off what is from `first` on.
    pub fn truncate(&self, first: u64) -> io::Result<()> {
        self.jobs.send(Job::Truncate(first)).map_err(|_| closed())
    }

    /// Makes a vote durable.
    pub async fn save_vote(&self, vote: Vote) -> io::Result<()> {
        self.ask(|done| Job::Vote(vote, done)).await
    }

    /// Stores a snapshot.
    pub async fn save_snapshot(&self, snapshot: Snapshot) -> io::Result<()> {
        self.ask(|done| Job::Snapshot(snapshot, done)).await
    }

    /// Forgets entries up to `purged`; `rest` is all that is left.
    pub async fn purge(&self, purged: LogId, rest: Vec<Entry>) -> io::Result<()> {
        self.ask(|done| Job::Purge(purged, rest, done)).await
    }

    async fn ask(&self, job: impl FnOnce(Done) -> Job) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        self.jobs.send(job(done)).map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn closed() -> io::Error {
    io::Error::other("the metadata log is closed")
}

fn run(mut files: Files, jobs: &mpsc::Receiver<Job>) {
    let mut next = None;
    while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
        match job {
            Job::Append(frames, flushed) => next = append(&mut files, frames, flushed, jobs),
            Job::Truncate(first) => {
                let mut frame = Vec::new();
                put_entries(first, &[], &mut frame);
                // Should it fail, the next append says so.
                let _ = said(files.append(&frame));
            }
            Job::Vote(vote, done) => drop(done.send(said(files.save_vote(&vote)))),
            Job::Snapshot(snapshot, done) => drop(done.send(said(files.save_snapshot(&snapshot)))),
            Job::Purge(purged, rest, done) => drop(done.send(said(files.purge(purged, &rest)))),
        }
    }
}

/// Appends together with what waits behind; returns the job that ended the group.
fn append(
    files: &mut Files,
    mut frames: Vec<u8>,
    flushed: IOFlushed<Types>,
    jobs: &mpsc::Receiver<Job>,
) -> Option<Job> {
    let mut waiting = vec![flushed];
    let mut next = None;
    while frames.len() < GROUP_BYTES_MAX {
        match jobs.try_recv() {
            Ok(Job::Append(more, flushed)) => {
                frames.extend_from_slice(&more);
                waiting.push(flushed);
            }
            Ok(job) => {
                next = Some(job);
                break;
            }
            Err(_) => break,
        }
    }
    let written = said(files.append(&frames));
    for flushed in waiting {
        let again = written.as_ref().copied().map_err(|error| io::Error::other(error.to_string()));
        flushed.io_completed(again);
    }
    next
}

fn said(result: Result<(), FileError>) -> io::Result<()> {
    result.map_err(|error| {
        tracing::error!(%error, "the metadata log cannot be written");
        io::Error::other(error)
    })
}
