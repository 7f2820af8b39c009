//! One shard: the core of its groups, those who wait for its answers, and its way to its log.
//!
//! Whoever brings work while nobody works here becomes the owner until all work is done (see `partition::mailbox`); what several
//! requests write in one turn goes to the log together. An append that fails ends the core's life: it is loaded anew. That is not risked
//! while too few replicas are in sync or the lease has run out: who would write is refused before the core decides, and its deadlines wait.
//! While what was written is not committed for long, nobody waits for it any more: answers are refused until it is.

mod state;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Weak};

use base::{LeaderEpoch, Str, TopicId};
use coordinator::engine::{Waiter, WriteId};
use coordinator::group::record::GroupRecord;
use coordinator::group::{GroupEngine, Request, Response, Settings};
use env::Clock;
use log::{AppendInfo, Origin};
use records::ValidBatches;
use tokio::sync::oneshot;
use wire::ErrorCode;

use super::batches::batches;
use super::timer::Timer;
use super::{SteadyClock, load};
use crate::Broker;
use crate::partition::mailbox::Mailbox;
use crate::partition::{Acks, AppendAs, AppendError, AppendWatcher, Partition};

/// How long deadlines wait while the log takes nothing.
const PUT_OFF_MS: i64 = 500;

/// What a caller hears.
type Reply = oneshot::Sender<Result<Response, ErrorCode>>;

/// All that can happen to a shard.
enum Job {
    Ask(Box<Request>, Option<Reply>),
    Loaded(Box<GroupEngine>),
    LoadFailed,
    /// Of the core's how-manieth life it was an append, and what came of it.
    Appended(u64, WriteId, Result<(), ErrorCode>),
    Tick,
    Unload,
}

/// Where a shard stands.
enum Core {
    Loading,
    Serving(Box<GroupEngine>),
    /// Its log cannot be read, or it is led elsewhere.
    Gone,
}

struct State {
    core: Core,
    /// How often the core was loaded; answers from the log to an earlier life are void.
    life: u64,
    waiting: HashMap<Waiter, Reply>,
    next_waiter: u64,
    /// The last write that is not committed, and since when none was.
    uncommitted: Option<(WriteId, i64)>,
    /// Topics found gone when the core was loaded, whose offsets cannot be deleted while the log takes no record.
    gone: Vec<(Str, TopicId)>,
}

/// One partition of `__consumer_offsets` that this node leads.
pub(super) struct Shard {
    partition: Arc<Partition>,
    /// The leader epoch in which it lives: the log takes nothing of it in another.
    epoch: LeaderEpoch,
    settings: Settings,
    state: Mailbox<State, Job>,
    timer: Arc<Timer>,
    clock: SteadyClock,
    broker: Weak<Broker>,
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shard({:?})", self.partition)
    }
}

/// What a turn writes: the records of all its requests, and the number of the last of them.
#[derive(Default)]
struct Written {
    records: Vec<GroupRecord>,
    last: Option<WriteId>,
}

impl Shard {
    /// A shard whose log has not been read.
    pub fn new(
        partition: Arc<Partition>,
        settings: Settings,
        timer: Arc<Timer>,
        clock: SteadyClock,
        broker: Weak<Broker>,
    ) -> Arc<Self> {
        let state = State {
            core: Core::Loading,
            life: 0,
            waiting: HashMap::new(),
            next_waiter: 0,
            uncommitted: None,
            gone: Vec::new(),
        };
        let epoch = partition.leader_epoch();
        Arc::new(Self { partition, epoch, settings, state: Mailbox::new(state), timer, clock, broker })
    }

    /// The partition that is its log.
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// The leader epoch in which it lives.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// What its groups are bound by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks, and waits for the answer: until its records are committed, or as long as a rebalance takes.
    pub async fn ask(self: &Arc<Self>, request: Request) -> Result<Response, ErrorCode> {
        let (reply, answer) = oneshot::channel();
        self.post(Job::Ask(Box::new(request), Some(reply)));
        answer.await.unwrap_or(Err(ErrorCode::COORDINATOR_NOT_AVAILABLE))
    }

    /// Asks, and does not care for the answer.
    pub fn tell(self: &Arc<Self>, request: Request) {
        self.post(Job::Ask(Box::new(request), None));
    }

    /// A deadline may have passed.
    pub fn tick(self: &Arc<Self>) {
        self.post(Job::Tick);
    }

    /// Its log has been read; without a core, it could not be.
    pub fn loaded(self: &Arc<Self>, core: Option<GroupEngine>) {
        self.post(core.map_or(Job::LoadFailed, |core| Job::Loaded(Box::new(core))));
    }

    /// It is led elsewhere, or the node stops.
    pub fn unload(self: &Arc<Self>) {
        self.post(Job::Unload);
    }

    fn post(self: &Arc<Self>, job: Job) {
        self.state.post(job, |state, jobs| self.turn(state, jobs));
    }

    fn now_ms(&self) -> i64 {
        self.broker.upgrade().map_or(0, |broker| self.clock.now_ms(&broker.clock))
    }

    fn wall_ms(&self) -> i64 {
        self.broker.upgrade().map_or(0, |broker| broker.clock.wall_ms())
    }

    fn turn(self: &Arc<Self>, state: &mut State, jobs: VecDeque<Job>) {
        let mut written = Written::default();
        let now_ms = self.now_ms();
        state.set_wall(self.wall_ms(), now_ms);
        let (is_stuck, was_gone) = (self.is_stuck(), matches!(state.core, Core::Gone));
        // Before anything else is written: what is committed from now on may be for the next topic of a name.
        state.ask_gone(is_stuck, now_ms, &mut written);
        for job in jobs {
            match job {
                Job::Ask(request, reply) if is_stuck && state.serves() && request.may_write() => {
                    if let Some(reply) = reply {
                        let _ = reply.send(Err(ErrorCode::COORDINATOR_NOT_AVAILABLE));
                    }
                }
                Job::Ask(request, reply) => match *request {
                    // For when there is a log to write to: refused it would be forgotten.
                    Request::TopicsDeleted(topics) if is_stuck && state.serves() => state.gone.extend(topics),
                    request => state.ask(request, reply, now_ms, &mut written),
                },
                Job::Loaded(core) => {
                    state.gone = self.gone_topics(&core);
                    state.loaded(core, (self.wall_ms(), now_ms), &mut written);
                    state.ask_gone(is_stuck, now_ms, &mut written);
                }
                Job::LoadFailed => state.core = Core::Gone,
                Job::Appended(life, _, _) if life != state.life => {}
                Job::Appended(_, write, Ok(())) => state.committed(write, now_ms),
                Job::Appended(_, _, Err(error)) => {
                    // What this turn decided stood on records that are lost.
                    written = Written::default();
                    self.reload(state, error, now_ms);
                }
                Job::Tick if is_stuck => {}
                Job::Tick => state.tick(now_ms, &mut written),
                Job::Unload => {
                    written = Written::default();
                    state.end(Core::Gone, ErrorCode::NOT_COORDINATOR, now_ms);
                }
            }
        }
        state.written(written.last, now_ms);
        let patience_ends = state.patience_ends(self.settings.commit_timeout_ms, now_ms);
        // The timer of one that was let go is its successor's.
        if !was_gone {
            let put_off = if is_stuck { now_ms + PUT_OFF_MS } else { i64::MIN };
            let deadline = state.next_deadline().map(|at_ms| at_ms.max(put_off));
            let deadline = deadline.into_iter().chain(patience_ends).min();
            self.timer.set(self.partition.key().partition, deadline);
        }
        self.write(state.life, written, self.wall_ms());
    }

    /// Whether the log takes nothing for now, and may again in this epoch: too few replicas, or a lease that has run out.
    fn is_stuck(&self) -> bool {
        match self.partition.check_append(Acks::All) {
            Err(ErrorCode::NOT_ENOUGH_REPLICAS) => true,
            Err(ErrorCode::NOT_LEADER_OR_FOLLOWER) => {
                self.partition.leads() && self.partition.leader_epoch() == self.epoch
            }
            Ok(()) | Err(_) => false,
        }
    }

    /// Topics with offsets that are there no more: they were deleted when the broker stopped, or while the shard was loading.
    fn gone_topics(&self, core: &GroupEngine) -> Vec<(Str, TopicId)> {
        let Some(broker) = self.broker.upgrade() else { return Vec::new() };
        let image = broker.image();
        let is_there = |name: &Str, id: TopicId| match id {
            TopicId::ZERO => image.topic_named(name).is_some(),
            id => image.topic(id).is_some(),
        };
        let topics = core.durable().offsets().topics().into_iter();
        topics.filter(|(name, id)| !is_there(name, *id)).map(|(name, id)| (name.clone(), id)).collect()
    }

    fn reload(self: &Arc<Self>, state: &mut State, error: ErrorCode, now_ms: i64) {
        tracing::warn!(shard = ?self.partition, error = error.name(), "an append failed: groups are loaded anew");
        state.end(Core::Loading, error, now_ms);
        if let Some(broker) = self.broker.upgrade() {
            load::in_background(&broker, vec![Arc::clone(self)]);
        }
    }

    /// Appends what a turn wrote. One batch, unless it is more than one may hold.
    fn write(self: &Arc<Self>, life: u64, written: Written, now_ms: i64) {
        let Some(last) = written.last else { return };
        let batches = batches(&written.records, self.settings.record_bytes_max, now_ms);
        let count = batches.len();
        for (place, batch) in batches.into_iter().enumerate() {
            let how = AppendAs {
                origin: Origin::Coordinator,
                leader_epoch: self.epoch,
                broker_epoch: self.partition.broker_epoch(),
                acks: Acks::All,
                now_ms,
            };
            let watcher =
                Watcher { shard: Arc::clone(self), life, write: (place + 1 == count).then_some(last) };
            self.partition.append(ValidBatches::from(batch), how, watcher);
        }
    }
}

/// Brings the log's word on an append back to the shard. Only the last batch of a write tells of success.
struct Watcher {
    shard: Arc<Shard>,
    life: u64,
    write: Option<WriteId>,
}

impl AppendWatcher for Watcher {
    fn ordered(&mut self, _info: &AppendInfo) {}

    fn done(self: Box<Self>, outcome: Result<(), AppendError>) {
        let outcome = outcome.map_err(|error| as_coordinator(error.code()));
        match (self.write, outcome) {
            (None, Ok(())) => {}
            (write, outcome) => {
                let write = write.unwrap_or_default();
                self.shard.post(Job::Appended(self.life, write, outcome));
            }
        }
    }
}

/// What a failed append means to who asked for it: where to look for the coordinator, or that it cannot be had.
fn as_coordinator(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::KAFKA_STORAGE_ERROR => ErrorCode::NOT_COORDINATOR,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::NOT_ENOUGH_REPLICAS
        | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | ErrorCode::REQUEST_TIMED_OUT => ErrorCode::COORDINATOR_NOT_AVAILABLE,
        _ => ErrorCode::UNKNOWN_SERVER_ERROR,
    }
}
