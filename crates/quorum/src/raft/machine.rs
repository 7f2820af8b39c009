//! What is committed, for those who follow: the newest snapshot and the entries behind it.
//!
//! Offsets are Raft's indices plus one. The machine keeps no image: those who follow do, and offer it as a snapshot.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use metadata::Record;
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{OptionalSend, RaftSnapshotBuilder};
use tokio::sync::watch;

use super::disk::Snapshot;
use super::types::{Entry, LogId, Payload, SnapshotMeta, StoredMembership, Types};
use super::writer::Writer;
use crate::{Batch, Committed};

type RaftSnapshot = openraft::alias::SnapshotOf<Types, Bytes>;

/// What followers read.
#[derive(Debug)]
pub(super) struct Tail {
    held: Mutex<Held>,
    end: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Held {
    snapshot: Option<Snapshot>,
    batches: VecDeque<(LogId, Arc<Batch>)>,
    /// Memberships that were applied, the newest last; those a snapshot can still be asked for.
    memberships: VecDeque<StoredMembership>,
    offered: Option<Snapshot>,
}

impl Tail {
    pub fn new(snapshot: Option<Snapshot>) -> Self {
        let end = snapshot.as_ref().map_or(0, |one| end_of(&one.meta));
        let memberships = snapshot.iter().map(|one| one.meta.last_membership.clone()).collect();
        let held = Held { snapshot, memberships, ..Held::default() };
        Self { held: Mutex::new(held), end: watch::Sender::new(end) }
    }

    /// The offset behind what is committed and known here, as it moves.
    pub fn end(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    /// What comes at `from`, if it is there.
    pub fn read(&self, from: u64) -> Option<Committed> {
        let held = self.lock();
        let first = held.batches.front().map(|(id, _)| id.index);
        if let Some(snapshot) = &held.snapshot
            && from < end_of(&snapshot.meta)
            && first.is_none_or(|first| from < first)
        {
            let (end_offset, records) = (end_of(&snapshot.meta), snapshot.records.clone());
            return Some(Committed::Snapshot { end_offset, records });
        }
        let place = usize::try_from(from.checked_sub(first?)?).ok()?;
        let (id, batch) = held.batches.get(place)?;
        Some(Committed::Batch { end_offset: id.index + 1, batch: batch.clone() })
    }

    /// Keeps an image for the library to ask for, and gives its length; nothing if its place is not known any more.
    pub fn offer(&self, end_offset: u64, records: Vec<Record>) -> Option<u64> {
        let meta = self.meta_at(end_offset)?;
        // A large image takes a while, for which nobody is to wait who applies.
        let snapshot = Snapshot::of(meta, records);
        let bytes = snapshot.bytes.len() as u64;
        self.lock().offered = Some(snapshot);
        Some(bytes)
    }

    fn meta_at(&self, end_offset: u64) -> Option<SnapshotMeta> {
        let held = self.lock();
        let index = end_offset.checked_sub(1)?;
        let (id, _) = held.batches.iter().find(|(id, _)| id.index == index)?;
        let is_before = |one: &&StoredMembership| one.log_id().is_none_or(|at| at.index <= index);
        let membership = held.memberships.iter().rev().find(is_before).cloned()?;
        Some(SnapshotMeta { last_log_id: Some(*id), last_membership: membership })
    }

    fn apply(&self, entry: Entry) -> u64 {
        let id = entry.log_id;
        let records = match entry.payload {
            Payload::Normal(proposal) => Arc::unwrap_or_clone(proposal.0),
            Payload::Blank => Vec::new(),
            Payload::Membership(membership) => {
                let stored = StoredMembership::new(Some(id), membership);
                self.lock().memberships.push_back(stored);
                Vec::new()
            }
        };
        self.lock().batches.push_back((id, Arc::new(Batch { first_offset: id.index, records })));
        id.index + 1
    }

    /// The snapshot takes the place of what it covers; not one that was long in the making, while a later one came.
    fn adopt(&self, snapshot: Snapshot) {
        let mut held = self.lock();
        let end = end_of(&snapshot.meta);
        if held.snapshot.as_ref().is_some_and(|known| end_of(&known.meta) >= end) {
            return;
        }
        held.batches.retain(|(id, _)| id.index >= end);
        let upto = snapshot.meta.last_membership.log_id().map_or(0, |id| id.index);
        held.memberships.retain(|one| one.log_id().is_some_and(|id| id.index > upto));
        held.memberships.push_front(snapshot.meta.last_membership.clone());
        held.snapshot = Some(snapshot);
        drop(held);
        self.end.send_if_modified(|known| std::mem::replace(known, end.max(*known)) < end);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Whoever holds the lock only moves counted pointers; a panic there leaves nothing half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end_of(meta: &SnapshotMeta) -> u64 {
    meta.last_log_id.map_or(0, |id| id.index + 1)
}

fn for_library(snapshot: &Snapshot) -> RaftSnapshot {
    RaftSnapshot { meta: snapshot.meta.clone(), snapshot: snapshot.bytes.clone() }
}

/// The state machine that the library drives.
pub(super) struct Machine {
    tail: Arc<Tail>,
    writer: Writer,
    applied: Option<LogId>,
    membership: StoredMembership,
}

impl Machine {
    pub fn new(tail: Arc<Tail>, writer: Writer) -> Self {
        let meta = tail.lock().snapshot.as_ref().map(|one| one.meta.clone()).unwrap_or_default();
        Self { tail, writer, applied: meta.last_log_id, membership: meta.last_membership }
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotData = Bytes;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<Types>, io::Error>> + Unpin + OptionalSend,
    {
        let mut end = 0;
        while let Some((entry, responder)) = entries.try_next().await? {
            self.applied = Some(entry.log_id);
            if let Payload::Membership(membership) = &entry.payload {
                self.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
            }
            end = self.tail.apply(entry);
            if let Some(responder) = responder {
                responder.send(end);
            }
        }
        self.tail.end.send_if_modified(|known| std::mem::replace(known, end.max(*known)) < end);
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder { tail: self.tail.clone(), writer: self.writer.clone() }
    }

    async fn install_snapshot(&mut self, _meta: &SnapshotMeta, bytes: Bytes) -> Result<(), io::Error> {
        let snapshot = Snapshot::read(bytes).map_err(io::Error::other)?;
        self.writer.growth().begin_anew(snapshot.bytes.len() as u64);
        self.writer.save_snapshot(snapshot.clone()).await?;
        self.applied = snapshot.meta.last_log_id;
        self.membership = snapshot.meta.last_membership.clone();
        {
            let mut held = self.tail.lock();
            held.batches.clear();
            held.snapshot = None;
        }
        self.tail.adopt(snapshot);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<RaftSnapshot>, io::Error> {
        Ok(self.tail.lock().snapshot.as_ref().map(for_library))
    }
}

/// Makes a snapshot of the image that was offered.
pub(super) struct Builder {
    tail: Arc<Tail>,
    writer: Writer,
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = Bytes;

    async fn build_snapshot(&mut self) -> Result<RaftSnapshot, io::Error> {
        let offered = self.tail.lock().offered.take();
        let Some(snapshot) = offered else {
            let held = self.tail.lock();
            let current = held.snapshot.as_ref().map(for_library);
            return current.ok_or_else(|| io::Error::other("no image was offered"));
        };
        self.writer.save_snapshot(snapshot.clone()).await?;
        let built = for_library(&snapshot);
        self.tail.adopt(snapshot);
        Ok(built)
    }
}
