//! The controller's shell: one task that owns the core, one that follows the log.
//!
//! ```text
//! submit ─► mailbox ─► handle, replay ─► propose (one sync for all that wait) ─► committed ─► applied here ─► answers leave
//!                                                    └─► follow: replay, data plane, image that requests see, snapshots
//! ```
//!
//! The owner replays what it decided at once, so that the next command sees it; should the commit fail, it goes back to the
//! image that is committed. Followers learn only what is committed, through the log, as on any other node.

use std::sync::Arc;

use metadata::controller::{Command, Controller, Moment};
use metadata::{Delta, MetadataImage, Record};
use quorum::{Committed, MetadataLog, ProposeError};
use tokio::sync::{mpsc, oneshot, watch};
use wire::ErrorCode;

use env::Clock;

use crate::Broker;

/// At most this many commands wait; more callers wait for room.
const COMMANDS_MAX: usize = 1024;

/// At most this many commands share one commit.
const GROUP_MAX: usize = 1024;

/// What the owner is sent: decides, and yields the records with whoever waits for them.
type Job = Box<dyn FnOnce(&Controller, Moment) -> (Vec<Record>, Reply) + Send>;

/// Lets an answer go, or the code of what went wrong instead.
type Reply = Box<dyn FnOnce(Result<(), ErrorCode>) + Send>;

/// The way to the controller.
#[derive(Debug)]
pub(crate) struct Mailbox {
    jobs: mpsc::Sender<Job>,
    log: Arc<dyn MetadataLog>,
}

impl Mailbox {
    /// Starts the owner and the follower; they end when `stop` says so.
    pub fn start(
        broker: &Arc<Broker>,
        controller: Controller,
        log: Arc<dyn MetadataLog>,
        offset: u64,
        stop: &watch::Receiver<bool>,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(COMMANDS_MAX);
        let (applied, seen) = watch::channel(offset);
        let owner = Owner { controller, broker: Arc::clone(broker), log: Arc::clone(&log), applied: seen };
        let follower = Follower { broker: Arc::clone(broker), log: Arc::clone(&log), offset, applied };
        for task in [Box::pin(owner.run(waiting)) as Task, Box::pin(follower.run())] {
            let mut stop = stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = task => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            });
        }
        Self { jobs, log }
    }

    /// The log behind the controller.
    pub fn log(&self) -> &dyn MetadataLog {
        &*self.log
    }

    /// Hands a command to the controller. The answer comes when its records are committed and this node has applied them.
    pub async fn submit<C>(&self, command: C) -> Result<C::Answer, ErrorCode>
    where
        C: Command + Send + 'static,
        C::Answer: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |controller, at| {
            let outcome = controller.handle(&command, at);
            let reply: Reply = Box::new(move |committed| {
                // Whoever asked may be gone.
                let _ = answer.send(committed.map(|()| outcome.answer));
            });
            (outcome.records, reply)
        });
        self.jobs.send(job).await.map_err(|_| ErrorCode::NOT_CONTROLLER)?;
        answered.await.unwrap_or(Err(ErrorCode::NOT_CONTROLLER))
    }
}

type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// The task that owns the core.
struct Owner {
    controller: Controller,
    broker: Arc<Broker>,
    log: Arc<dyn MetadataLog>,
    applied: watch::Receiver<u64>,
}

impl Owner {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut group = Vec::new();
        while jobs.recv_many(&mut group, GROUP_MAX).await > 0 {
            let (mut records, mut replies) = (Vec::new(), Vec::new());
            for job in group.drain(..) {
                let (new, reply) = job(&self.controller, self.broker.moment());
                match self.replay(&new) {
                    Ok(()) => {
                        records.extend(new);
                        replies.push(reply);
                    }
                    Err(code) => reply(Err(code)),
                }
            }
            let committed = self.commit(records).await;
            replies.into_iter().for_each(|reply| reply(committed));
        }
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

    async fn commit(&mut self, records: Vec<Record>) -> Result<(), ErrorCode> {
        if records.is_empty() {
            return Ok(());
        }
        match self.log.propose(records).await {
            Ok(end) => {
                let applied = self.applied.wait_for(|offset| *offset >= end).await;
                applied.map(drop).map_err(|_| ErrorCode::NOT_CONTROLLER)
            }
            Err(error) => {
                tracing::error!(%error, "metadata could not be committed");
                self.controller.reset(MetadataImage::clone(&self.broker.image()));
                Err(match error {
                    ProposeError::NotLeader(_) | ProposeError::Closed => ErrorCode::NOT_CONTROLLER,
                    // Whether it will have happened after a restart is unknown.
                    ProposeError::Failed(_) => ErrorCode::REQUEST_TIMED_OUT,
                })
            }
        }
    }
}

/// The task that makes committed records true on this node.
struct Follower {
    broker: Arc<Broker>,
    log: Arc<dyn MetadataLog>,
    offset: u64,
    applied: watch::Sender<u64>,
}

impl Follower {
    async fn run(mut self) {
        loop {
            let (mut image, mut delta) = (MetadataImage::clone(&self.broker.image()), Delta::default());
            let end = match self.log.next(self.offset).await {
                Ok(committed) => match replay(&mut image, &mut delta, &committed) {
                    Ok(end) => end,
                    Err(error) => {
                        tracing::error!(%error, "metadata is not followed any further");
                        return;
                    }
                },
                Err(error) => {
                    tracing::info!(%error, "metadata is not followed any further");
                    return;
                }
            };
            let broker = Arc::clone(&self.broker);
            // Logs are opened and deleted meanwhile, which may take the disk's time.
            let applied = tokio::task::spawn_blocking(move || broker.apply(image, &delta)).await;
            if let Err(error) = applied {
                tracing::error!(%error, "a change of the metadata could not be applied");
            }
            self.offset = end;
            self.applied.send_replace(end);
            if self.log.wants_snapshot() {
                self.log.snapshot(end, self.broker.image().to_records());
            }
        }
    }
}

/// Replays what was committed and returns the offset behind it.
pub(super) fn replay(
    image: &mut MetadataImage,
    delta: &mut Delta,
    committed: &Committed,
) -> Result<u64, metadata::ReplayError> {
    let (records, end) = match committed {
        Committed::Snapshot { end_offset, records } => {
            *image = MetadataImage::default();
            (&**records, *end_offset)
        }
        Committed::Batch(batch) => (&batch.records, batch.end_offset()),
    };
    for record in records {
        image.replay(record, delta)?;
    }
    Ok(end)
}

impl Broker {
    /// Now, with fresh chance.
    pub(super) fn moment(&self) -> Moment {
        let [a, b, c, d, e, f, g, h, ..] = self.random_bytes();
        Moment { now_ms: self.clock.wall_ms(), seed: u64::from_be_bytes([a, b, c, d, e, f, g, h]) }
    }
}
