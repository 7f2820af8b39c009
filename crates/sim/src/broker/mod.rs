//! A broker: the shell around the cores, as the real one must be, without threads.
//!
//! It drives the real log on the simulated disk, the real replica machines and the real group coordinator. What it does in which
//! order is what the broker's own shell promises: an answer leaves after what it tells is committed, a role changes before anything
//! of the new one is served, nothing is appended without a lease.

mod fetch;
mod follow;
mod groups;
mod link;
mod metadata;
mod replicas;
mod serve;
mod start;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::metadata::MetadataImage;
use base::planted::Planted;
use base::{BrokerId, TopicIdPartition, Uuid};
use env::SimDisk;
use log::{Committer, LogConfig, LogDir};
use replica::{Brokers, Lease};

use crate::ctx::Ctx;
use crate::message::{Answer, Request};
use crate::net::Rpc;
use fetch::Parked;
use follow::Fetcher;
use groups::Coordinator;
use link::Purpose;
use replicas::Held;
pub use replicas::{MIN_ISR, read};

/// Kafka's `broker.session.timeout.ms`, shorter so that a minute holds many of them.
pub const SESSION_MS: i64 = 3_000;

/// Why a broker wakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// To register, or to say that it lives.
    Heartbeat,
    /// To ask for more of the metadata log.
    Metadata,
    /// To sync.
    Sync,
    /// Whatever has a deadline.
    Tick,
}

/// A node's broker, running or not; what outlives its process.
#[derive(Debug)]
pub struct Broker {
    pub disk: SimDisk,
    /// The identity of its log directory, lost with the disk.
    pub directory: Uuid,
    /// The epoch under which it stopped in order, if it did.
    pub clean_epoch: Option<i64>,
    /// Counts starts, so that nothing reaches an earlier life.
    pub life: u64,
    pub running: Option<Running>,
    pub is_paused: bool,
    /// It is to stop in order: how long it stays away.
    pub closing: Option<crate::Time>,
}

/// A running process.
#[derive(Debug)]
pub struct Running {
    me: BrokerId,
    incarnation: Uuid,
    directory: Uuid,
    clean_epoch: Option<i64>,
    dir: LogDir,
    committer: Committer,
    config: Arc<LogConfig>,
    /// The epoch of its registration.
    epoch: Option<i64>,
    lease: Lease,
    /// Which node it takes for the controller.
    controller: usize,
    nodes: usize,
    asked: BTreeMap<Rpc, Purpose>,
    image: MetadataImage,
    /// How much of the metadata log it has.
    read: usize,
    /// It has read of its own registration.
    is_known: bool,
    planted: Planted,
    held: BTreeMap<TopicIdPartition, Held>,
    fetchers: BTreeMap<usize, Fetcher>,
    parked: Vec<Parked>,
    groups: BTreeMap<TopicIdPartition, Coordinator>,
    is_sync_due: bool,
    is_closing: bool,
    /// It may stop now.
    pub may_stop: bool,
}

/// The brokers as this one's metadata know them.
struct Known<'a>(&'a MetadataImage);

impl Brokers for Known<'_> {
    fn eligible_epoch(&self, broker: BrokerId) -> Option<i64> {
        let broker = self.0.brokers().get(&broker.0)?;
        broker.is_active().then_some(broker.epoch)
    }
}

/// The node of a broker's id.
#[must_use]
pub fn node_of(broker: BrokerId) -> Option<usize> {
    usize::try_from(broker.0 - 1).ok()
}

/// The broker's id of a node.
#[must_use]
pub fn broker_of(node: usize) -> BrokerId {
    BrokerId(i32::try_from(node).unwrap_or(0) + 1)
}

impl Running {
    /// A question arrives that is not for the controller.
    pub fn on_question(&mut self, rpc: Rpc, connection: u64, request: Request, ctx: &mut Ctx<'_>) {
        let to = (rpc, connection);
        match request {
            Request::Fetch(fetch) => self.on_fetch(to, fetch, ctx),
            Request::Produce { partition, batch } => self.on_produce(to, partition, &batch, ctx),
            Request::Read { partition, offset, epoch } => self.on_read(to, partition, (offset, epoch), ctx),
            Request::Lookup => self.on_lookup(to, ctx),
            Request::Group(request) => self.on_group(to, request, ctx),
            // The rest is for controllers.
            _ => {}
        }
    }

    /// An answer arrives, or none will.
    pub fn on_answer(&mut self, rpc: Rpc, answer: Answer, ctx: &mut Ctx<'_>) {
        let Some(purpose) = self.asked.remove(&rpc) else { return };
        self.on_answer_to(purpose, answer, ctx);
    }

    /// Time passes.
    pub fn on_timer(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        match timer {
            Timer::Heartbeat => self.beat(ctx),
            Timer::Metadata => self.ask_metadata(ctx),
            Timer::Sync => self.sync(ctx),
            Timer::Tick => self.tick(ctx),
        }
    }

    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        self.tick_leaders(ctx);
        self.tick_groups(ctx);
        self.answer_parked(ctx);
        self.drive_fetchers(ctx);
        ctx.wake(40 * crate::plan::MS, Timer::Tick);
    }

    /// Whether this broker is registered, caught up and heard of by the controller.
    #[must_use]
    pub fn is_unfenced(&self) -> bool {
        self.image.live_broker(self.me.0).is_some_and(|broker| Some(broker.epoch) == self.epoch)
    }

    /// How much of the metadata log it has.
    #[must_use]
    pub fn metadata_read(&self) -> usize {
        self.read
    }
}
