//! How a node comes to its metadata: opens the log, founds a cluster if there is none, registers itself.

use std::sync::Arc;

use base::{Str, Uuid};
use env::RealDisk;
use metadata::config::Value;
use metadata::controller::{Command, Controller, Settings};
use metadata::record::{ClusterIdRecord, FeatureLevelRecord, FeatureRange};
use metadata::{Delta, MetadataImage, Record, ReplayError};
use quorum::{FileError, Local, MetadataLog, ProposeError};
use tokio::sync::watch;
use wire::ErrorCode;
use wire::messages::broker_heartbeat::BrokerHeartbeatRequest;
use wire::messages::broker_registration::{BrokerRegistrationRequest, Feature, Listener as Registered};

use env::Clock;

use super::shell::{Mailbox, replay};
use crate::Broker;
use crate::listener::Listener;

/// The folder of the metadata log, inside `metadata.log.dir` or the first data folder.
const FOLDER: &str = "metadata";

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
    #[error("metadata: this node cannot register: {0}")]
    Refused(ErrorCode),
}

/// The features that this node supports.
pub(crate) fn features() -> Vec<FeatureRange> {
    let ranges = FEATURES.iter();
    ranges
        .map(|(name, min, max)| FeatureRange { name: Str::from_static(name), min: *min, max: *max })
        .collect()
}

/// The metadata on its way into being: nothing of it is seen by requests yet.
struct Starting {
    controller: Controller,
    image: MetadataImage,
    delta: Delta,
    log: Arc<dyn MetadataLog>,
    offset: u64,
}

/// Reads the log, founds the cluster if this is its first start, registers this node and brings its partitions up.
pub(crate) async fn start(
    broker: &Arc<Broker>,
    listeners: &[Arc<Listener>],
    stop: &watch::Receiver<bool>,
) -> Result<Mailbox, MetadataError> {
    let mut starting = Starting::open(broker).await?;
    if starting.image.cluster_id().is_none() {
        starting.found(broker).await?;
    }
    starting.register(broker, listeners).await?;
    let Starting { controller, image, delta, log, offset } = starting;
    let applying = Arc::clone(broker);
    // Opening the logs of many partitions takes the disk's time.
    let applied = tokio::task::spawn_blocking(move || applying.apply(image, &delta)).await;
    applied.map_err(|error| ProposeError::Failed(error.to_string().into()))?;
    Ok(Mailbox::start(broker, controller, log, offset, stop))
}

impl Starting {
    async fn open(broker: &Arc<Broker>) -> Result<Self, MetadataError> {
        let config = &broker.config;
        let dir = config.metadata_dir().join(FOLDER);
        let log = Local::open(Arc::new(RealDisk), &dir, config.node_id, Uuid::ZERO)?;
        let (mut image, mut delta, mut offset) = (MetadataImage::default(), Delta::default(), 0);
        while offset < log.voters().high_watermark {
            offset = replay(&mut image, &mut delta, &log.next(offset).await?)?;
        }
        let (node_id, static_configs) = (config.node_id, config.statics.clone());
        let settings = Settings { node_id, static_configs, features: features() };
        let mut controller = Controller::new(settings, image.clone(), broker.clock.wall_ms());
        // An earlier process of this node is gone: this one holds its folders.
        controller.forget(config.node_id);
        Ok(Self { controller, image, delta, log: Arc::new(log), offset })
    }

    /// Commits records and replays them.
    async fn commit(&mut self, records: Vec<Record>) -> Result<(), MetadataError> {
        for record in &records {
            self.image.replay(record, &mut self.delta)?;
            self.controller.replay(record, &mut Delta::default())?;
        }
        self.offset = self.log.propose(records).await?;
        Ok(())
    }

    async fn decide<C: Command>(&mut self, broker: &Broker, command: &C) -> Result<C::Answer, MetadataError> {
        let outcome = self.controller.handle(command, broker.moment());
        if !outcome.records.is_empty() {
            self.commit(outcome.records).await?;
        }
        Ok(outcome.answer)
    }

    /// Gives the cluster its identity and its features.
    async fn found(&mut self, broker: &Broker) -> Result<(), MetadataError> {
        let id = broker.logs.cluster_id();
        let mut records = vec![ClusterIdRecord { id: id.into() }.into()];
        let levels =
            features().into_iter().map(|range| FeatureLevelRecord { name: range.name, level: range.max });
        records.extend(levels.map(Record::from));
        tracing::info!(cluster = %id, "founded a cluster");
        self.commit(records).await
    }

    async fn register(&mut self, broker: &Broker, listeners: &[Arc<Listener>]) -> Result<(), MetadataError> {
        let broker_id = broker.config.node_id;
        let ranges = features().into_iter();
        let request = BrokerRegistrationRequest {
            broker_id,
            cluster_id: self.image.cluster_id().cloned().unwrap_or_default(),
            incarnation_id: Uuid::from_random(broker.random_bytes()),
            listeners: listeners.iter().map(|listener| registered(listener)).collect(),
            features: ranges
                .map(|range| Feature {
                    name: range.name,
                    min_supported_version: range.min,
                    max_supported_version: range.max,
                })
                .collect(),
            log_dirs: broker.logs.dirs().iter().map(|dir| dir.id).collect(),
            rack: broker.config.rack.as_deref().map(Str::from),
            ..Default::default()
        };
        let answer = self.decide(broker, &request).await?;
        if answer.error_code.is_error() {
            return Err(MetadataError::Refused(answer.error_code));
        }
        let broker_epoch = answer.broker_epoch;
        broker.logs.dirs().iter().for_each(|dir| dir.set_broker_epoch(broker_epoch));
        let cordoned = broker.broker_configs(&self.image).value("cordoned.log.dirs");
        broker.logs.set_cordoned(cordoned.as_ref().map(Value::as_list).unwrap_or_default());
        let cordoned_log_dirs = Some(broker.logs.cordoned());
        let heartbeat =
            BrokerHeartbeatRequest { broker_id, broker_epoch, cordoned_log_dirs, ..Default::default() };
        self.decide(broker, &heartbeat).await?;
        self.controller.contacted(broker_id, broker_epoch, broker.clock.wall_ms());
        Ok(())
    }
}

/// A listener as the cluster is told of it. Without an advertised address others are told the host it is bound to.
fn registered(listener: &Listener) -> Registered {
    let config = &listener.config;
    let (host, port) = match &config.advertised {
        Some((host, port)) => (host.as_str(), *port),
        None if config.host.is_empty() => ("localhost", listener.port),
        None => (config.host.as_str(), listener.port),
    };
    Registered {
        name: config.name.as_str().into(),
        host: host.into(),
        port,
        security_protocol: config.protocol.code(),
    }
}
