//! A log directory: whose it is, who holds it, what is in it, and the commit log that all its partitions share.
//!
//! ```text
//! <log dir>/meta.properties                       cluster, node, directory; `mekong.version` says that it is ours
//!           .lock                                 held while a process uses the directory
//!           .kafka_cleanshutdown                  there only between a stop in order and the next start
//!           mekong-bounds                         what is known of partitions without opening them
//!           recovery-point-offset-checkpoint      and Kafka's other checkpoints, see [`crate::checkpoint`]
//!           mekong-commit-0, mekong-commit-1      see [`crate::commit`]
//!           <topic>-<partition>/                  see [`crate::names`]
//! ```
//!
//! Opening costs a list of names, the checkpoints, and after a crash the replay of the commit log: never a look into folders
//! that the commit log does not speak of. They are opened, and after a crash recovered, when they are first used.

mod folder;
mod meta;
#[cfg(test)]
mod tests;
mod topic_id;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};

use base::{Offset, TopicIdPartition, Uuid};
use env::{Guard, Random};

use folder::{clean_mark, create, marked_epoch, read_bounds, remove_departed, take_clean_mark};
pub use meta::{DirError, MetaProperties, inspect};
pub(crate) use topic_id::{
    read as read_topic_id, write as write_topic_id, write_durably as write_topic_id_durably,
};

use crate::commit::bounds::{Bound, Bounds};
use crate::commit::{self, CommitQueue, Committer, Known, Policy, Replayed};
use crate::config::LogConfig;
use crate::context::LogContext;
use crate::error::{Context, LogError, Result};
use crate::files::FileCache;
use crate::hot::HotBudget;
use crate::intent;
use crate::moving::{MoveNotes, remove_futures};
use crate::names;
use crate::partition::{Load, Loaded, PartitionLog};
use crate::planted::{self, Bug};

const LOCK: &str = ".lock";
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// A log directory that this process holds.
#[derive(Debug)]
pub struct LogDir {
    path: PathBuf,
    meta: MetaProperties,
    context: Arc<LogContext>,
    bounds: Arc<Bounds>,
    clean: bool,
    known: BTreeMap<TopicIdPartition, Known>,
    moves: MoveNotes,
    /// Folders that were opened since the start, and whether they are open.
    opened: Mutex<BTreeMap<String, bool>>,
    /// The epoch of the broker's registration, for the mark of a stop in order; -1 while it has none.
    broker_epoch: AtomicI64,
    _lock: Guard,
}

/// What opening a directory gives.
#[derive(Debug)]
pub struct OpenedDir {
    /// The directory.
    pub dir: LogDir,
    /// Its committer, for the one thread that runs it.
    pub committer: Committer,
    /// What was found, for the shell to log.
    pub report: DirReport,
}

/// What opening a directory found.
#[derive(Debug, Default)]
pub struct DirReport {
    /// It was new.
    pub created: bool,
    /// It was stopped in order.
    pub clean: bool,
    /// In which epoch the broker was registered that stopped in order, where its mark says so.
    pub clean_epoch: Option<i64>,
    /// What was replayed after a crash.
    pub replayed: Replayed,
    /// Checkpoint files that could not be read and are begun anew: recovery reads more, nothing is lost.
    pub unreadable_checkpoints: Option<LogError>,
    /// Folders of deleted partitions that were still there and are gone now.
    pub removed: Vec<String>,
    /// Partitions that were being copied to here (KIP-113): the copies are gone, and are to be begun again.
    pub unfinished_copies: Vec<PartitionFolder>,
}

/// A partition's folder in a directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PartitionFolder {
    /// The topic's name.
    pub topic: String,
    /// The partition's index.
    pub partition: i32,
}

impl LogDir {
    /// Takes a directory: locks it, checks or writes whose it is, and after a crash replays its commit log.
    ///
    /// `meta` is what the node is; its `directory_id` is used only where the directory is new.
    pub fn open(
        path: &Path,
        meta: &MetaProperties,
        files: &Arc<FileCache>,
        hot: &Arc<HotBudget>,
        random: &Arc<dyn Random>,
        policy: Policy,
    ) -> Result<OpenedDir, DirError> {
        let disk = Arc::clone(files.disk());
        let found = inspect(&*disk, path)?;
        if let Some(found) = &found {
            meta.check_same_node(path, found)?;
        }
        create(&*disk, path).map_err(|error| DirError::from_io(path, "create", error))?;
        let lock = disk.lock(&path.join(LOCK)).map_err(|error| DirError::from_io(path, "lock", error))?;
        let lock = lock.ok_or_else(|| DirError::Locked { path: path.to_owned() })?;
        let meta = match found {
            Some(found) => meta.adopt(&*disk, path, found)?,
            None => meta.write(&*disk, path)?,
        };
        let mut report = DirReport { created: meta.is_new, ..DirReport::default() };
        let marked = marked_epoch(&*disk, path);
        report.clean = take_clean_mark(&*disk, path)?;
        let bounds = read_bounds(&*disk, path, &mut report);
        report.clean_epoch = marked.filter(|_| report.clean);
        if !report.clean {
            report.replayed = commit::replay(&*disk, path)?;
            bounds.take_over(&report.replayed);
        }
        report.removed = remove_departed(&*disk, path)?;
        report.unfinished_copies = remove_futures(&*disk, path)?;
        let forgot = bounds.keep(|folder| disk.exists(&path.join(folder)).unwrap_or(true));
        if forgot || !report.clean {
            bounds.write(&*disk, path)?;
        }
        let queue = CommitQueue::new();
        let mut context = LogContext::new(files, hot, Arc::clone(random));
        context.commits = Some(Arc::clone(&queue));
        let (context, bounds) = (Arc::new(context), Arc::new(bounds));
        let generation = report.replayed.generation + 1;
        let committer = Committer::open(path, &context, &queue, &bounds, policy, generation)?;
        let dir = Self {
            path: path.to_owned(),
            meta,
            context,
            bounds,
            clean: report.clean,
            known: report.replayed.known.clone(),
            moves: MoveNotes::read(&*disk, path)?,
            opened: Mutex::default(),
            broker_epoch: AtomicI64::new(-1),
            _lock: lock,
        };
        Ok(OpenedDir { dir, committer, report })
    }

    /// Writes down which cluster it belongs to, once that is known; refuses another one.
    pub fn adopt_cluster(&mut self, cluster_id: &str) -> Result<(), DirError> {
        let wanted = MetaProperties { cluster_id: cluster_id.to_owned(), ..self.meta.clone() };
        self.meta = wanted.adopt(&*self.context.disk, &self.path, self.meta.clone())?;
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose it is.
    #[must_use]
    pub fn meta(&self) -> &MetaProperties {
        &self.meta
    }

    /// The directory's own id (KIP-858).
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.meta.directory_id
    }

    /// What its partitions share.
    #[must_use]
    pub fn context(&self) -> &Arc<LogContext> {
        &self.context
    }

    /// The partitions that have a folder here, from one list of names.
    pub fn partitions(&self) -> Result<Vec<PartitionFolder>> {
        let entries = self.context.disk.list(&self.path).during("list", &self.path)?;
        let mut folders: Vec<_> = entries
            .iter()
            .filter(|entry| entry.is_dir)
            .filter_map(|entry| names::parse_partition_dir(&entry.name))
            .map(|(topic, partition)| PartitionFolder { topic: topic.to_owned(), partition })
            .collect();
        folders.sort();
        Ok(folders)
    }

    /// The topic whose partition is in the folder, where the folder says so.
    pub fn topic_id(&self, folder: &PartitionFolder) -> Result<Option<base::TopicId>> {
        let dir = self.path.join(names::partition_dir(&folder.topic, folder.partition));
        read_topic_id(&*self.context.disk, &dir)
    }

    /// The high watermark of the last checkpoint.
    #[must_use]
    pub fn high_watermark(&self, key: TopicIdPartition) -> Option<Offset> {
        self.bounds.get(key).map(|bound| Offset(bound.high_watermark))
    }

    /// Opens a partition's log, recovering it where that is needed; a partition without a folder is empty.
    ///
    /// Where this process truncated the log, closed it and opens it again, the durable end is what the next round makes it. A
    /// start that moved must be committed before: a second opening does not know what still waits.
    pub fn open_partition(
        &self,
        topic: &str,
        key: TopicIdPartition,
        config: Arc<LogConfig>,
        now_ms: i64,
    ) -> Result<Loaded> {
        self.context.fence.check()?;
        // A recovery whose sync failed would find the same bytes in memory the next time, and believe them.
        self.context.fence.guard(self.open_folder(topic, key, config, now_ms))
    }

    fn open_folder(
        &self,
        topic: &str,
        key: TopicIdPartition,
        config: Arc<LogConfig>,
        now_ms: i64,
    ) -> Result<Loaded> {
        let folder = names::partition_dir(topic, key.partition);
        let path = self.path.join(&folder);
        let mut set_aside = None;
        match read_topic_id(&*self.context.disk, &path)? {
            Some(found) if found != key.topic => {
                return Err(LogError::OtherTopic { path, found, expected: key.topic });
            }
            None if self.context.disk.exists(&path).during("look for", &path)? => {
                set_aside = self.claim(&folder, key)?;
            }
            _ => {}
        }
        let load = self.load(&folder, key, now_ms)?;
        let mut loaded = PartitionLog::open(&self.context, key, &path, config, &load)?;
        loaded.report.set_aside = set_aside;
        self.opened().insert(folder.clone(), true);
        if !load.clean {
            let point = loaded.log.log_end().0;
            self.bounds.update(key, &folder, |bound| bound.recovery_point = point);
        }
        if loaded.report.truncated.is_some() {
            let start = loaded.log.log_start().0;
            self.bounds.update(key, &folder, |bound| bound.log_start = start);
            self.end_truncations(&path)?;
        }
        Ok(loaded)
    }

    /// Takes a folder that does not say whose it is: the power went before that was durable, so that nothing in the folder was
    /// acknowledged by itself. Where nothing shows that it is this partition's, it may be that of a deleted namesake, and is set
    /// aside as `…-stray`; where it is now.
    fn claim(&self, folder: &str, key: TopicIdPartition) -> Result<Option<PathBuf>> {
        let path = self.path.join(folder);
        let is_known = self.known.contains_key(&key) || self.bounds.get(key).is_some();
        // A directory that was stopped in order was not torn; without our bounds nothing can be told.
        let is_ours = self.clean || !self.bounds.are_complete() || is_known;
        if is_ours || planted::has(Bug::NamesakeAdopted) || !self.holds_segments(&path)? {
            write_topic_id_durably(&*self.context.disk, &path, key.topic)?;
            return Ok(None);
        }
        self.rename_away(folder, names::STRAY_DIR).map(Some)
    }

    fn holds_segments(&self, path: &Path) -> Result<bool> {
        let entries = self.context.disk.list(path).during("list", path)?;
        Ok(entries.iter().any(|entry| names::parse_segment_file(&entry.name).is_some()))
    }

    /// The truncations of a folder were finished: nothing is to be taken from what follows.
    fn end_truncations(&self, folder: &Path) -> Result<()> {
        let disk = &*self.context.disk;
        self.bounds.write(disk, &self.path)?;
        for intent in intent::all(disk, folder)? {
            intent::remove(disk, folder, intent.id)?;
        }
        disk.sync_dir(folder).during("sync", folder)
    }

    /// Removes the folder of a partition that the cluster knows nothing of any more, such as one of a topic that was deleted and
    /// created again under the same name.
    pub fn discard(&self, folder: &PartitionFolder) -> Result<()> {
        let name = names::partition_dir(&folder.topic, folder.partition);
        let gone = self.rename_away(&name, names::DELETE_DIR)?;
        self.context.disk.remove_dir_all(&gone).during("remove", &gone)
    }

    /// Renames the folder of a partition that has no place on this node any more to `….<unique>-stray`, and says where it is now.
    /// The partition is not open.
    pub fn set_aside(&self, folder: &PartitionFolder) -> Result<PathBuf> {
        self.rename_away(&names::partition_dir(&folder.topic, folder.partition), names::STRAY_DIR)
    }

    /// Frees a folder's name, durably; its name now.
    fn rename_away(&self, folder: &str, ending: &str) -> Result<PathBuf> {
        let (disk, random) = (&*self.context.disk, &*self.context.random);
        let unique = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64());
        let (from, to) =
            (self.path.join(folder), self.path.join(names::departing_dir(folder, unique, ending)));
        disk.rename(&from, &to).during("rename", &from)?;
        disk.sync_dir(&self.path).during("sync", &self.path)?;
        self.opened().remove(folder);
        Ok(to)
    }

    /// Closes a log in order and notes where it stands, for the checkpoints.
    pub fn close_partition(&self, log: &mut PartitionLog) -> Result<()> {
        log.close()?;
        let Some(folder) = log.dir().file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
            return Ok(());
        };
        let view = log.view();
        self.bounds.update(log.key(), &folder, |bound| {
            bound.recovery_point = view.log_end.0;
            bound.high_watermark = view.high_watermark.0;
            // A start that is still on its way to the commit log does not count yet.
            bound.log_start = bound.log_start.max(view.durable_log_start.0);
        });
        self.opened().insert(folder, false);
        Ok(())
    }

    /// Writes the high watermarks, durably: these, and what was known of the others before.
    pub fn write_high_watermarks(
        &self,
        now: impl Iterator<Item = (TopicIdPartition, PartitionFolder, Offset)>,
    ) -> Result<()> {
        for (key, folder, offset) in now {
            let name = names::partition_dir(&folder.topic, folder.partition);
            self.bounds.update(key, &name, |bound| bound.high_watermark = offset.0);
        }
        self.bounds.write(&*self.context.disk, &self.path)
    }

    /// Stops in order: the commit log is emptied, the checkpoints are written, and last the mark that says so. All partitions
    /// have been closed, and nothing waits in the queue.
    pub fn close(self, mut committer: Committer, now_ms: i64) -> Result<()> {
        self.context.fence.check()?;
        let round = committer.commit_round(now_ms)?;
        round.not_retired.map_or(Ok(()), Err)?;
        committer.checkpoint()?;
        let disk = &*self.context.disk;
        self.bounds.write(disk, &self.path)?;
        self.bounds.write_checkpoints(disk, &self.path)?;
        if self.opened().values().any(|open| *open) {
            return Ok(());
        }
        let mark = self.path.join(CLEAN_SHUTDOWN);
        disk.replace(&mark, clean_mark(self.broker_epoch()).as_bytes()).during("write", &mark)
    }

    pub(crate) fn moves(&self) -> &MoveNotes {
        &self.moves
    }

    /// Records, durably, what must be known of a partition that is about to move here.
    pub(crate) fn note_bounds(&self, log: &PartitionLog, folder: &str) -> Result<()> {
        let view = log.view();
        self.bounds.update(log.key(), folder, |bound| {
            folder.clone_into(&mut bound.folder);
            bound.recovery_point = view.log_end.0;
            bound.log_start = view.log_start.0;
            bound.high_watermark = view.high_watermark.0;
        });
        self.bounds.write(&*self.context.disk, &self.path)
    }

    /// A partition is gone from here.
    pub(crate) fn forget(&self, key: TopicIdPartition) {
        self.bounds.forget(key);
    }

    pub(crate) fn note_opened(&self, folder: &str, is_open: bool) {
        self.opened().insert(folder.to_owned(), is_open);
    }

    pub(crate) fn note_gone(&self, folder: &str) {
        self.opened().remove(folder);
    }

    fn load(&self, folder: &str, key: TopicIdPartition, now_ms: i64) -> Result<Load> {
        let opened = self.opened().get(folder).copied();
        let clean = opened.map_or(self.clean, |open| !open);
        // What the replay knew holds for the first opening; a log that was let go of in this process may have been cut since.
        let known = self.known.get(&key).filter(|_| opened.is_none());
        let mut bound = self.bounds.get(key).unwrap_or_default();
        if opened == Some(true) {
            self.lower_to_truncations(folder, &mut bound)?;
        }
        Ok(Load {
            clean,
            recovery_point: Offset(bound.recovery_point),
            durable_end: known.and_then(|known| known.durable_end).unwrap_or(Offset(0)),
            log_start: Offset(bound.log_start),
            log_start_is_certain: self.bounds.are_complete(),
            finish_truncations: opened.is_none() && !clean,
            needs_commit_log: opened.is_some() || !clean,
            now_ms,
        })
    }

    /// Takes in the truncations that the committer may not know of yet.
    fn lower_to_truncations(&self, folder: &str, bound: &mut Bound) -> Result<()> {
        let dir = self.path.join(folder);
        if !self.context.disk.exists(&dir).during("look for", &dir)? {
            return Ok(());
        }
        for intent in intent::all(&*self.context.disk, &dir)? {
            bound.recovery_point = bound.recovery_point.min(intent.offset);
            if intent.restart {
                bound.log_start = bound.log_start.max(intent.offset);
            }
        }
        Ok(())
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, bool>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
