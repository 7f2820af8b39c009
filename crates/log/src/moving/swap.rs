//! The copy takes the log's place.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use base::TopicIdPartition;

use super::copy::FutureLog;
use super::notes::MoveNote;
use crate::commit::Item;
use crate::dir::LogDir;
use crate::error::{Context, LogError, Result};
use crate::names;
use crate::partition::{Load, PartitionLog};

/// What came of the attempt to put a copy in its log's place.
#[derive(Debug)]
pub enum Swap {
    /// The log is the copy now.
    Done(Box<Departed>),
    /// The copy lacks something, or the log is not durable as a whole: to be tried again.
    NotYet,
}

/// What the partition was before, in the directory that it left.
#[derive(Debug)]
pub struct Departed {
    log: PartitionLog,
}

impl FutureLog {
    /// Puts the copy in the place of `log`, whose owner calls this and lets nobody append meanwhile. Readers go on reading.
    ///
    /// After an error the log may be in either directory; where it is in `to`, that one is fenced and the partition offline until
    /// a restart, which finds the same records in whichever counts.
    pub fn swap(&mut self, log: &mut PartitionLog, to: &LogDir, from: &LogDir, now_ms: i64) -> Result<Swap> {
        log.flush()?;
        let view = log.view();
        let is_whole = self.log.log_end() == view.log_end && self.log.has_segments();
        let is_same = self.source.0.truncations() == self.truncations;
        if !is_whole || !is_same || view.durable_end != view.log_end || from.has_note_of(log.key()) {
            return Ok(Swap::NotYet);
        }
        to.context().fence.check()?;
        let target = to.path().join(&self.folder);
        if to.context().disk.exists(&target).during("look for", &target)? {
            return Err(LogError::io("rename", &target, std::io::ErrorKind::AlreadyExists.into()));
        }
        let prepared = self.prepare(log, to, from);
        to.context().fence.guard(prepared)?;
        let opened = rename(to, &self.log.dir(), &target).and_then(|()| {
            let load = Load::clean(now_ms);
            PartitionLog::open(to.context(), log.key(), &target, log.config().clone(), &load)
        });
        match opened {
            Ok(loaded) => {
                to.note_opened(&self.folder, true);
                from.note_gone(&self.folder);
                Ok(Swap::Done(Box::new(Departed { log: log.become_copy(loaded.log) })))
            }
            Err(error) => {
                to.context().fence.fence(&format!("the move of a partition was not completed: {error}"));
                log.go_offline(to.context());
                Err(error)
            }
        }
    }

    /// Everything that must be durable before the copy gets its name.
    fn prepare(&mut self, log: &PartitionLog, to: &LogDir, from: &LogDir) -> Result<()> {
        self.log.take_state_of(log);
        self.log.close()?;
        to.note_bounds(log, &self.folder)?;
        to.note_move(log.key(), MoveNote { from: from.id(), folder: self.folder.clone() })
    }
}

fn rename(to: &LogDir, dir: &Path, target: &Path) -> Result<()> {
    let disk = &*to.context().disk;
    disk.rename(dir, target).during("rename", dir)?;
    disk.sync_dir(to.path()).during("sync", to.path())
}

impl Departed {
    /// The partition.
    #[must_use]
    pub fn key(&self) -> TopicIdPartition {
        self.log.key()
    }

    /// Renames the folder, so that it is no longer the partition's, and has this committed. When the receiver hears of it,
    /// nothing of the partition is left in the directory, and [`LogDir::settle_move`] is to be called on the new one.
    ///
    /// Readers that have the old files go on reading until [`Self::remove`].
    pub fn leave(&mut self) -> Result<Receiver<()>> {
        let (done, heard) = channel();
        self.log.mark_deleted()?;
        let key = self.log.key();
        if !self.log.tell(|_| Item::Empty { key, done: done.clone() }) {
            // Without a commit log the renaming was all.
            let _ = done.send(());
        }
        Ok(heard)
    }

    /// Removes the files; after [`Self::leave`] and `file.delete.delay.ms`. After an error that may pass it can be asked for again.
    pub fn remove(&mut self) -> Result<()> {
        self.log.remove_dir()
    }
}

impl LogDir {
    /// A partition that moved here has left no trace in the directory before.
    pub fn settle_move(&self, key: TopicIdPartition) -> Result<()> {
        let removed = self.moves().remove(&*self.context().disk, self.path(), &[key]);
        self.context().fence.guard(removed)
    }

    /// Whether a partition moved here that may still be in the directory before.
    #[must_use]
    pub fn has_note_of(&self, key: TopicIdPartition) -> bool {
        self.moves().has(key)
    }

    fn note_move(&self, key: TopicIdPartition, note: MoveNote) -> Result<()> {
        self.moves().add(&*self.context().disk, self.path(), key, note)
    }
}

/// The partition's folder if this is the name of a copy of it.
pub(super) fn folder_of_future(name: &str) -> Option<&str> {
    let (folder, unique) = name.strip_suffix(names::FUTURE_DIR)?.rsplit_once('.')?;
    let is_unique = unique.len() == 32 && unique.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_unique.then_some(folder)
}
