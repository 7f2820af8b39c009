//! The log directories: whose they are, the partitions in them, and the thread of each that makes appends durable.
//!
//! A directory that fails is fenced and stays so until the process ends: its partitions answer KAFKA_STORAGE_ERROR, the others go on.
//! When the last one has failed, or the one that holds the metadata, the broker says so and is to be stopped.

mod commit;
mod failure;
mod folders;
mod partitions;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use base::{BrokerId, Uuid};
use env::{Disk, OsRandom, Random, RealDisk, Space};
use log::cleaner::CleanerOffsets;
use log::{
    Committer, DirError, FileCache, HotBudget, LogDir, LogError, MetaProperties, OpenedDir, PartitionFolder,
    Policy, inspect, settle_moves,
};

use crate::Broker;

/// How large the commit files may be, as a share of the disk.
const COMMIT_FILE_SHARE: u64 = 64;

/// All log directories of a broker.
#[derive(Debug)]
pub(crate) struct Logs {
    dirs: Vec<Arc<Dir>>,
    cluster_id: String,
    /// Moves that the process before had not finished (KIP-113).
    unfinished: Mutex<Vec<(PartitionFolder, Arc<Dir>)>>,
}

/// One log directory.
#[derive(Debug)]
pub(crate) struct Dir {
    /// Gone once it is closed.
    log_dir: RwLock<Option<LogDir>>,
    pub path: PathBuf,
    pub id: Uuid,
    disk: Arc<dyn Disk>,
    committing: Mutex<Committing>,
    /// Folders taken up by partitions since the start, so that the emptiest directory gets the next one.
    folders: Mutex<BTreeSet<String>>,
    /// Up to where partitions are clean.
    cleaned: Mutex<CleanerOffsets>,
    /// The disk is nearly full: nothing is appended.
    pub full: AtomicBool,
    /// No new partition is placed here (KIP-1066).
    pub cordoned: AtomicBool,
    /// The epoch of this broker's registration; -1 until it has one.
    broker_epoch: AtomicI64,
    /// Whether it was new, and else the epoch of the registration under which it was last closed in order.
    closed_in: (bool, Option<i64>),
    /// What waits to be made durable, and how many bytes of it are too many.
    backlog: (Arc<log::CommitQueue>, AtomicU64),
    /// Something was committed since the high watermarks were written down.
    pub moved: AtomicBool,
}

/// Where the committer is.
#[derive(Debug)]
enum Committing {
    NotYet(Box<Committer>),
    Thread(JoinHandle<Option<Committer>>, Arc<log::CommitQueue>),
    Over,
}

impl Logs {
    /// Takes the directories, which are made where they are missing; all of one cluster and one node. A node that `founds` a
    /// cluster gives it an id where there is none.
    pub fn open(
        paths: &[PathBuf],
        node_id: i32,
        founds: bool,
        files_max: usize,
        hot_bytes: u64,
        recovery_point_ms: i64,
    ) -> Result<Self, DirError> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let mut cluster_id = None;
        for path in paths {
            cluster_id =
                cluster_id.or(inspect(&*disk, path)?.map(|meta| meta.cluster_id).filter(|id| !id.is_empty()));
        }
        let cluster_id = cluster_id.unwrap_or_else(|| match founds {
            true => uuid(&*random).to_string(),
            false => String::new(),
        });
        let files = Arc::new(FileCache::new(Arc::clone(&disk), files_max));
        let hot = HotBudget::new(hot_bytes);
        let mut found = Vec::new();
        for path in paths {
            let (node_id, directory_id) = (BrokerId(node_id), uuid(&*random));
            let meta =
                MetaProperties { cluster_id: cluster_id.clone(), node_id, directory_id, is_new: false };
            let opened =
                LogDir::open(path, &meta, &files, &hot, &random, policy(&*disk, path, recovery_point_ms))?;
            found.push(opened);
        }
        for moved in settle_moves(&found.iter().map(|one| &one.dir).collect::<Vec<_>>())? {
            tracing::info!(?moved, "a move between log directories was ended");
        }
        let (mut dirs, mut unfinished) = (Vec::new(), Vec::new());
        for mut opened in found {
            let copies = std::mem::take(&mut opened.report.unfinished_copies);
            let dir = Arc::new(Dir::new(opened, &disk)?);
            unfinished.extend(copies.into_iter().map(|folder| (folder, Arc::clone(&dir))));
            dirs.push(dir);
        }
        Ok(Self { dirs, cluster_id, unfinished: Mutex::new(unfinished) })
    }

    /// The cluster that the directories belong to; empty while that is not known.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// Writes down which cluster the directories belong to; refuses another one.
    pub fn adopt_cluster(&self, cluster_id: &str) -> Result<(), DirError> {
        for dir in &self.dirs {
            let mut opened = dir.log_dir.write().unwrap_or_else(PoisonError::into_inner);
            opened.as_mut().map_or(Ok(()), |opened| opened.adopt_cluster(cluster_id))?;
        }
        Ok(())
    }

    /// All directories.
    pub fn dirs(&self) -> &[Arc<Dir>] {
        &self.dirs
    }

    /// The directory of this absolute path.
    pub fn dir_at(&self, path: &str) -> Option<&Arc<Dir>> {
        self.dirs.iter().find(|dir| absolute(&dir.path) == Path::new(path))
    }

    /// Moves that the process before had not finished, by where they go; once.
    pub fn take_unfinished(&self) -> Vec<(PartitionFolder, Arc<Dir>)> {
        std::mem::take(&mut *self.unfinished.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The epoch of the registration under which everything here was last closed in order (KIP-966), or goes on in this process;
    /// -1 if something was not.
    pub fn previous_broker_epoch(&self) -> i64 {
        let mut epochs = self.dirs.iter().filter_map(|dir| match (dir.broker_epoch(), dir.closed_in) {
            (-1, (true, _)) => None,
            (-1, (false, closed)) => Some(closed.unwrap_or(-1)),
            (own, _) => Some(own),
        });
        let first = epochs.next().unwrap_or(-1);
        if epochs.all(|epoch| epoch == first) { first } else { -1 }
    }

    /// Starts making appends durable.
    pub fn start(&self, broker: &Arc<Broker>) {
        self.dirs.iter().for_each(|dir| dir.start(broker));
    }

    /// Whether a partition has a folder somewhere: it held records once.
    pub fn has_folder(&self, topic: &str, partition: i32) -> bool {
        let folder = log::names::partition_dir(topic, partition);
        self.dirs.iter().any(|dir| dir.has_folder(&folder))
    }

    /// The directory that has the partition, or the one to place it in: the emptiest that works.
    fn dir_of(&self, folder: &str) -> Option<&Arc<Dir>> {
        let has = |dir: &&Arc<Dir>| dir.has_folder(folder);
        let takes = |dir: &&Arc<Dir>| !dir.has_failed() && !dir.is_cordoned();
        let place = || self.dirs.iter().filter(takes).min_by_key(|dir| dir.folders().len());
        // What the controller placed before it knew of a cordon must lie somewhere.
        let anywhere = || self.dirs.iter().find(|dir| !dir.has_failed());
        self.dirs.iter().find(has).or_else(place).or_else(anywhere)
    }

    /// Cordons the directories of these names, or with `*` all, and no others; returns whether anything changed.
    pub fn set_cordoned(&self, names: &[String]) -> bool {
        let is_named = |dir: &Dir| {
            let is = |name: &String| name == "*" || absolute(Path::new(name)) == absolute(&dir.path);
            names.iter().any(is)
        };
        let swap = |dir: &Arc<Dir>| {
            let now = is_named(dir);
            dir.cordoned.swap(now, Ordering::Relaxed) != now
        };
        self.dirs.iter().filter(|dir| swap(dir)).count() > 0
    }

    /// Whether this is a name of one of the directories.
    pub fn has_dir(&self, name: &str) -> bool {
        self.dirs.iter().any(|dir| absolute(Path::new(name)) == absolute(&dir.path))
    }

    /// The directories that take nothing new.
    pub fn cordoned(&self) -> Vec<Uuid> {
        self.dirs.iter().filter(|dir| dir.is_cordoned()).map(|dir| dir.id).collect()
    }

    /// The directories that failed.
    pub fn failed(&self) -> Vec<Uuid> {
        self.dirs.iter().filter(|dir| dir.has_failed()).map(|dir| dir.id).collect()
    }

    /// Stops in order, after the partitions were closed: everything is durable, and said to be.
    pub fn close(&self, now_ms: i64) {
        self.dirs.iter().for_each(|dir| dir.close(now_ms));
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

/// An id that nobody else has.
pub(crate) fn fresh_id() -> Uuid {
    uuid(&OsRandom)
}

fn uuid(random: &dyn Random) -> Uuid {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    Uuid::from_random(bytes)
}

/// The committer's limits: small files on a small disk, and recovery points at least as often as asked.
fn policy(disk: &dyn Disk, path: &Path, recovery_point_ms: i64) -> Policy {
    let default = Policy::default();
    let parent = path.ancestors().find_map(|dir| disk.space(dir).ok());
    let share = parent.map_or(u64::MAX, |space| (space.total / COMMIT_FILE_SHARE).max(1 << 20));
    let turn_after_ms = default.turn_after_ms.min(recovery_point_ms);
    Policy { file_bytes: default.file_bytes.min(share), turn_after_ms, ..default }
}

impl Dir {
    fn new(opened: OpenedDir, disk: &Arc<dyn Disk>) -> Result<Self, LogError> {
        let OpenedDir { dir, committer, report } = opened;
        let path = dir.path().to_path_buf();
        if !report.created && !report.clean {
            let (frames, bytes) = (report.replayed.frames, report.replayed.bytes);
            tracing::info!(dir = %path.display(), frames, bytes, "was not stopped in order; recovered");
        }
        if let Some(error) = report.unreadable_checkpoints {
            tracing::warn!(dir = %path.display(), %error, "checkpoints are begun anew");
        }
        let folders = dir
            .partitions()?
            .iter()
            .map(|one| log::names::partition_dir(&one.topic, one.partition))
            .collect();
        let cleaned = CleanerOffsets::load(disk, &path)?;
        let queue = Arc::clone(committer.queue());
        Ok(Self {
            cleaned: Mutex::new(cleaned),
            id: dir.id(),
            path,
            log_dir: RwLock::new(Some(dir)),
            disk: Arc::clone(disk),
            committing: Mutex::new(Committing::NotYet(Box::new(committer))),
            folders: Mutex::new(folders),
            full: AtomicBool::new(false),
            cordoned: AtomicBool::new(false),
            broker_epoch: AtomicI64::new(-1),
            closed_in: (report.created, report.clean_epoch),
            backlog: (queue, AtomicU64::new(u64::MAX)),
            moved: AtomicBool::new(false),
        })
    }

    /// The room on its disk.
    pub fn space(&self) -> io::Result<Space> {
        self.disk.space(&self.path)
    }

    /// Up to where partitions are clean: the checkpoint file of the directory.
    pub fn cleaned(&self) -> MutexGuard<'_, CleanerOffsets> {
        self.cleaned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn committing(&self) -> MutexGuard<'_, Committing> {
        self.committing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks something of the directory; nothing once it is closed.
    pub fn with<R>(&self, ask: impl FnOnce(&LogDir) -> R) -> Option<R> {
        self.log_dir.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(ask)
    }

    /// The epoch of this broker's registration.
    pub fn broker_epoch(&self) -> i64 {
        self.broker_epoch.load(Ordering::Acquire)
    }

    /// The broker has registered in this epoch.
    pub fn set_broker_epoch(&self, epoch: i64) {
        self.broker_epoch.store(epoch, Ordering::Release);
    }

    /// Whether it was fenced.
    pub fn has_failed(&self) -> bool {
        self.with(|dir| dir.context().fence.reason().is_some()).unwrap_or(true)
    }

    /// Whether no new partition is placed here.
    pub fn is_cordoned(&self) -> bool {
        self.cordoned.load(Ordering::Relaxed)
    }

    /// Whether nothing can be appended, now or ever.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Whether more waits to be made durable than may: the disk does not keep up with those who do not wait for it.
    pub fn is_behind(&self) -> bool {
        let (queue, bytes_max) = &self.backlog;
        queue.bytes() >= bytes_max.load(Ordering::Relaxed)
    }

    fn start(self: &Arc<Self>, broker: &Arc<Broker>) {
        let mut committing = self.committing();
        let Committing::NotYet(committer) = std::mem::replace(&mut *committing, Committing::Over) else {
            return;
        };
        // Who waits for an answer is bounded by the bytes of requests that are let in; this bounds who does not wait.
        self.backlog.1.store(broker.config.network.request_bytes_max.saturating_mul(2), Ordering::Relaxed);
        let queue = Arc::clone(committer.queue());
        let (dir, weak) = (Arc::clone(self), Arc::downgrade(broker));
        let thread = std::thread::Builder::new().name("committer".to_owned());
        match thread.spawn(move || commit::run(&dir, &weak, *committer)) {
            Ok(thread) => *committing = Committing::Thread(thread, queue),
            Err(error) => broker.fail(format!("cannot start a committer: {error}")),
        }
    }

    fn close(&self, now_ms: i64) {
        let Committing::Thread(thread, queue) = std::mem::replace(&mut *self.committing(), Committing::Over)
        else {
            return;
        };
        queue.stop();
        let committer = thread.join().ok().flatten();
        let dir = self.log_dir.write().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(committer), Some(dir)) = (committer, dir) else { return };
        dir.set_broker_epoch(self.broker_epoch());
        if let Err(error) = dir.close(committer, now_ms) {
            tracing::warn!(dir = %self.path.display(), %error, "was not closed in order; the next start recovers it");
        }
    }
}
