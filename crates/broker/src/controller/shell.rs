//! The controller's shell: one task that owns the core while this node leads the quorum, one that follows the log.
//!
//! ```text
//! decide ─► mailbox ─► handle, replay ─► propose (one sync for all that wait) ─► committed ─► answers leave
//!                                                    └─► follow: replay, snapshots ─► data plane, image that requests see
//! ```
//!
//! The owner begins with the image as committed when its leadership was confirmed, and replays what it decides at once, so that the
//! next command sees it. When a commit fails it begins anew. Followers learn only what is committed, as on any other node. Nothing here
//! waits for the data plane of this node: who asks waits for its own, by the offset that comes with the answer.

use std::sync::Arc;
use std::time::Duration;

use metadata::controller::{Command, Controller, FenceExpired, Moment, Settings};
use metadata::{Delta, Record};
use quorum::{Leadership, MetadataLog, ProposeError};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use wire::ErrorCode;

use super::chores::Chores;
use super::follow::{Follower, Read, Serving};
use super::start::founding_records;
use super::unasked::{by_itself, expire};
use crate::Broker;
use crate::cluster::{Decided, Thread};

/// At most this many commands wait; more callers wait for room.
const COMMANDS_MAX: usize = 1024;
/// At most this many commands share one commit.
const GROUP_MAX: usize = 1024;
/// Those that bring more records than this are left for the next commit: voters take it in one piece, and in time.
const GROUP_RECORDS_MAX: usize = 10_000;

/// How often the sessions of brokers are looked at.
const SESSIONS_EVERY: Duration = Duration::from_millis(100);

/// How often it is looked at what is to be done by the clock.
const CHORES_EVERY: Duration = Duration::from_secs(1);

/// How long after this node ceased to lead it may take to hear what became of its last proposal.
const OUTCOME_WITHIN: Duration = Duration::from_millis(500);

/// What the owner is sent: decides, and yields the records with whoever waits for them. Dropped, it answers NOT_CONTROLLER.
pub(super) type Job = Box<dyn FnOnce(&mut Controller, Moment) -> Decision + Send>;

/// What a job decided.
pub(super) struct Decision {
    pub records: Vec<Record>,
    pub reply: Reply,
    /// The answer is worth something only if this node still leads.
    pub must_lead: bool,
}

/// Lets an answer go with the offset from which it is true, or the code of what went wrong instead.
pub(super) type Reply = Box<dyn FnOnce(Result<u64, ErrorCode>) + Send>;

/// The way to the controller.
#[derive(Debug)]
pub(crate) struct Mailbox {
    jobs: mpsc::Sender<Job>,
    log: Arc<dyn MetadataLog>,
    applied: watch::Receiver<u64>,
    serving: watch::Sender<Serving>,
}

impl Mailbox {
    /// Starts the owner and the follower; they end when `stop` says so.
    pub fn start(
        broker: &Arc<Broker>,
        log: Arc<dyn MetadataLog>,
        follower: Follower,
        stop: &watch::Receiver<bool>,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(COMMANDS_MAX);
        let (applied, serving) = (follower.applied(), follower.serving());
        let owner = Owner {
            broker: Arc::clone(broker),
            leadership: log.leadership(),
            log: Arc::clone(&log),
            read: follower.read(),
            led_before: None,
        };
        let main = Handle::current();
        let of_controller = broker.controller_thread.as_ref().map_or(&main, Thread::handle);
        let tasks =
            [(of_controller, Box::pin(owner.run(waiting)) as Task), (&main, Box::pin(follower.run()))];
        for (runtime, task) in tasks {
            let mut stop = stop.clone();
            broker.need("the controller", runtime, async move {
                tokio::select! {
                    () = task => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            });
        }
        Self { jobs, log, applied, serving }
    }

    /// The log behind the controller.
    pub fn log(&self) -> &dyn MetadataLog {
        &*self.log
    }

    /// How far this node has followed.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.clone()
    }

    /// From now on the data plane follows as well.
    pub fn serve(&self) {
        self.serving.send_replace(Serving::Shall);
    }

    /// Whether it does.
    pub fn serving(&self) -> watch::Receiver<Serving> {
        self.serving.subscribe()
    }

    /// Hands a command to the controller on this node. The answer comes when its records are committed.
    pub async fn decide<C>(&self, command: C) -> Decided<C::Answer>
    where
        C: Command + Send + 'static,
        C::Answer: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |controller, at| {
            let outcome = controller.handle(&command, at);
            if let Some((broker, epoch)) = command.heard_from() {
                controller.contacted(broker, epoch, at.now_ms);
            }
            let reply: Reply = Box::new(move |committed| {
                // Whoever asked may be gone.
                let _ = answer.send(committed.map(|offset| (outcome.answer, offset)));
            });
            Decision { records: outcome.records, reply, must_lead: command.heard_from().is_some() }
        });
        self.jobs.send(job).await.map_err(|_| ErrorCode::NOT_CONTROLLER)?;
        answered.await.unwrap_or(Err(ErrorCode::NOT_CONTROLLER))
    }

    /// Has a broker fenced whose process is known to be gone.
    pub async fn gone(&self, broker: i32) {
        let job: Job = Box::new(move |controller, at| {
            controller.forget(broker);
            let records = controller.handle(&FenceExpired, at).records;
            Decision { records, reply: Box::new(|_| {}), must_lead: false }
        });
        // Where the owner is gone, so is the controller.
        let _ = self.jobs.send(job).await;
    }
}

type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// The task that owns the core.
struct Owner {
    broker: Arc<Broker>,
    leadership: watch::Receiver<Leadership>,
    log: Arc<dyn MetadataLog>,
    read: watch::Receiver<Read>,
    /// Who else led last, as far as this node knows.
    led_before: Option<i32>,
}

impl Owner {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(epoch) = self.wait_to_lead(&mut jobs).await {
            match self.begin(epoch).await {
                Some(active) => active.lead(&mut jobs).await,
                // The library may need a moment to see that it does not lead any more.
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// The epoch in which this node leads, once it does; meanwhile commands are refused. None when nobody can send any more.
    async fn wait_to_lead(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<i32> {
        loop {
            let now = *self.leadership.borrow_and_update();
            if now.is_own {
                return Some(now.epoch);
            }
            self.led_before = now.leader.or(self.led_before);
            tokio::select! {
                changed = self.leadership.changed() => changed.ok()?,
                job = jobs.recv() => drop(job?),
            }
        }
    }

    /// The session of the leader before began earlier: no heartbeat of its broker can have been accepted since a majority heard of it
    /// for the last time.
    fn date_back(&self, controller: &mut Controller) {
        let at_ms = self.broker.moment().now_ms - self.log.silence_ms();
        let image = controller.image().clone();
        if let Some(before) = self.led_before.and_then(|id| image.live_broker(id)) {
            controller.contacted(before.id, before.epoch, at_ms);
        }
    }

    /// The controller as of all that is committed.
    async fn begin(&mut self, epoch: i32) -> Option<Active<'_>> {
        let mut offset = self.log.confirm().await.ok()?;
        if !self.broker.config.quorum.is_alone() {
            // A voter that led when all were killed leads on in its epoch, and knows only after a new entry how far the old ones
            // were committed: what is confirmed may lie before decisions that were answered.
            offset = self.log.propose(epoch, Vec::new()).await.ok()?;
        }
        let Read { offset: end, image } =
            self.read.wait_for(|read| read.offset >= offset).await.ok()?.clone();
        let config = &self.broker.config;
        let (static_configs, one_min_isr) = (config.statics.clone(), !config.quorum.is_alone());
        let (node_id, features) = (config.node_id, super::features());
        let settings = Settings { node_id, static_configs, one_min_isr, features };
        let mut controller = Controller::new(settings, image, self.broker.moment().now_ms);
        if config.quorum.is_alone() {
            // An earlier process of this node is gone: this one holds its folders.
            controller.forget(config.node_id);
        } else {
            tracing::info!(epoch, "this node is the active controller");
            self.date_back(&mut controller);
            self.broker.look_for_the_gone();
        }
        let mut active = Active { owner: self, controller, epoch, end };
        if active.controller.image().cluster_id().is_none() {
            active.establish(founding_records(&active.owner.broker)).await?;
        }
        let unified = active.controller.unify_min_isr();
        if !unified.is_empty() {
            active.establish(unified).await?;
        }
        Some(active)
    }
}

/// The controller of one leadership.
struct Active<'a> {
    owner: &'a mut Owner,
    controller: Controller,
    epoch: i32,
    /// Up to where the metadata log holds what the core knows.
    end: u64,
}

impl Active<'_> {
    async fn establish(&mut self, records: Vec<Record>) -> Option<()> {
        self.replay(&records).ok()?;
        self.commit(records).await.ok().map(drop)
    }

    /// Decides until the leadership ends or a commit fails.
    async fn lead(mut self, jobs: &mut mpsc::Receiver<Job>) {
        let is_alone = self.owner.broker.config.quorum.is_alone();
        let mut sessions = tokio::time::interval(SESSIONS_EVERY);
        sessions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut chores = tokio::time::interval(CHORES_EVERY);
        let mut done = Chores::new();
        let mut group = Vec::new();
        loop {
            tokio::select! {
                count = jobs.recv_many(&mut group, GROUP_MAX) => if count == 0 {
                    return;
                },
                due = sessions.tick(), if !is_alone => {
                    // Heartbeats that came while this task, or the process, stood still count first.
                    group.extend(std::iter::from_fn(|| jobs.try_recv().ok()).take(GROUP_MAX));
                    if due.elapsed() < SESSIONS_EVERY {
                        group.push(expire());
                    }
                }
                _ = chores.tick(), if !is_alone => group.extend(self.due(&mut done)),
                changed = self.owner.leadership.changed() => match changed {
                    Ok(()) if self.leads() => continue,
                    _ => return,
                },
            }
            while !group.is_empty() {
                if !self.decide(&mut group).await {
                    return;
                }
            }
        }
    }

    /// What is to be done by the clock.
    fn due(&self, done: &mut Chores) -> Vec<Job> {
        let (broker, image) = (&self.owner.broker, self.controller.image());
        let balance = done.balance(&broker.broker_configs(image)).map(by_itself);
        let spread = done.spread(broker, image).map(by_itself);
        balance.into_iter().chain(spread).collect()
    }

    fn leads(&self) -> bool {
        let now = *self.owner.leadership.borrow();
        now.is_own && now.epoch == self.epoch
    }

    /// Decides on the first of a group of commands and commits that; false if that failed.
    async fn decide(&mut self, group: &mut Vec<Job>) -> bool {
        let (mut records, mut replies, mut must_lead) = (Vec::new(), Vec::new(), false);
        let mut waiting = std::mem::take(group).into_iter();
        while records.len() < GROUP_RECORDS_MAX
            && let Some(job) = waiting.next()
        {
            let at = self.owner.broker.moment();
            let decision = job(&mut self.controller, at);
            must_lead |= decision.must_lead;
            match self.replay(&decision.records) {
                Ok(()) => {
                    records.extend(decision.records);
                    replies.push(decision.reply);
                }
                Err(code) => (decision.reply)(Err(code)),
            }
        }
        group.extend(waiting);
        let committed = match records.is_empty() {
            true if must_lead => self.owner.log.confirm().await.map_err(|_| ErrorCode::NOT_CONTROLLER),
            true => Ok(self.end),
            false => self.commit(records).await,
        };
        replies.into_iter().for_each(|reply| reply(committed));
        committed.is_ok()
    }

    /// Makes a decision true in the core. One that contradicts the image would be a bug of the core; it is not made true.
    fn replay(&mut self, records: &[Record]) -> Result<(), ErrorCode> {
        let before = self.controller.image().clone();
        for record in records {
            if let Err(error) = self.controller.replay(record, &mut Delta::default()) {
                tracing::error!(%error, "the controller contradicts itself");
                self.controller.reset(before);
                return Err(ErrorCode::UNKNOWN_SERVER_ERROR);
            }
        }
        Ok(())
    }

    async fn commit(&mut self, records: Vec<Record>) -> Result<u64, ErrorCode> {
        match self.propose(records).await {
            Ok(end) => {
                self.end = end;
                Ok(end)
            }
            Err(error) => {
                tracing::warn!(%error, "metadata could not be committed");
                if matches!(error, ProposeError::Failed(_)) {
                    // What was written is read again at the next start; until then nothing more can follow it.
                    self.owner.broker.fail(format!("the metadata cannot be written: {error}"));
                }
                Err(match error {
                    ProposeError::NotLeader(_) | ProposeError::Closed => ErrorCode::NOT_CONTROLLER,
                    // Whether it will have happened is unknown.
                    ProposeError::Failed(_) | ProposeError::Unknown => ErrorCode::REQUEST_TIMED_OUT,
                })
            }
        }
    }

    /// Proposes, and does not wait for ever once this node is cut off from the majority.
    async fn propose(&mut self, records: Vec<Record>) -> Result<u64, ProposeError> {
        let (epoch, Owner { log, leadership, .. }) = (self.epoch, &mut *self.owner);
        let deposed = async {
            // An error says that the quorum's task ended; the proposal hears so itself.
            let _ = leadership.wait_for(|now| !now.is_own || now.epoch != epoch).await;
            tokio::time::sleep(OUTCOME_WITHIN).await;
        };
        tokio::select! {
            proposed = log.propose(epoch, records) => proposed,
            () = deposed => Err(ProposeError::Unknown),
        }
    }
}

impl Broker {
    /// Now, with fresh chance. Steps of the wall clock do not show.
    pub(super) fn moment(&self) -> Moment {
        let [a, b, c, d, e, f, g, h, ..] = self.random_bytes();
        Moment {
            now_ms: self.started_ms.saturating_add(self.lease_clock_ms()),
            seed: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        }
    }
}
