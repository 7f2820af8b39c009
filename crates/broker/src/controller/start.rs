//! How a node comes to its metadata: opens the log, waits for the cluster, registers itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Str, Uuid};
use env::{OsRandom, RealDisk};
use metadata::Record;
use metadata::ReplayError;
use metadata::config::Value;
use metadata::record::{ClusterIdRecord, FeatureLevelRecord, FeatureRange};
use quorum::{
    FileError, Local, MetadataLog, Observer, ObserverOptions, Options, Peer, ProposeError, Raft, Timing,
};
use tokio::sync::watch;
use wire::ErrorCode;
use wire::messages::broker_heartbeat::BrokerHeartbeatRequest;
use wire::messages::broker_registration::{BrokerRegistrationRequest, Feature};

use super::carry;
use super::follow::Follower;
use super::shell::Mailbox;
use crate::Broker;
use crate::cluster::{self, QuorumTransport, Thread};
use crate::listener::Listener;

/// The folder of the metadata log, inside `metadata.log.dir` or the first data folder.
const FOLDER: &str = "metadata";
/// The folder of a voter's log inside that.
pub(super) const VOTER_FOLDER: &str = "quorum";

/// A leader tells the quorum that it is there this many times within the election's time-out.
const HEARTBEATS_PER_ELECTION: u64 = 10;

/// How long until a refused registration is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// What this version of Mekong can work at: the metadata of Kafka 4.3. What is not listed is not there yet.
const FEATURES: &[(&str, i16, i16)] = &[("metadata.version", 30, 30)];

/// Why the metadata could not be had.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The log cannot be opened.
    #[error("metadata: {0}")]
    Open(#[from] FileError),
    /// The log contradicts itself.
    #[error("metadata: {0}")]
    Replay(#[from] ReplayError),
    /// The log cannot be written.
    #[error("metadata: {0}")]
    Propose(#[from] ProposeError),
    /// The controller did not let this node in.
    #[error("metadata: this node cannot register: {}", said(*.0))]
    Refused(ErrorCode),
    /// The folder has metadata of the other kind, which this start would pass over.
    #[error(
        "metadata: {} holds the metadata of {before}, and this node is now told that it is {now}; starting would begin with no topics. \
         Undo that change, or go by one step: a node that is alone becomes the first voter when controller.quorum.bootstrap.servers names its own \
         controllers' listener and nobody else; others join it then. If these metadata are not wanted any more, move that folder and the log.dirs away",
        dir.display()
    )]
    OtherKind {
        /// Where they lie.
        dir: PathBuf,
        /// What the node was.
        before: &'static str,
        /// What it is told to be.
        now: &'static str,
    },
    /// The directories belong to another cluster.
    #[error("log.dirs: {0}")]
    Foreign(#[from] log::DirError),
    /// The quorum did not answer.
    #[error(
        "metadata: no quorum within {0:?} (initial.broker.registration.timeout.ms); are a majority of controller.quorum.voters running?"
    )]
    NoQuorum(Duration),
    /// It cannot be followed.
    #[error("metadata: {0}")]
    Failed(String),
    /// A thread could not be started.
    #[error("metadata: {0}")]
    Thread(std::io::Error),
}

fn said(code: ErrorCode) -> String {
    match code {
        ErrorCode::DUPLICATE_BROKER_REGISTRATION => {
            "another live broker has this node.id with other log directories, or one of these log directories"
                .to_owned()
        }
        ErrorCode::INCONSISTENT_CLUSTER_ID => "the log directories belong to another cluster".to_owned(),
        code => code.to_string(),
    }
}

/// The features that this node supports.
pub(crate) fn features() -> Vec<FeatureRange> {
    let ranges = FEATURES.iter();
    ranges
        .map(|(name, min, max)| FeatureRange { name: Str::from_static(name), min: *min, max: *max })
        .collect()
}

/// What gives a new cluster its identity and its features.
pub(super) fn founding_records(broker: &Broker) -> Vec<Record> {
    if let Some(carried) = broker.metadata.carried.get() {
        tracing::info!(
            records = carried.len(),
            "this node was alone; its metadata are those of the quorum now"
        );
        return carried.clone();
    }
    let id = match broker.logs.cluster_id() {
        "" => crate::logs::fresh_id().to_string(),
        known => known.to_owned(),
    };
    tracing::info!(cluster = %id, "founded a cluster");
    let mut records = vec![ClusterIdRecord { id: id.as_str().into() }.into()];
    let levels =
        features().into_iter().map(|range| FeatureLevelRecord { name: range.name, level: range.max });
    records.extend(levels.map(Record::from));
    records
}

const ALONE: &str = "a node that is alone";
const BROKER: &str = "a broker without the controller's role (process.roles)";
const OF_QUORUM: &str =
    "a member of a quorum (controller.quorum.voters, controller.quorum.bootstrap.servers)";

/// Alone and in a quorum a node keeps its metadata in different folders: it must not begin anew beside what it was before.
fn refuse_other_kind(dir: PathBuf, before: &'static str, now: &'static str) -> Result<(), MetadataError> {
    match quorum::holds_log(&RealDisk, &dir)? {
        true => Err(MetadataError::OtherKind { dir, before, now }),
        false => Ok(()),
    }
}

/// Opens the log of a node that is alone.
fn open_local(broker: &Broker) -> Result<Arc<dyn MetadataLog>, MetadataError> {
    let dir = broker.config.metadata_dir().join(FOLDER);
    refuse_other_kind(dir.join(VOTER_FOLDER), OF_QUORUM, ALONE)?;
    Ok(Arc::new(Local::open(Arc::new(RealDisk), &dir, broker.config.node_id, Uuid::ZERO)?))
}

/// A node that was alone takes its metadata along into a quorum that is its own so far.
fn carry_over(broker: &Broker) -> Result<(), MetadataError> {
    let dir = broker.config.metadata_dir().join(FOLDER);
    let is_only = broker.config.quorum.voters.iter().all(|voter| voter.id == broker.config.node_id)
        && broker.config.quorum.bootstrap.is_empty();
    if !is_only && !carry::has_begun(&dir)? {
        refuse_other_kind(dir, ALONE, OF_QUORUM)?;
        return Ok(());
    }
    if let Some(carried) = carry::read(&dir)? {
        assert!(broker.metadata.carried.set(carried).is_ok(), "the metadata starts once");
    }
    Ok(())
}

/// Takes part in the quorum.
async fn open_quorum(
    broker: &Arc<Broker>,
    thread: &Thread,
    listeners: &[Arc<Listener>],
) -> Result<Arc<Raft>, MetadataError> {
    let config = &broker.config;
    carry_over(broker)?;
    let options = Options {
        disk: Arc::new(RealDisk),
        dir: config.metadata_dir().join(FOLDER).join(VOTER_FOLDER),
        random: Arc::new(OsRandom),
        own: own_peer(broker, listeners),
        voters: config.quorum.voters.clone(),
        bootstrap: bootstrap(broker),
        cluster: broker.logs.cluster_id().to_owned(),
        transport: Arc::new(QuorumTransport(Arc::clone(&broker.links))),
        timing: Timing {
            election_ms: config.quorum.election_ms,
            heartbeat_ms: (config.quorum.election_ms / HEARTBEATS_PER_ELECTION).max(1),
        },
    };
    let started = thread.handle().spawn(Raft::start(options)).await;
    let raft = started.map_err(|error| ProposeError::Failed(error.to_string().into()))??;
    assert!(broker.metadata.raft.set(Arc::clone(&raft)).is_ok(), "the quorum starts once");
    let (failing, watched) = (Arc::clone(broker), Arc::clone(&raft));
    thread
        .handle()
        .spawn(async move { failing.fail(format!("the metadata quorum: {}", watched.failed().await)) });
    Ok(raft)
}

/// `controller.quorum.bootstrap.servers`, whoever they are.
fn bootstrap(broker: &Broker) -> Vec<Peer> {
    let servers = broker.config.quorum.bootstrap.iter();
    servers.map(|(host, port)| Peer { id: -1, host: host.clone(), port: *port }).collect()
}

/// Follows the quorum without being a member.
async fn open_observer(broker: &Arc<Broker>, thread: &Thread) -> Result<Arc<dyn MetadataLog>, MetadataError> {
    let config = &broker.config;
    refuse_other_kind(config.metadata_dir().join(FOLDER), ALONE, BROKER)?;
    let mut known = config.quorum.voters.clone();
    known.extend(bootstrap(broker));
    let options = ObserverOptions {
        id: config.node_id,
        directory: broker.logs.dirs().first().map_or(Uuid::ZERO, |dir| dir.id),
        known,
        cluster: broker.logs.cluster_id().to_owned(),
        transport: Arc::new(QuorumTransport(Arc::clone(&broker.links))),
    };
    let started = thread.handle().spawn(async { Observer::start(options) }).await;
    let observer = started.map_err(|error| ProposeError::Failed(error.to_string().into()))?;
    let (failing, watched) = (Arc::clone(broker), Arc::clone(&observer));
    thread.handle().spawn(async move { failing.fail(watched.failed().await) });
    Ok(observer)
}

fn own_peer(broker: &Broker, listeners: &[Arc<Listener>]) -> Peer {
    let id = broker.config.node_id;
    if let Some(voter) = broker.config.quorum.voters.iter().find(|voter| voter.id == id) {
        return voter.clone();
    }
    let own =
        listeners.iter().find(|listener| listener.config.is_controllers).map(|own| own.registered(false));
    let (host, port) = own.map_or_else(Default::default, |own| (own.host.to_string(), own.port));
    Peer { id, host, port }
}

impl Broker {
    /// Comes to the metadata and registers this node; when this returns the data plane follows it.
    pub(crate) async fn start_metadata(
        self: &Arc<Self>,
        listeners: &[Arc<Listener>],
        stop: &watch::Receiver<bool>,
    ) -> Result<(), MetadataError> {
        if self.thread.is_some() {
            // Found out here, where it may take the resolver's time.
            let _ = tokio::task::spawn_blocking(env::machine_name).await;
        }
        let log: Arc<dyn MetadataLog> = match &self.thread {
            None => open_local(self)?,
            Some(thread) if self.config.quorum.roles.controller => {
                open_quorum(self, thread, listeners).await?
            }
            Some(thread) => open_observer(self, thread).await?,
        };
        let mut follower = Follower::new(self, &log);
        follower.catch_up().await?;
        let mailbox = Mailbox::start(self, log, follower, stop);
        assert!(self.metadata.mailbox.set(mailbox).is_ok(), "the metadata starts once");
        let clients: Vec<_> = listeners.iter().filter(|one| !one.config.is_controllers).collect();
        let endpoints = clients.iter().map(|one| one.registered(self.thread.is_none())).collect();
        assert!(self.metadata.endpoints.set(endpoints).is_ok(), "the metadata starts once");
        let patience = self.config.quorum.roles.broker.then_some(self.config.quorum.registration_timeout);
        self.know_cluster(patience).await?;
        if !self.config.quorum.roles.broker {
            return Ok(());
        }
        self.join().await?;
        self.mailbox().map_err(MetadataError::Refused)?.serve();
        self.metadata.wait_until_applied(self).await;
        if let Some(thread) = &self.thread {
            thread.handle().spawn(cluster::keep(Arc::clone(self)));
        }
        Ok(())
    }

    /// Waits until it is known which cluster this is; a node without brokers that wait for it has no hurry.
    async fn know_cluster(self: &Arc<Self>, patience: Option<Duration>) -> Result<(), MetadataError> {
        let mut applied = self.mailbox().map_err(MetadataError::Refused)?.applied();
        let known = applied.wait_for(|_| self.image().cluster_id().is_some());
        let too_late = async {
            match patience {
                Some(patience) => tokio::time::sleep(patience).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            known = known => known.map(drop).map_err(|_| ProposeError::Closed)?,
            () = too_late => return Err(MetadataError::NoQuorum(patience.unwrap_or_default())),
            reason = self.failed() => return Err(MetadataError::Failed(reason)),
        }
        if let Some(id) = self.cluster_id() {
            self.logs.adopt_cluster(&id)?;
            self.metadata.raft().into_iter().for_each(|raft| raft.set_cluster(&id));
        }
        if self.metadata.carried.get().is_some()
            && let Err(error) = carry::set_aside(&self.config.metadata_dir().join(FOLDER))
        {
            tracing::warn!(%error, "the metadata of the node that was alone were not set aside");
        }
        Ok(())
    }

    /// Becomes a broker of the cluster.
    async fn join(self: &Arc<Self>) -> Result<(), MetadataError> {
        let until = Instant::now() + self.config.quorum.registration_timeout;
        if !self.config.quorum.is_alone() {
            self.need_lease();
        }
        loop {
            match self.register().await {
                Ok(()) => return Ok(()),
                Err(MetadataError::Refused(code)) if may_pass(code) && Instant::now() < until => {
                    tracing::info!(%code, "registering again");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Registers this incarnation, and has it unfenced.
    pub(crate) async fn register(self: &Arc<Self>) -> Result<(), MetadataError> {
        let broker_id = self.config.node_id;
        let answer = self.submit(self.registration()).await.map_err(MetadataError::Refused)?;
        if answer.error_code.is_error() {
            return Err(MetadataError::Refused(answer.error_code));
        }
        let broker_epoch = answer.broker_epoch;
        self.see_own_registration(broker_epoch).await?;
        self.logs.dirs().iter().for_each(|dir| dir.set_broker_epoch(broker_epoch));
        let cordoned = self.broker_configs(&self.image()).value("cordoned.log.dirs");
        self.logs.set_cordoned(cordoned.as_ref().map(Value::as_list).unwrap_or_default());
        let cordoned_log_dirs = Some(self.logs.cordoned());
        let heartbeat =
            BrokerHeartbeatRequest { broker_id, broker_epoch, cordoned_log_dirs, ..Default::default() };
        let sent_ms = self.lease_clock_ms();
        let answer = self.submit(heartbeat).await.map_err(MetadataError::Refused)?;
        if answer.error_code.is_error() {
            return Err(MetadataError::Refused(answer.error_code));
        }
        self.renew_lease(sent_ms, &answer);
        Ok(())
    }

    /// Waits until this node's metadata contain its registration: roles given to an earlier process of it are not taken up.
    async fn see_own_registration(&self, broker_epoch: i64) -> Result<(), MetadataError> {
        let mut applied = self.mailbox().map_err(MetadataError::Refused)?.applied();
        let own = self.config.node_id;
        let seen = applied.wait_for(|_| {
            self.image().brokers().get(&own).is_some_and(|broker| broker.epoch >= broker_epoch)
        });
        seen.await.map(drop).map_err(|_| ProposeError::Closed.into())
    }

    fn registration(&self) -> BrokerRegistrationRequest {
        let ranges = features().into_iter();
        BrokerRegistrationRequest {
            broker_id: self.config.node_id,
            cluster_id: self.cluster_id().unwrap_or_default(),
            incarnation_id: Uuid::from_random(self.random_bytes()),
            listeners: self.metadata.endpoints.get().cloned().unwrap_or_default(),
            features: ranges
                .map(|range| Feature {
                    name: range.name,
                    min_supported_version: range.min,
                    max_supported_version: range.max,
                })
                .collect(),
            log_dirs: self.logs.dirs().iter().filter(|dir| !dir.has_failed()).map(|dir| dir.id).collect(),
            rack: self.config.rack.as_deref().map(Str::from),
            previous_broker_epoch: self.logs.previous_broker_epoch(),
            ..Default::default()
        }
    }
}

/// Whether a refusal may pass by itself.
fn may_pass(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DUPLICATE_BROKER_REGISTRATION
            | ErrorCode::NOT_CONTROLLER
            | ErrorCode::REQUEST_TIMED_OUT
            | ErrorCode::STALE_BROKER_EPOCH
    )
}
