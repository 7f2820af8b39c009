//! Raft's log as the library sees it: entries in memory, each on disk before it counts.
//!
//! Invariant: memory holds every entry behind the last purge, in order; what memory has and the disk has not yet is told to the
//! library only when it is synced.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::{OptionalSend, RaftLogReader};

use super::codec::Coded as _;
use super::disk::Recovered;
use super::types::{Entry, LogId, Types, Vote};
use super::writer::Writer;

/// At most this many entries are read at once for a follower.
const READ_MAX: u64 = 1024;

/// And so many bytes of them: a message must pass the limits of the way.
const READ_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The log; clones share it.
#[derive(Clone)]
pub(super) struct Store {
    held: Arc<Mutex<Held>>,
    writer: Writer,
}

#[derive(Debug, Default)]
struct Held {
    vote: Option<Vote>,
    purged: Option<LogId>,
    entries: BTreeMap<u64, Entry>,
}

impl Store {
    /// The log that was recovered.
    pub fn new(recovered: &Recovered, writer: Writer) -> Self {
        let purged = recovered.snapshot.as_ref().and_then(|snapshot| snapshot.meta.last_log_id);
        let held = Held { vote: recovered.vote, purged, entries: recovered.entries.clone() };
        Self { held: Arc::new(Mutex::new(held)), writer }
    }

    /// Whether nothing was ever voted, appended or received.
    pub fn is_empty(&self) -> bool {
        let held = self.lock();
        held.vote.is_none() && held.purged.is_none() && held.entries.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Whoever holds the lock does nothing that could panic half way.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RaftLogReader<Types> for Store {
    async fn try_get_log_entries<R>(&mut self, range: R) -> Result<Vec<Entry>, io::Error>
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        Ok(self.lock().entries.range(range).map(|(_, entry)| entry.clone()).collect())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.lock().vote)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, io::Error> {
        let mut bytes = 0;
        let mut taken = Vec::new();
        for (_, entry) in self.lock().entries.range(start..end.min(start + READ_MAX)) {
            bytes += entry.to_bytes().len();
            // One at least, however large.
            if bytes > READ_BYTES_MAX && !taken.is_empty() {
                break;
            }
            taken.push(entry.clone());
        }
        Ok(taken)
    }
}

impl RaftLogStorage<Types> for Store {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, io::Error> {
        let held = self.lock();
        let last = held.entries.last_key_value().map(|(_, entry)| entry.log_id);
        Ok(LogState { last_purged_log_id: held.purged, last_log_id: last.or(held.purged) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.writer.save_vote(*vote).await?;
        self.lock().vote = Some(*vote);
        Ok(())
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let Some(first) = entries.first().map(|entry| entry.log_id.index) else {
            callback.io_completed(Ok(()));
            return Ok(());
        };
        let mut held = self.lock();
        self.writer.append(first, &entries, callback);
        held.entries.extend(entries.into_iter().map(|entry| (entry.log_id.index, entry)));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        let first = last.map_or(0, |last| last.index + 1);
        let mut held = self.lock();
        held.entries.split_off(&first);
        self.writer.truncate(first)
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        let rest = {
            let mut held = self.lock();
            held.purged = held.purged.max(Some(upto));
            held.entries = held.entries.split_off(&(upto.index + 1));
            held.entries.values().cloned().collect()
        };
        self.writer.purge(upto, rest).await
    }
}
