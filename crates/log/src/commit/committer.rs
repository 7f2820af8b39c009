//! The committer: takes what waits, makes it durable with a bounded number of syncs, says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use base::{Offset, TopicIdPartition};
use bytes::Bytes;

use super::bounds::Bounds;
use super::file::{CommitFile, NAMES};
use super::frame::{Frame, Kind};
use super::plan::{Policy, files_to_sync};
use super::queue::{Append, CommitQueue, Item, Source};
use super::release::Generation;
use super::syncers::Syncers;
use crate::context::LogContext;
use crate::error::{Context, LogError, Result};
use crate::planted::{self, Bug};
use crate::read::LogReader;
use crate::segment::Segment;

/// A partition whose durable end (or durable log start) has moved.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The partition.
    pub key: TopicIdPartition,
    /// Its reader, so that a watermark can be moved without a hop to the owner.
    pub reader: LogReader,
    /// The durable end now.
    pub durable_end: Offset,
}

/// What one round did.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// Each partition at most once, in no particular order.
    pub committed: Vec<Committed>,
    /// Bytes written into the commit log.
    pub frame_bytes: u64,
    /// Bytes that became durable by syncing their segment.
    pub synced_bytes: u64,
    /// Calls that wait for the disk.
    pub syncs: usize,
    /// Why recovery points could not move on; unless it [may pass](LogError::may_pass), the directory is fenced.
    pub not_retired: Option<LogError>,
}

/// The one that makes the appends of a log directory durable. Synchronous, and without a thread of its own but those
/// that sync a round's segments beside its caller's:
///
/// ```text
/// while queue.wait(timeout) { let round = committer.commit_round(now_ms)?; … tell those who wait … }
/// ```
#[derive(Debug)]
pub struct Committer {
    pub(super) dir: PathBuf,
    pub(super) context: Arc<LogContext>,
    pub(super) queue: Arc<CommitQueue>,
    pub(super) policy: Policy,
    pub(super) bounds: Arc<Bounds>,
    pub(super) current: CommitFile,
    /// The other file, when it is not retiring.
    pub(super) spare: Option<CommitFile>,
    pub(super) generation: Generation,
    /// The generation before, on its way to be released.
    pub(super) retiring: Option<(CommitFile, Generation)>,
    /// Partitions that must not take the short way, until this generation is released.
    pub(super) framed: BTreeMap<TopicIdPartition, u64>,
    /// Who waits for partitions that moved away to be forgotten.
    emptying: Vec<(TopicIdPartition, Sender<()>)>,
    syncers: Syncers,
}

impl Committer {
    /// The committer of a directory whose commit log was replayed and released.
    pub(crate) fn open(
        dir: &Path,
        context: &Arc<LogContext>,
        queue: &Arc<CommitQueue>,
        bounds: &Arc<Bounds>,
        policy: Policy,
        generation: u64,
    ) -> Result<Self> {
        let open = |name| CommitFile::open(&*context.disk, dir, name).during("open", &dir.join(name));
        let mut current = open(NAMES[0])?;
        let mut spare = open(NAMES[1])?;
        // Both are wiped before a new generation begins: what they held was replayed. The older one first: were it left alone by a
        // power loss, its replay would take back what the younger one had brought.
        let mut files = [&mut current, &mut spare];
        files.sort_by_key(|file| file.generation);
        for file in files {
            file.release()?;
        }
        let seed = context.random.next_u64();
        current.begin(generation, seed).during("write", &current.path)?;
        current.sync().during("sync", &current.path)?;
        context.disk.sync_dir(dir).during("sync", dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            context: Arc::clone(context),
            queue: Arc::clone(queue),
            policy,
            bounds: Arc::clone(bounds),
            current,
            spare: Some(spare),
            generation: Generation::default(),
            retiring: None,
            framed: BTreeMap::new(),
            emptying: Vec::new(),
            syncers: Syncers::new(context.disk.syncs_at_once()),
        })
    }

    /// The queue that its partitions fill.
    #[must_use]
    pub fn queue(&self) -> &Arc<CommitQueue> {
        &self.queue
    }

    /// Makes everything durable that waits. An error means that nothing of it is: where it [may pass](LogError::may_pass) it
    /// waits on, otherwise the directory is fenced for good.
    ///
    /// `now_ms` is the wall clock. Call it also when nothing waits, every second or so: recovery points move then.
    pub fn commit_round(&mut self, now_ms: i64) -> Result<Round> {
        self.context.fence.check()?;
        let items = self.queue.take();
        let mut round = Round::default();
        if !items.is_empty() {
            let mark = self.current.mark();
            self.generation.just_named.clear();
            let framed = |append: &Append| self.framed.contains_key(&append.source.shared.key);
            let short = files_to_sync(&self.policy, &items, framed);
            let committed = self.commit(&items, &short, &mut round);
            if let Err(error) = committed {
                self.current.roll_back(mark);
                for key in self.generation.just_named.drain(..) {
                    self.generation.named.remove(&key);
                }
                if error.may_pass() {
                    self.queue.put_back(items);
                }
                return self.context.fence.guard(Err(error));
            }
            self.announce(items, &short, &mut round);
            self.generation.began_ms.get_or_insert(now_ms);
        }
        let retired = self.retire_step(&mut round, now_ms).and_then(|()| self.forget_moved());
        // What was committed is durable all the same, and those who wait for it must hear so.
        round.not_retired = self.context.fence.guard(retired).err();
        Ok(round)
    }

    fn commit(&mut self, items: &[Item], short: &[u64], round: &mut Round) -> Result<()> {
        // First the files: a frame that survives says that all of its partition before it does.
        if !planted::has(Bug::FramesBeforeFiles) {
            self.sync_files(items, short, round)?;
        }
        let before = self.current.len();
        let mut must_sync = false;
        for item in items {
            must_sync |= self.frame(item, short);
        }
        round.frame_bytes = self.current.len() - before;
        if self.current.has_pending() {
            self.current.write().during("write", &self.current.path)?;
        }
        if must_sync && !planted::has(Bug::AckBeforeSync) {
            self.current.sync().during("sync", &self.current.path)?;
            round.syncs += 1;
        }
        if planted::has(Bug::FramesBeforeFiles) { self.sync_files(items, short, round) } else { Ok(()) }
    }

    /// Puts the item into the commit file, unless its segment takes the short way; whether the file must be synced for it.
    fn frame(&mut self, item: &Item, short: &[u64]) -> bool {
        match item {
            Item::Append(append) if short.contains(&append.segment.id()) => {
                self.mark_durable(append);
                false
            }
            Item::Append(append) => {
                self.push_data(append);
                true
            }
            Item::Truncate { source, segment, position, offset, id, .. } => {
                let frame = Frame {
                    first_offset: *id,
                    next_offset: *offset,
                    segment: segment.as_ref().map_or(-1, |segment| segment.base_offset().0),
                    position: u32::try_from(*position).unwrap_or(u32::MAX),
                    ..Frame::of(Kind::Truncate, source.shared.key)
                };
                self.push_named(source, frame, Vec::new());
                self.framed.insert(source.shared.key, self.current.generation);
                true
            }
            Item::LogStart { .. } if planted::has(Bug::LogStartNotLogged) => false,
            Item::LogStart { source, offset } => {
                let frame = Frame { first_offset: *offset, ..Frame::of(Kind::LogStart, source.shared.key) };
                self.push_named(source, frame, Vec::new());
                true
            }
            Item::Delete { source } => {
                self.push_named(source, Frame::of(Kind::Delete, source.shared.key), Vec::new());
                self.generation.named.remove(&source.shared.key);
                true
            }
            Item::Closed { .. } | Item::Opened { .. } | Item::Empty { .. } => false,
        }
    }

    fn push_data(&mut self, append: &Append) {
        let frame = Frame {
            len: u32::try_from(append.len).unwrap_or(u32::MAX),
            first_offset: append.first_offset,
            next_offset: append.next_offset,
            segment: append.segment.base_offset().0,
            position: u32::try_from(append.position).unwrap_or(u32::MAX),
            epoch: append.epoch,
            ..Frame::of(Kind::Data, append.source.shared.key)
        };
        self.push_named(&append.source, frame, append.pieces.clone());
    }

    /// Notes, once in a while and without a sync, how far a partition got by the short way: recovery then calls what is bad
    /// below rot, and not a torn write.
    fn mark_durable(&mut self, append: &Append) {
        const EVERY_BYTES: u64 = 8 << 20;
        let key = append.source.shared.key;
        let passed = self.generation.unmarked.entry(key).or_default();
        *passed += append.len;
        if *passed < EVERY_BYTES {
            return;
        }
        *passed = 0;
        // What this round brings is not durable yet: only what rounds before it brought is announced.
        let frame =
            Frame { next_offset: append.source.shared.durable_end(), ..Frame::of(Kind::Durable, key) };
        self.push_named(&append.source, frame, Vec::new());
    }

    fn push_named(&mut self, source: &Source, frame: Frame, payload: Vec<Bytes>) {
        let key = source.shared.key;
        if self.generation.named.insert(key) {
            self.generation.just_named.push(key);
            let name = Bytes::from(source.place.folder().into_bytes());
            let naming = Frame { len: name.len() as u32, ..Frame::of(Kind::Name, key) };
            self.current.push(&naming, vec![name]);
        }
        self.current.push(&frame, payload);
    }

    fn sync_files(&mut self, items: &[Item], short: &[u64], round: &mut Round) -> Result<()> {
        let mut seen = BTreeSet::new();
        let mut segments = Vec::new();
        for item in items {
            let Item::Append(append) = item else { continue };
            if !short.contains(&append.segment.id()) {
                continue;
            }
            round.synced_bytes += append.len;
            if seen.insert(append.segment.id()) {
                segments.push(Arc::clone(&append.segment));
            }
        }
        if !planted::has(Bug::AckBeforeFileSync) {
            round.syncs += self.syncers.sync(segments)?;
        }
        Ok(())
    }

    /// The log goes on from `offset`: what was reached before holds no longer, neither here nor in what retires.
    fn note_truncation(&mut self, source: &Source, segment: Option<Arc<Segment>>, offset: i64, id: i64) {
        source.shared.lower_recovery_point(offset);
        if let Some((_, retiring)) = &mut self.retiring {
            retiring.lower(source, offset);
        }
        if segment.is_none() {
            let folder = source.place.folder();
            self.bounds.update(source.shared.key, &folder, |bound| {
                bound.log_start = offset;
                bound.recovery_point = bound.recovery_point.min(offset);
            });
            // Starts from before that waited with it were announced, and lie behind this one where the log went back.
            source.shared.restart_durable_log_start(offset);
        }
        self.generation.note_truncation(source, segment, offset, id);
    }

    /// A partition is gone: what retires must not bring back what is known of it.
    fn forget(&mut self, key: TopicIdPartition) {
        self.generation.note_deletion(key);
        if let Some((_, generation)) = &mut self.retiring {
            generation.note_deletion(key);
        }
        self.bounds.forget(key);
    }

    /// Empties the commit log for partitions that moved away, and says so.
    fn forget_moved(&mut self) -> Result<()> {
        if self.emptying.is_empty() {
            return Ok(());
        }
        self.empty()?;
        for (key, done) in self.emptying.drain(..) {
            self.framed.remove(&key);
            // Who asked may have gone.
            let _ = done.send(());
        }
        Ok(())
    }

    /// Everything is durable: say so, and remember what retirement has to do.
    fn announce(&mut self, items: Vec<Item>, short: &[u64], round: &mut Round) {
        let mut moved = BTreeMap::new();
        for item in items {
            match item {
                Item::Append(append) => {
                    let shared = &append.source.shared;
                    if shared.advance_durable(append.next_offset, append.truncations).is_some() {
                        moved.insert(shared.key, Arc::clone(shared));
                    }
                    if planted::has(Bug::RecoveryPointTooEarly) {
                        let next = append.next_offset;
                        let folder = append.source.place.folder();
                        self.bounds
                            .update(append.source.shared.key, &folder, |bound| bound.recovery_point = next);
                    }
                    let passed = short.contains(&append.segment.id());
                    self.generation.note_append(append, passed);
                }
                Item::LogStart { source, offset } => {
                    source.shared.set_durable_log_start(offset);
                    self.generation.log_start_moved = true;
                    let folder = source.place.folder();
                    let bounds = &self.bounds;
                    bounds.update(source.shared.key, &folder, |bound| {
                        bound.log_start = bound.log_start.max(offset)
                    });
                    moved.insert(source.shared.key, source.shared);
                }
                Item::Truncate { source, segment, offset, id, truncations, .. } => {
                    self.note_truncation(&source, segment, offset, id);
                    // Appends from before it announce nothing any more; what it kept of them is durable by now all the same.
                    if source.shared.advance_durable(offset, truncations).is_some() {
                        moved.insert(source.shared.key, source.shared);
                    }
                }
                Item::Delete { source } => self.forget(source.shared.key),
                Item::Closed { source, segment, end } => self.generation.note_closed(&source, segment, end),
                Item::Opened { source, end } => self.generation.reach(&source, end),
                Item::Empty { key, done } => self.emptying.push((key, done)),
            }
        }
        let committed = moved.into_iter().map(|(key, shared)| {
            let durable_end = Offset(shared.durable_end());
            Committed { key, reader: LogReader(shared), durable_end }
        });
        round.committed.extend(committed);
    }
}
