//! Replication between brokers: what all partitions of a node share, and the fetchers that copy what others lead.
//!
//! ```text
//! metadata ─► Partition::on_metadata ─┬─ leads ──► questions ─► AlterPartition ─► controller
//!                                     │    └─────► ticks (lagging replicas, questions asked again)
//!                                     └─ follows ► fetcher of the leader ─► Fetch ─► Partition::take_fetched
//! ```
//!
//! Nothing here runs for a partition by itself: one task asks the controller, one keeps the time, and one per leader (and
//! `num.replica.fetchers`) fetches.

mod brokers;
mod connection;
mod fetcher;
mod inbox;
mod lease;
mod manager;
mod questions;
mod session;
mod throttle;
mod ticks;

use std::sync::Arc;

use arc_swap::ArcSwap;
use base::BrokerId;
use env::{Clock, SystemClock};
use tokio::sync::watch;

use crate::Broker;
pub(crate) use brokers::KnownBrokers;
pub(crate) use inbox::Inbox;
pub(crate) use lease::SharedLease;
use manager::Fetchers;
use questions::Questions;
pub(crate) use throttle::{Throttle, Throttled};
use ticks::Ticks;

/// What all partitions of this node share.
#[derive(Debug)]
pub(crate) struct Replication {
    pub me: BrokerId,
    clock: SystemClock,
    /// The brokers as the metadata have them.
    pub brokers: ArcSwap<KnownBrokers>,
    /// Whether this node may lead at all.
    pub lease: SharedLease,
    pub questions: Questions,
    pub ticks: Ticks,
    pub fetchers: Fetchers,
    /// What throttled partitions may send to followers from here …
    pub leader_throttle: Throttle,
    /// … and copy to here.
    pub follower_throttle: Throttle,
}

impl Replication {
    /// Of the node of this id; nothing runs before [`start`].
    pub fn new(me: i32, clock: SystemClock) -> Self {
        Self {
            me: BrokerId(me),
            clock,
            brokers: ArcSwap::default(),
            lease: SharedLease::default(),
            questions: Questions::default(),
            ticks: Ticks::default(),
            fetchers: Fetchers::default(),
            leader_throttle: Throttle::default(),
            follower_throttle: Throttle::default(),
        }
    }

    /// Milliseconds of the clock that never goes back.
    pub fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.monotonic_ns() / 1_000_000).unwrap_or(i64::MAX)
    }
}

/// Starts the tasks that ask the controller and keep the time; they end when `stop` says so.
pub(crate) fn start(broker: &Arc<Broker>, stop: &watch::Receiver<bool>) {
    let runtime = tokio::runtime::Handle::current();
    broker.need("asking the controller", &runtime, questions::run(Arc::clone(broker), stop.clone()));
    broker.need("keeping the time of partitions", &runtime, ticks::run(Arc::clone(broker), stop.clone()));
    broker.replication.fetchers.start(stop.clone());
}
