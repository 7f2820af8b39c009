//! Generations: what a commit file still stands for, and how it is brought to stand for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use base::TopicIdPartition;

use super::committer::{Committer, Round};
use super::file::CommitFile;
use super::queue::{Append, Source};
use crate::error::{Context, Result};
use crate::intent;
use crate::names;
use crate::planted::{self, Bug};
use crate::segment::{Place, Segment};
use crate::view::Shared;

/// How old a generation is at least that ends because someone wants its segments: what that costs is bounded by it.
const WANTED_AFTER_MS: i64 = 1_000;
/// How many times more syncs a round may take then that brings nothing itself.
const HURRY: usize = 8;

/// What happened while one commit file was written.
#[derive(Debug, Default)]
pub(super) struct Generation {
    /// When its first round was, by the wall clock.
    pub began_ms: Option<i64>,
    /// Partitions that have a name frame in it.
    pub named: BTreeSet<TopicIdPartition>,
    /// Those that the round under way has named.
    pub just_named: Vec<TopicIdPartition>,
    /// Bytes that took the short way since the partition's last mark.
    pub unmarked: BTreeMap<TopicIdPartition, u64>,
    /// Whether a log start moved: the bounds, which know it already, must be written before this is released.
    pub log_start_moved: bool,
    /// Segments that are not durable in their own files yet.
    dirty: BTreeMap<u64, Arc<Segment>>,
    /// Where each partition's recovery point may go once those are.
    reached: BTreeMap<TopicIdPartition, Reached>,
    /// Bytes that went past the commit file.
    passed_bytes: u64,
    /// Truncations whose frames are in it, by folder and id.
    intents: Vec<(Arc<Place>, i64)>,
    /// Folders and files, once the segments are done.
    folders: Option<Vec<PathBuf>>,
}

#[derive(Debug)]
struct Reached {
    shared: Arc<Shared>,
    folder: String,
    dir: PathBuf,
    offset: i64,
}

impl Generation {
    /// `passed`: its segment was synced.
    pub fn note_append(&mut self, append: Append, passed: bool) {
        self.reach(&append.source, append.next_offset);
        if passed {
            self.passed_bytes += append.len;
        } else {
            self.dirty.insert(append.segment.id(), append.segment);
        }
    }

    pub fn note_closed(&mut self, source: &Source, segment: Arc<Segment>, end: i64) {
        self.passed_bytes += segment.size();
        self.reach(source, end);
        self.dirty.insert(segment.id(), segment);
    }

    /// The cut file and the names in the folder must be durable before this is released, and the intent gone.
    pub fn note_truncation(&mut self, source: &Source, segment: Option<Arc<Segment>>, offset: i64, id: i64) {
        self.reach(source, offset);
        self.lower(source, offset);
        if !planted::has(Bug::TruncationNotSynced) {
            self.dirty.extend(segment.map(|segment| (segment.id(), segment)));
        }
        self.intents.push((Arc::clone(&source.place), id));
    }

    pub fn lower(&mut self, source: &Source, offset: i64) {
        if let Some(reached) = self.reached.get_mut(&source.shared.key) {
            reached.offset = reached.offset.min(offset);
        }
    }

    pub fn note_deletion(&mut self, key: TopicIdPartition) {
        self.reached.remove(&key);
    }

    /// The partition's recovery point may go to `offset` at the release.
    pub fn reach(&mut self, source: &Source, offset: i64) {
        let reached = self.reached.entry(source.shared.key).or_insert_with(|| Reached {
            shared: Arc::clone(&source.shared),
            folder: source.place.folder(),
            dir: source.place.dir().to_path_buf(),
            offset,
        });
        reached.offset = reached.offset.max(offset);
        if !Arc::ptr_eq(&reached.shared, &source.shared) {
            // It was closed, and opened again.
            reached.shared = Arc::clone(&source.shared);
        }
    }

    fn is_empty(&self) -> bool {
        self.reached.is_empty() && !self.log_start_moved && self.dirty.is_empty()
    }
}

impl Committer {
    /// Whether the recovery points may still move: something was committed since they did.
    #[must_use]
    pub fn has_unreleased(&self) -> bool {
        self.retiring.is_some() || !self.generation.is_empty()
    }

    /// Brings all recovery points up to what is durable now, and empties the commit log. For a stop in order, and for tests.
    pub fn checkpoint(&mut self) -> Result<()> {
        let mut round = Round::default();
        while self.has_unreleased() {
            if self.retiring.is_none() {
                self.turn()?;
            }
            while self.retiring.is_some() {
                let retired = self.retire(usize::MAX, &mut round);
                self.context.fence.guard(retired)?;
            }
        }
        Ok(())
    }

    /// As [`Self::checkpoint`], and also where nothing has to be synced for it: no frame is left.
    pub(super) fn empty(&mut self) -> Result<()> {
        let mut round = Round::default();
        for _ in 0..2 {
            while self.retiring.is_some() {
                self.retire(usize::MAX, &mut round)?;
            }
            self.turn()?;
        }
        while self.retiring.is_some() {
            self.retire(usize::MAX, &mut round)?;
        }
        Ok(())
    }

    /// Behind each round: begins the next generation when it is time, and moves the retiring one a bounded step on.
    pub(super) fn retire_step(&mut self, round: &mut Round, now_ms: i64) -> Result<()> {
        let full = self.current.len() >= self.policy.file_bytes;
        let passed = self.generation.passed_bytes >= self.policy.passed_bytes;
        if self.retiring.is_none() {
            let wanted = self.queue.is_turn_wanted();
            let after_ms = self.policy.turn_after_ms;
            let after_ms = if wanted { after_ms.min(WANTED_AFTER_MS) } else { after_ms };
            let old = self.generation.began_ms.is_some_and(|began| now_ms - began >= after_ms);
            if full || passed || old {
                self.turn()?;
            }
        } else if self.current.len() >= 2 * self.policy.file_bytes {
            // The disk does not keep up: better one slow round than a commit log without bound.
            return self.retire(usize::MAX, round);
        }
        // Nobody waits behind an idle round.
        let hurries = self.queue.is_turn_wanted() && round.syncs == 0;
        let syncs = self.policy.retire_syncs.saturating_mul(if hurries { HURRY } else { 1 });
        if self.retiring.is_some() { self.retire(syncs, round) } else { Ok(()) }
    }

    /// Begins the next generation in the other file.
    fn turn(&mut self) -> Result<()> {
        let Some(mut next) = self.spare.take() else { return Ok(()) };
        let begun = next.begin(self.current.generation + 1, self.context.random.next_u64());
        if let Err(error) = begun {
            let path = next.path.clone();
            self.spare = Some(next);
            return Err(crate::error::LogError::io("write", &path, error));
        }
        let retiring = std::mem::replace(&mut self.current, next);
        self.retiring = Some((retiring, std::mem::take(&mut self.generation)));
        Ok(())
    }

    /// At most `syncs` syncs towards the release of the retiring generation.
    fn retire(&mut self, syncs: usize, round: &mut Round) -> Result<()> {
        let Some((_, generation)) = &mut self.retiring else { return Ok(()) };
        if generation.dirty.len() > self.policy.sync_all_from {
            self.context.disk.sync_filesystem(&self.dir).during("sync", &self.dir)?;
            round.syncs += 1;
            generation.dirty.clear();
            generation.folders = Some(Vec::new());
        }
        if planted::has(Bug::ReleasedTooEarly) {
            return self.release();
        }
        for _ in 0..syncs {
            if let Some((id, segment)) = generation.dirty.pop_first() {
                if let Err(error) = segment.sync() {
                    generation.dirty.insert(id, segment);
                    return Err(error);
                }
                round.syncs += 1;
                continue;
            }
            let reached = generation.reached.values();
            let folders = generation
                .folders
                .get_or_insert_with(|| reached.map(|reached| reached.dir.clone()).collect());
            let Some(folder) = folders.pop() else { return self.release() };
            sync_folder(&*self.context.disk, &folder)?;
            round.syncs += 1;
        }
        Ok(())
    }

    /// Everything the retiring generation speaks of is durable elsewhere: record that, then wipe it. Where that fails for want of
    /// room it retires on.
    fn release(&mut self) -> Result<()> {
        let Some((mut file, generation)) = self.retiring.take() else { return Ok(()) };
        if let Err(error) = self.wipe(&mut file, &generation) {
            self.retiring = Some((file, generation));
            return Err(error);
        }
        for reached in generation.reached.into_values() {
            reached.shared.advance_recovery_point(reached.offset);
        }
        self.framed.retain(|_, since| *since > file.generation);
        self.spare = Some(file);
        self.queue.turned();
        Ok(())
    }

    fn wipe(&self, file: &mut CommitFile, generation: &Generation) -> Result<()> {
        self.context.disk.sync_dir(&self.dir).during("sync", &self.dir)?;
        self.end_truncations(generation)?;
        self.record(generation);
        if !planted::has(Bug::BoundsNotWritten) {
            self.bounds.write(&*self.context.disk, &self.dir)?;
        }
        file.release()
    }

    /// What was truncated is durably so: the intents go, before the frames that stand for them.
    fn end_truncations(&self, generation: &Generation) -> Result<()> {
        let disk = &*self.context.disk;
        let mut changed = BTreeSet::new();
        for (place, id) in &generation.intents {
            if intent::remove(disk, &place.dir(), *id)? {
                changed.insert(place.dir());
            }
        }
        changed.iter().try_for_each(|dir| sync_names(disk, dir))
    }

    fn record(&self, generation: &Generation) {
        for (key, reached) in &generation.reached {
            self.bounds.update(*key, &reached.folder, |bound| bound.recovery_point = reached.offset);
        }
    }
}

/// Makes a partition's small files and all its names durable. A folder that is gone needs nothing.
fn sync_folder(disk: &dyn env::Disk, dir: &std::path::Path) -> Result<()> {
    for name in [names::LEADER_EPOCHS, names::PARTITION_METADATA] {
        let path = dir.join(name);
        match disk.open(&path, env::Open::Write) {
            Ok(file) => file.sync_data().during("sync", &path)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(crate::error::LogError::io("open", &path, error)),
        }
    }
    sync_names(disk, dir)
}

fn sync_names(disk: &dyn env::Disk, dir: &std::path::Path) -> Result<()> {
    match disk.sync_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.during("sync", dir),
    }
}
