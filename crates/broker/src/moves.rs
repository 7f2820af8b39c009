//! Partitions on their way from one log directory to another (AlterReplicaLogDirs, KIP-113).
//!
//! ```text
//! wanted ─► copied, a piece of each at a time, no faster than replica.alter.log.dirs.io.max.bytes.per.second
//!        ─► caught up: the owner holds still for a moment and goes on in the copy ─► the old folder departs
//! ```
//!
//! One thread does it all; it sleeps while nothing is wanted. What is wanted does not survive the process, but an unfinished copy
//! in a directory says so at the next start, and is begun again. Compaction of a partition waits until it has moved.

mod job;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use base::TopicIdPartition;
use log::PartitionFolder;
use metadata::ConfigResource;

use crate::Broker;
use crate::compaction::Throttle;
use crate::logs::Dir;
use crate::partition::Partition;
use job::{Job, Progress};

/// Kafka's name of the limit, in bytes per second; it is set while the broker runs.
const THROTTLE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";
/// How long until what cannot go on now is tried again.
const PAUSE: Duration = Duration::from_millis(50);
/// How often, and how long apart, the partitions of unfinished moves are looked for after the start.
const RESUME_TRIES: usize = 300;
const RESUME_PAUSE: Duration = Duration::from_millis(200);

/// What is to be moved, and the thread that does it.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    state: Mutex<State>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    wanted: BTreeMap<TopicIdPartition, Wanted>,
    /// Rises whenever something else is wanted.
    changes: u64,
    stopped: bool,
}

impl State {
    fn is_as_at(&self, changes: u64) -> bool {
        !self.stopped && self.changes == changes && self.wanted.values().all(|one| !one.partition.is_closed())
    }
}

/// One partition that is to be elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub partition: Arc<Partition>,
    pub to: Arc<Dir>,
    copied: Arc<Copied>,
}

/// How far the copy is; nothing before it is begun.
#[derive(Debug)]
struct Copied {
    end: AtomicI64,
    bytes: AtomicI64,
}

impl Wanted {
    /// The copy's bytes, and how many offsets it lacks; `None` before it is begun.
    pub fn copied(&self) -> Option<(i64, i64)> {
        let end = self.copied.end.load(Ordering::Relaxed);
        let lag = self.partition.reader().view().log_end.0.saturating_sub(end).max(0);
        (end >= 0).then(|| (self.copied.bytes.load(Ordering::Relaxed), lag))
    }
}

impl Moves {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that are under way.
    pub fn all(&self) -> Vec<Wanted> {
        self.lock().wanted.values().cloned().collect()
    }

    /// All that are under way, and as of which change.
    fn as_of_now(&self) -> (Vec<Wanted>, u64) {
        let state = self.lock();
        (state.wanted.values().cloned().collect(), state.changes)
    }

    /// Has a partition moved to `to`, and to nowhere else; where it is there already, it stays.
    pub fn want(&self, broker: &Arc<Broker>, partition: &Arc<Partition>, to: &Arc<Dir>) {
        let mut state = self.lock();
        state.changes += 1;
        let key = partition.key();
        if Arc::ptr_eq(&partition.dir(), to) {
            state.wanted.remove(&key);
        } else if state.wanted.get(&key).is_none_or(|wanted| !Arc::ptr_eq(&wanted.to, to)) {
            let copied = Arc::new(Copied { end: AtomicI64::new(-1), bytes: AtomicI64::new(0) });
            let (partition, to) = (Arc::clone(partition), Arc::clone(to));
            tracing::info!(?partition, to = %to.path.display(), "moving a partition to another log directory");
            state.wanted.insert(key, Wanted { partition, to, copied });
        }
        drop(state);
        self.changed.notify_all();
        self.start(broker);
    }

    /// Ends the thread and waits for it. Copies stay behind as they are.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that moves partitions has panicked");
        }
    }

    fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn start(&self, broker: &Arc<Broker>) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() || thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let broker = Arc::downgrade(broker);
        match std::thread::Builder::new().name("mover".to_owned()).spawn(move || run(&broker)) {
            Ok(started) => *thread = Some(started),
            Err(error) => tracing::error!(%error, "cannot start the thread that moves partitions"),
        }
    }

    /// Waits until something is wanted; `false` once it is over.
    fn wait(&self) -> bool {
        let state = self.lock();
        let idle = |state: &mut State| state.wanted.is_empty() && !state.stopped;
        !self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner).stopped
    }

    /// Waits a moment, or until something else is wanted.
    fn pause(&self) {
        drop(self.changed.wait_timeout(self.lock(), PAUSE));
    }

    /// A partition has moved, or cannot.
    fn over(&self, wanted: &Wanted) {
        let mut state = self.lock();
        let key = wanted.partition.key();
        if state.wanted.get(&key).is_some_and(|other| Arc::ptr_eq(&other.to, &wanted.to)) {
            state.wanted.remove(&key);
        }
    }
}

fn run(weak: &Weak<Broker>) {
    let mut jobs: BTreeMap<TopicIdPartition, Job> = BTreeMap::new();
    let mut pace = Pace::default();
    loop {
        let Some(broker) = weak.upgrade() else { return };
        let moves = &broker.moves;
        if jobs.is_empty() && !moves.wait() || moves.is_stopped() {
            return;
        }
        let (wanted, changes) = moves.as_of_now();
        let given_up = |key: &TopicIdPartition, job: &mut Job| {
            !wanted.iter().any(|one| one.partition.key() == *key && Arc::ptr_eq(&one.to, &job.to))
        };
        for (_, job) in jobs.extract_if(.., given_up) {
            job.give_up(&broker);
        }
        let mut moved = false;
        for one in &wanted {
            pace.changes = changes;
            moved |= go_on(&broker, one, &mut jobs, &mut pace);
        }
        if !moved {
            moves.pause();
        }
    }
}

/// A piece of one partition; whether there was anything to do.
fn go_on(
    broker: &Arc<Broker>,
    wanted: &Wanted,
    jobs: &mut BTreeMap<TopicIdPartition, Job>,
    pace: &mut Pace,
) -> bool {
    let key = wanted.partition.key();
    let job = match jobs.remove(&key) {
        Some(job) => Ok(Some(job)),
        None => Job::begin(broker, wanted),
    };
    let progress = job.and_then(|job| match job {
        Some(mut job) => Ok((job.step(broker)?, Some(job))),
        None => Ok((Progress::Waits, None)),
    });
    match progress {
        Ok((Progress::Copied(bytes), Some(job))) => {
            wanted.copied.end.store(job.end(), Ordering::Relaxed);
            wanted.copied.bytes.store(job.bytes(), Ordering::Relaxed);
            jobs.insert(key, job);
            pace.pass(broker, bytes);
            true
        }
        Ok((Progress::Waits, job)) => {
            jobs.extend(job.map(|job| (key, job)));
            false
        }
        Ok((Progress::Moved, _)) => {
            let (partition, to) = (&wanted.partition, wanted.to.path.display());
            tracing::info!(?partition, %to, "moved a partition to another log directory");
            broker.moves.over(wanted);
            true
        }
        Ok((Progress::Gone | Progress::Copied(_), _)) => {
            broker.moves.over(wanted);
            true
        }
        Err(error) => {
            let (partition, to) = (&wanted.partition, wanted.to.path.display());
            tracing::error!(?partition, %to, %error, "cannot move a partition; it stays where it is");
            broker.moves.over(wanted);
            true
        }
    }
}

/// The speed at which pieces are copied; begun anew when the limit changes.
#[derive(Debug, Default)]
struct Pace {
    /// What is wanted as of this change; another one ends a wait.
    changes: u64,
    limit: Option<f64>,
    throttle: Option<Throttle>,
}

impl Pace {
    fn pass(&mut self, broker: &Broker, bytes: u64) {
        let limit = broker.move_bytes_per_second();
        if limit != self.limit {
            self.limit = limit;
            self.throttle = limit.map(Throttle::new);
        }
        if let Some(throttle) = &mut self.throttle {
            let changes = self.changes;
            let goes_on = || broker.moves.lock().is_as_at(changes) && broker.move_bytes_per_second() == limit;
            throttle.pass(bytes, &goes_on);
        }
    }
}

impl Broker {
    /// The limit of this broker, or that of all brokers.
    fn move_bytes_per_second(&self) -> Option<f64> {
        let image = self.image();
        let of = |resource: ConfigResource| image.config(&resource, THROTTLE)?.parse().ok();
        of(ConfigResource::broker(self.config.node_id)).or_else(|| of(ConfigResource::all_brokers()))
    }

    /// Begins anew what the process before had not finished, as soon as this one knows the partitions.
    pub(crate) async fn resume_moves(self: Arc<Self>) {
        let mut unfinished = self.logs.take_unfinished();
        for _ in 0..RESUME_TRIES {
            let broker = Arc::clone(&self);
            let asked = tokio::task::spawn_blocking(move || {
                unfinished.retain(|(folder, to)| !broker.resume_move(folder, to));
                unfinished
            });
            match asked.await {
                Ok(left) if !left.is_empty() && !self.moves.is_stopped() => unfinished = left,
                Ok(_) => return,
                Err(error) => {
                    tracing::error!(%error, "unfinished moves were not begun anew, by a bug: ask for them again");
                    return;
                }
            }
            tokio::time::sleep(RESUME_PAUSE).await;
        }
        tracing::info!(?unfinished, "partitions that were being moved are not here any more");
    }

    fn resume_move(self: &Arc<Self>, folder: &PartitionFolder, to: &Arc<Dir>) -> bool {
        let topic = self.topics.by_name(&folder.topic);
        let Some(Ok(partition)) = topic.map(|topic| topic.replica(folder.partition)) else { return false };
        self.moves.want(self, &partition, to);
        true
    }
}
