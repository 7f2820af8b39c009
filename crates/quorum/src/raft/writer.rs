//! The thread that owns a voter's files: writes in order, one sync for all appends that wait.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;

use openraft::storage::IOFlushed;
use tokio::sync::oneshot;

use super::codec::Coded as _;
use super::disk::{Files, Snapshot, put_entries, put_items};
use super::types::{Entry, LogId, Types, Vote};
use crate::FileError;
use crate::growth::Growth;

/// At most this many bytes of appends share one sync.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

type Done = oneshot::Sender<io::Result<()>>;

/// Entries as they are written, the first of them with this index.
struct Append {
    first: u64,
    items: Vec<Vec<u8>>,
    flushed: IOFlushed<Types>,
}

/// What the thread is told.
enum Job {
    Append(Append),
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
        let items: Vec<Vec<u8>> = entries.iter().map(|entry| entry.to_bytes()).collect();
        self.growth.wrote(bytes_of(&items) as u64);
        let append = Append { first, items, flushed };
        if let Err(mpsc::SendError(Job::Append(append))) = self.jobs.send(Job::Append(append)) {
            append.flushed.io_completed(Err(closed()));
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
            Job::Append(first) => next = append(&mut files, first, jobs),
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

fn bytes_of(items: &[Vec<u8>]) -> usize {
    items.iter().map(|item| item.len() + size_of::<u32>()).sum()
}

/// Appends together with what waits behind and goes on from there, in one frame: of two that were written and not synced, the second
/// may be all that a loss of power leaves. Returns the job that ended the group.
fn append(files: &mut Files, begin: Append, jobs: &mpsc::Receiver<Job>) -> Option<Job> {
    let Append { first, mut items, flushed } = begin;
    let mut waiting = vec![flushed];
    let mut bytes = bytes_of(&items);
    let mut next = None;
    while bytes < GROUP_BYTES_MAX {
        match jobs.try_recv() {
            Ok(Job::Append(more)) if more.first == first + items.len() as u64 => {
                bytes += bytes_of(&more.items);
                items.extend(more.items);
                waiting.push(more.flushed);
            }
            Ok(job) => {
                next = Some(job);
                break;
            }
            Err(_) => break,
        }
    }
    let mut frame = Vec::with_capacity(bytes);
    put_items(first, &items, &mut frame);
    let written = said(files.append(&frame));
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use env::{Disk, SeededRandom, SimDisk};
    use metadata::record::FeatureLevelRecord;
    use openraft::EntryPayload;

    use super::super::codec::log_id;
    use super::super::types::Proposal;
    use super::*;

    /// Of more than a block of the disk each.
    fn entry(index: u64) -> Entry {
        let record = FeatureLevelRecord { name: "f".repeat(700).into(), level: 1 };
        let payload = EntryPayload::Normal(Proposal(Arc::new(vec![record.into()])));
        Entry { log_id: log_id(1, index), payload }
    }

    fn waiting(index: u64) -> Append {
        Append { first: index, items: vec![entry(index).to_bytes()], flushed: IOFlushed::noop() }
    }

    /// Appends that waited together lie in one write: of two frames in it, the second may be all that is left.
    #[test]
    fn a_loss_of_power_in_a_group_of_appends_leaves_what_was_before() {
        for seed in 0..300 {
            let disk = SimDisk::new();
            let open = || {
                let disk: Arc<dyn Disk> = Arc::new(disk.clone());
                Files::open(disk, Path::new("/quorum"), &SeededRandom::new(1))
                    .map_err(|error| format!("{seed}: {error}"))
            };
            let (mut files, _) = open().unwrap();
            let (jobs, queue) = mpsc::channel();
            assert!(append(&mut files, waiting(0), &queue).is_none());
            (2..5).for_each(|index| jobs.send(Job::Append(waiting(index))).unwrap());
            // What does not go on where the group ends is for the next.
            jobs.send(Job::Append(waiting(3))).unwrap();
            // Written, and not synced.
            disk.cut_power_at(disk.operations() + 1);
            let next = append(&mut files, waiting(1), &queue);
            assert!(matches!(next, Some(Job::Append(Append { first: 3, .. }))));
            drop(files);
            disk.crash(seed);
            let found = open().unwrap().1.entries.into_keys().collect::<Vec<_>>();
            assert!(found == [0] || found == [0, 1, 2, 3, 4], "{seed}: {found:?}");
        }
    }
}
