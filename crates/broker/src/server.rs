//! Starting and stopping a broker.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auth::Authorizer;
use log::DirError;
use net::{BindError, Bound, MemoryBudget};
use tokio::sync::watch;
use wire::ErrorCode;

use env::{Clock, OsRandom, Random, SystemClock};

use crate::accounting::Accounts;
use crate::cluster::{Links, Membership, Thread};
use crate::compaction::Compaction;
use crate::config::{Config, SecurityProtocol};
use crate::connections::Connections;
use crate::controller::{Metadata, MetadataError};
use crate::coordinators::Coordinators;
use crate::fetch::Sessions;
use crate::housekeeping::{self, Housekeeping};
use crate::listener::{self, Listener};
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::moves::Moves;
use crate::partition::Topics;
use crate::producer_ids::ProducerIds;
use crate::replication;
use crate::replication::Replication;
use crate::waiters::Waiters;

/// How long a stop waits for connections to take their last answers.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What the youngest batches may take in memory: readers that keep up need no more than the last moments.
const HOT_TAIL_BYTES_MAX: u64 = 128 << 20;

/// Descriptors that are neither of logs nor of clients' connections: listeners, timers, the commit and metadata logs, links to others.
const OTHER_DESCRIPTORS: usize = 64;

/// The part of the memory that answers to fetches may hold.
const FETCH_MEMORY_SHARE: u64 = 8;

/// What all connections and handlers of one broker share.
#[derive(Debug)]
pub struct Broker {
    /// What it was started with.
    pub config: Config,
    /// Open connections.
    pub connections: Arc<Connections>,
    /// Memory for requests in flight.
    pub memory: MemoryBudget,
    /// Memory for the records of answers that have not left yet.
    pub fetch_memory: MemoryBudget,
    /// Bytes and time by principal and client id.
    pub accounts: Accounts,
    /// Who may do what.
    pub(crate) authorizer: Authorizer,
    /// Counters.
    pub metrics: Metrics,
    /// Long polls and whatever else waits.
    pub waiters: Arc<Waiters>,
    /// The topics this node has.
    pub topics: Topics,
    /// Time.
    pub clock: SystemClock,
    /// The wall clock when it started.
    pub(crate) started_ms: i64,
    pub(crate) metadata: Metadata,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) logs: Logs,
    pub(crate) replication: Arc<Replication>,
    pub(crate) sessions: Sessions,
    pub(crate) housekeeping: Arc<Housekeeping>,
    pub(crate) compaction: Compaction,
    pub(crate) moves: Moves,
    pub(crate) coordinators: Coordinators,
    /// Connections to the other nodes.
    pub(crate) links: Arc<Links>,
    /// The quorum's thread, on a node that is not alone.
    pub(crate) thread: Option<Thread>,
    /// The active controller's, likewise.
    pub(crate) controller_thread: Option<Thread>,
    pub(crate) membership: Membership,
    /// Why the broker cannot go on, once it cannot.
    failure: watch::Sender<Option<String>>,
    random: OsRandom,
}

impl Broker {
    fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.thread.iter().chain(&self.controller_thread)
    }

    /// Milliseconds since the broker started.
    pub(crate) fn uptime_ms(&self) -> u64 {
        self.clock.monotonic_ns() / 1_000_000
    }

    /// How many incremental fetch sessions there are.
    pub fn fetch_sessions(&self) -> usize {
        self.sessions.count()
    }

    /// A heartbeat was accepted or refused, or a registration begins: appends are taken for as long as the lease lasts, counted by
    /// [`Self::lease_clock_ms`]. Never called, none is needed: the node is its own controller.
    pub fn set_lease(&self, lease: &replica::Lease) {
        self.replication.lease.set(lease);
    }

    /// The clock of leases, in milliseconds; it never goes back.
    pub fn lease_clock_ms(&self) -> i64 {
        self.replication.now_ms()
    }

    /// Says that the broker cannot go on.
    pub(crate) fn fail(&self, reason: String) {
        tracing::error!(reason, "the broker cannot go on");
        self.failure.send_if_modified(|failure| failure.is_none() && failure.replace(reason).is_none());
    }

    /// Runs a task that the broker cannot do without: where it panics the broker says so and ends.
    pub(crate) fn need(
        self: &Arc<Self>,
        what: &'static str,
        runtime: &tokio::runtime::Handle,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let (broker, running) = (Arc::downgrade(self), runtime.spawn(task));
        runtime.spawn(async move {
            if let Err(error) = running.await
                && error.is_panic()
                && let Some(broker) = broker.upgrade()
            {
                broker.fail(format!("{what} ended by a bug: {error}"));
            }
        });
    }

    /// Waits until the broker cannot go on, and says why.
    pub(crate) async fn failed(&self) -> String {
        let mut failure = self.failure.subscribe();
        let failed = failure.wait_for(Option::is_some).await;
        failed.ok().and_then(|reason| reason.clone()).unwrap_or_default()
    }

    /// Bytes nobody can guess.
    pub(crate) fn random_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// A broker that runs. Dropping it stops nothing; [`Handle::stop`] does.
#[derive(Debug)]
pub struct Handle {
    broker: Arc<Broker>,
    served: Vec<Served>,
    stop: watch::Sender<bool>,
    stop_metadata: watch::Sender<bool>,
}

/// One listener, as it came to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Served {
    /// The listener's name.
    pub name: String,
    /// Its security protocol.
    pub protocol: SecurityProtocol,
    /// Whether it is one of the controllers, for other nodes and for tools.
    pub is_controllers: bool,
    /// The addresses it listens on.
    pub addresses: Vec<SocketAddr>,
    /// Whether its default port was busy and it took another.
    pub moved: bool,
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A log directory could not be taken.
    #[error("log.dirs: {0}")]
    LogDirs(#[from] DirError),
    /// The metadata could not be had.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A listener could not be opened.
    #[error("listener {name}: {source}")]
    Bind {
        /// The listener.
        name: String,
        /// Why.
        source: BindError,
    },
}

/// Starts a broker; when this returns it serves. Must run inside a tokio runtime of several threads.
pub async fn serve(config: Config) -> Result<Handle, StartError> {
    let hot_bytes = (net::memory_limit_bytes() / 16).min(HOT_TAIL_BYTES_MAX);
    let descriptors = net::raise_descriptor_limit();
    let (files_max, connections_max) = (files_max(descriptors), connections_max(descriptors));
    let is_alone = config.quorum.is_alone();
    let thread = (!is_alone).then(|| Thread::start("quorum")).transpose().map_err(MetadataError::Thread)?;
    let roles = config.quorum.roles;
    let decides = !is_alone && roles.controller;
    let controller_thread =
        decides.then(|| Thread::start("controller")).transpose().map_err(MetadataError::Thread)?;
    // A controller has no partitions, and touches no folders of a broker.
    let dirs = if roles.broker { config.log_dirs.clone() } else { vec![config.metadata_dir()] };
    let logs = Logs::open(&dirs, config.node_id, is_alone, files_max, hot_bytes, config.recovery_point_ms)?;
    let listeners = bind_all(&config, thread.as_ref())?;
    let clock = SystemClock::new();
    let broker = Arc::new(Broker {
        coordinators: Coordinators::new(&clock),
        connections: Connections::new(&config.network, connections_max),
        memory: MemoryBudget::new(config.network.request_bytes_max),
        fetch_memory: MemoryBudget::new(net::memory_limit_bytes() / FETCH_MEMORY_SHARE),
        accounts: Accounts::default(),
        authorizer: Authorizer::default(),
        metrics: Metrics::default(),
        waiters: Arc::new(Waiters::default()),
        topics: Topics::new(config.node_id),
        replication: Arc::new(Replication::new(config.node_id, clock)),
        started_ms: clock.wall_ms(),
        clock,
        metadata: Metadata::default(),
        links: Arc::default(),
        thread,
        controller_thread,
        membership: Membership::default(),
        producer_ids: ProducerIds::default(),
        sessions: Sessions::new(config.fetch.session_slots),
        housekeeping: Arc::new(Housekeeping::new(clock)),
        compaction: Compaction::default(),
        moves: Moves::default(),
        logs,
        failure: watch::Sender::new(None),
        random: OsRandom,
        config,
    });
    let opening = Arc::downgrade(&broker);
    broker.topics.open_with(Box::new(move |topic, index, state| {
        let broker = opening.upgrade().ok_or(ErrorCode::BROKER_NOT_AVAILABLE)?;
        broker.open_partition(topic, index, state)
    }));
    broker.logs.start(&broker);
    let (stop, stopping) = watch::channel(false);
    let (stop_metadata, metadata_stopping) = watch::channel(false);
    let open: Vec<_> = listeners.iter().map(|(_, listener)| Arc::clone(listener)).collect();
    if roles.broker {
        replication::start(&broker, &metadata_stopping);
    }
    let (own, clients): (Vec<_>, Vec<_>) =
        listeners.into_iter().partition(|(_, listener)| listener.config.is_controllers);
    let mut served = accept_all(&broker, own, &metadata_stopping);
    if let Err(error) = broker.start_metadata(&open, &metadata_stopping).await {
        stop_metadata.send_replace(true);
        broker.threads().for_each(Thread::stop);
        return Err(error.into());
    }
    served.splice(0..0, accept_all(&broker, clients, &stopping));
    if roles.broker {
        keep_house(&broker);
    }
    Ok(Handle { broker, served, stop, stop_metadata })
}

/// Starts what a broker does by itself.
fn keep_house(broker: &Arc<Broker>) {
    broker.start_cleaners();
    broker.say_what_is_relaxed();
    let runtime = tokio::runtime::Handle::current();
    broker.need("beginning moves anew", &runtime, Arc::clone(broker).resume_moves());
    broker.need("housekeeping", &runtime, housekeeping::keep(Arc::clone(broker)));
    broker.need("the groups' timer", &runtime, Coordinators::run_timer(Arc::clone(broker)));
}

/// Opens the listeners; those of the controllers on the quorum's thread.
fn bind_all(config: &Config, thread: Option<&Thread>) -> Result<Vec<(Bound, Arc<Listener>)>, StartError> {
    let mut listeners = Vec::new();
    for listener in &config.listeners {
        let _entered = thread.filter(|_| listener.is_controllers).map(|thread| thread.handle().enter());
        let bound = net::bind(&listener.host, listener.port, config.network.backlog)
            .map_err(|source| StartError::Bind { name: listener.name.clone(), source })?;
        let listener = Arc::new(Listener { config: listener.clone(), port: bound.port });
        listeners.push((bound, listener));
    }
    Ok(listeners)
}

/// Accepts on listeners; those of the controllers on the quorum's thread.
fn accept_all(
    broker: &Arc<Broker>,
    listeners: Vec<(Bound, Arc<Listener>)>,
    stop: &watch::Receiver<bool>,
) -> Vec<Served> {
    let mut served = Vec::new();
    for (bound, listener) in listeners {
        served.push(Served {
            name: listener.config.name.clone(),
            protocol: listener.config.protocol,
            is_controllers: listener.config.is_controllers,
            addresses: bound.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect(),
            moved: bound.moved,
        });
        let of_quorum = broker.thread.as_ref().filter(|_| listener.config.is_controllers);
        let _entered = of_quorum.map(|thread| thread.handle().enter());
        listener::accept_on(broker, bound, &listener, stop);
    }
    served
}

/// How many files the logs may keep open: half of what the process may, the other half being for connections.
fn files_max(descriptors: Option<u64>) -> usize {
    descriptors.map_or(100_000, |limit| usize::try_from(limit / 2).unwrap_or(100_000)).min(100_000)
}

/// How many connections there may be: for as many there are descriptors once the logs and everything else have theirs.
fn connections_max(descriptors: Option<u64>) -> usize {
    let left = |limit: u64| {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        limit.saturating_sub(files_max(descriptors)).saturating_sub(OTHER_DESCRIPTORS.min(limit / 4)).max(1)
    };
    descriptors.map_or(usize::MAX, left)
}

impl Handle {
    /// What is served where.
    pub fn served(&self) -> &[Served] {
        &self.served
    }

    /// The address of the first listener's first socket, for those in the same process.
    pub fn address(&self) -> Option<SocketAddr> {
        let address = *self.served.first()?.addresses.first()?;
        let local: std::net::IpAddr =
            if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        Some(if address.ip().is_unspecified() { SocketAddr::new(local, address.port()) } else { address })
    }

    /// What the broker's parts share.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// Stops: accepts no more, answers what was received, closes.
    pub async fn stop(self) {
        self.broker.leave().await;
        self.stop.send_replace(true);
        self.broker.coordinators.unload_all();
        self.broker.connections.stop();
        if tokio::time::timeout(STOP_GRACE, self.broker.connections.none_left()).await.is_err() {
            tracing::warn!(
                open = self.broker.connections.count(),
                "connections that did not close in time are dropped"
            );
        }
        self.stop_metadata.send_replace(true);
        if let Some(raft) = self.broker.metadata.raft() {
            raft.stop().await;
        }
        self.broker.threads().for_each(Thread::stop);
        // Syncing takes the disk's time.
        let broker = Arc::clone(&self.broker);
        let _ = tokio::task::spawn_blocking(move || broker.close_logs()).await;
    }

    /// Waits until the broker cannot go on, and says why; it is to be stopped then.
    pub async fn failed(&self) -> String {
        self.broker.failed().await
    }

    /// Whether the node serves clients; else it is a controller only.
    pub fn is_broker(&self) -> bool {
        self.broker.config.quorum.roles.broker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_and_connections_share_the_descriptors() {
        for (descriptors, files, connections) in [
            (Some(1024), 512, 448),
            (Some(4096), 2048, 1984),
            (Some(1 << 20), 100_000, 948_512),
            (Some(96), 48, 24),
            (Some(10), 5, 3),
            (None, 100_000, usize::MAX),
        ] {
            assert_eq!((files_max(descriptors), connections_max(descriptors)), (files, connections));
        }
    }
}
