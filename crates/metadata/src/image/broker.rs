//! A broker as the cluster knows it.

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::record::{BrokerChangeRecord, Endpoint, FeatureRange, RegisterBrokerRecord};

/// A registered broker.
#[derive(Clone, PartialEq, Debug)]
pub struct Broker {
    /// The node id.
    pub id: i32,
    /// Drawn anew at each start of its process.
    pub incarnation_id: Uuid,
    /// The epoch of this registration.
    pub epoch: i64,
    /// Where it listens, by listener.
    pub endpoints: Vec<Endpoint>,
    /// What it can work at.
    pub features: Vec<FeatureRange>,
    /// Its rack.
    pub rack: Option<Str>,
    /// Whether it serves nobody: it just registered, or its heartbeats failed to come.
    pub fenced: bool,
    /// Whether it is giving its leaderships away to stop.
    pub in_controlled_shutdown: bool,
    /// The identities of its log directories.
    pub log_dirs: Vec<Uuid>,
    /// Those of them that take no new replica (KIP-1066).
    pub cordoned_log_dirs: Vec<Uuid>,
}

impl Broker {
    /// Where it listens under `listener`.
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == *listener)
    }

    /// Whether it may lead and hold new replicas.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// Whether each of its log directories takes no new replica.
    pub fn all_cordoned(&self) -> bool {
        !self.log_dirs.is_empty() && self.log_dirs.iter().all(|dir| self.cordoned_log_dirs.contains(dir))
    }

    pub(super) fn registered(record: &RegisterBrokerRecord) -> Self {
        Self {
            id: record.broker_id,
            incarnation_id: record.incarnation_id,
            epoch: record.broker_epoch,
            endpoints: record.endpoints.clone(),
            features: record.features.clone(),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            log_dirs: record.log_dirs.clone(),
            cordoned_log_dirs: record.cordoned_log_dirs.clone(),
        }
    }

    pub(super) fn change(&mut self, record: &BrokerChangeRecord) {
        self.fenced = record.fenced.unwrap_or(self.fenced);
        self.in_controlled_shutdown = record.in_controlled_shutdown.unwrap_or(self.in_controlled_shutdown);
        if let Some(dirs) = &record.log_dirs {
            self.log_dirs.clone_from(dirs);
        }
        if let Some(dirs) = &record.cordoned_log_dirs {
            self.cordoned_log_dirs.clone_from(dirs);
        }
    }

    pub(super) fn to_record(&self) -> RegisterBrokerRecord {
        RegisterBrokerRecord {
            broker_id: self.id,
            incarnation_id: self.incarnation_id,
            broker_epoch: self.epoch,
            endpoints: self.endpoints.clone(),
            features: self.features.clone(),
            rack: self.rack.clone(),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: self.log_dirs.clone(),
            cordoned_log_dirs: self.cordoned_log_dirs.clone(),
        }
    }
}
