//! BrokerRegistration and UnregisterBroker: who belongs to the cluster (KIP-631).
//!
//! A node is its id together with its log directories. A new incarnation over the same directories replaces the old one at
//! once; the same id over other directories is another machine, and is refused while the first one lives.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use base::planted::Bug;
use wire::ErrorCode;
use wire::messages::broker_registration::{BrokerRegistrationRequest, BrokerRegistrationResponse};
use wire::messages::unregister_broker::{UnregisterBrokerRequest, UnregisterBrokerResponse};

use super::broker_heartbeat::Left;
use super::{ApiError, Command, Controller, Moment, Outcome};
use crate::image::Broker;
use crate::record::{Endpoint, FeatureRange, Record, RegisterBrokerRecord, UnregisterBrokerRecord};

impl Command for BrokerRegistrationRequest {
    type Answer = BrokerRegistrationResponse;

    fn decide(&self, controller: &Controller, at: Moment) -> Outcome<BrokerRegistrationResponse> {
        match controller.register(self, at) {
            Ok((records, broker_epoch)) => {
                let answer = BrokerRegistrationResponse { broker_epoch, ..Default::default() };
                Outcome { records, answer }
            }
            Err(error) => {
                let error_code = error.code;
                Outcome::only(BrokerRegistrationResponse { error_code, ..Default::default() })
            }
        }
    }
}

impl Command for UnregisterBrokerRequest {
    type Answer = UnregisterBrokerResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<UnregisterBrokerResponse> {
        let broker_id = self.broker_id;
        let Some(broker) = controller.image.brokers().get(&broker_id) else {
            let message = format!("Broker ID {broker_id} is not currently registered");
            let error_code = ErrorCode::BROKER_ID_NOT_REGISTERED;
            return Outcome::only(UnregisterBrokerResponse {
                error_code,
                error_message: Some(message.into()),
                ..Default::default()
            });
        };
        let mut records = controller.leave(broker_id);
        records.push(UnregisterBrokerRecord { broker_id, broker_epoch: broker.epoch }.into());
        Outcome { records, answer: UnregisterBrokerResponse { error_message: None, ..Default::default() } }
    }
}

impl Controller {
    /// Whether `epoch` is that of the broker's registration.
    pub(super) fn check_broker_epoch(&self, id: i32, epoch: i64) -> Result<&Broker, ApiError> {
        let Some(broker) = self.image.brokers().get(&id) else {
            let message = format!("No broker registration found for broker id {id}");
            return Err(ApiError::new(ErrorCode::STALE_BROKER_EPOCH, message));
        };
        if broker.epoch != epoch {
            let message = format!("Expected broker epoch {}, but got broker epoch {epoch}", broker.epoch);
            return Err(ApiError::new(ErrorCode::STALE_BROKER_EPOCH, message));
        }
        Ok(broker)
    }

    fn register(
        &self,
        asked: &BrokerRegistrationRequest,
        at: Moment,
    ) -> Result<(Vec<Record>, i64), ApiError> {
        self.check_cluster(asked)?;
        let before = self.image.brokers().get(&asked.broker_id);
        if let Some(before) = before {
            if before.incarnation_id == asked.incarnation_id {
                // The answer to an earlier try was lost.
                return Ok((vec![], before.epoch));
            }
            self.check_replacement(before, asked, at)?;
        }
        let broker_epoch = self.image.broker_epoch_max() + 1;
        let mut records = vec![registration(asked, broker_epoch).into()];
        // What the earlier incarnation led is led by nobody until this one is unfenced.
        match before {
            Some(before) => records.extend(self.replace(before, asked)),
            // Whoever had this id was taken off the books: nothing says that this one has its data.
            None => records.extend(self.leave_with(asked.broker_id, |_, _| Left::Nothing)),
        }
        records.extend(self.forget_directories(asked.broker_id, &asked.log_dirs));
        Ok((records, broker_epoch))
    }

    /// What becomes of the earlier incarnation's replicas: out of sync, and not eligible either where their data are gone.
    ///
    /// They are gone with a log directory that is not there any more. After a crash they may also be gone where the topic does not
    /// sync before it acknowledges; where it does, a crash takes nothing that was committed.
    fn replace(&self, before: &Broker, asked: &BrokerRegistrationRequest) -> Vec<Record> {
        let is_clean = asked.previous_broker_epoch >= 0 && asked.previous_broker_epoch == before.epoch;
        let has_all = before.log_dirs.iter().all(|dir| asked.log_dirs.contains(dir));
        self.leave_with(asked.broker_id, |topic, partition| {
            let place = partition.replicas.iter().position(|replica| *replica == asked.broker_id);
            let dir = place.and_then(|place| partition.directories.get(place)).filter(|dir| !dir.is_zero());
            let is_there = dir.map_or(has_all, |dir| asked.log_dirs.contains(dir));
            match is_there {
                _ if self.planted.has(Bug::KeepLostReplicaInIsr) => Left::All,
                false => Left::Nothing,
                true if !is_clean && self.is_relaxed(topic) => Left::Some,
                true => Left::All,
            }
        })
    }

    fn check_cluster(&self, asked: &BrokerRegistrationRequest) -> Result<(), ApiError> {
        if let Some(ours) = self.image.cluster_id()
            && *ours != asked.cluster_id
        {
            let message = format!("Expected cluster ID {ours}, but got cluster ID {}", asked.cluster_id);
            return Err(ApiError::new(ErrorCode::INCONSISTENT_CLUSTER_ID, message));
        }
        for (name, level) in self.image.features() {
            let range = asked.features.iter().find(|feature| feature.name == *name);
            let (min, max) =
                range.map_or((0, 0), |range| (range.min_supported_version, range.max_supported_version));
            if !(min..=max).contains(level) {
                let message = format!(
                    "Unable to register because the broker does not support finalized version {level} of {name}. The broker wants a version between {min} and {max}, inclusive."
                );
                return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, message));
            }
        }
        let mut others = self.image.brokers().values().filter(|broker| broker.id != asked.broker_id);
        let taken = others.find_map(|broker| broker.log_dirs.iter().find(|dir| asked.log_dirs.contains(dir)));
        match taken {
            Some(dir) => {
                let message =
                    format!("Broker {} is already registered with directory {dir}", asked.broker_id);
                Err(ApiError::new(ErrorCode::DUPLICATE_BROKER_REGISTRATION, message))
            }
            None => Ok(()),
        }
    }

    fn check_replacement(
        &self,
        before: &Broker,
        asked: &BrokerRegistrationRequest,
        at: Moment,
    ) -> Result<(), ApiError> {
        let is_same_node = before.log_dirs.iter().any(|dir| asked.log_dirs.contains(dir));
        if is_same_node || before.in_controlled_shutdown || !self.has_session(before, at.now_ms) {
            return Ok(());
        }
        let message = "Another broker is registered with that broker id. If the broker was recently restarted this should self-resolve once the heartbeat manager expires the broker's session.";
        Err(ApiError::fixed(ErrorCode::DUPLICATE_BROKER_REGISTRATION, message))
    }
}

fn registration(asked: &BrokerRegistrationRequest, broker_epoch: i64) -> RegisterBrokerRecord {
    let listeners = asked.listeners.iter().map(|listener| Endpoint {
        name: listener.name.detached(),
        host: listener.host.detached(),
        port: listener.port,
        security_protocol: listener.security_protocol,
    });
    let features = asked.features.iter().map(|feature| FeatureRange {
        name: feature.name.detached(),
        min: feature.min_supported_version,
        max: feature.max_supported_version,
    });
    RegisterBrokerRecord {
        broker_id: asked.broker_id,
        incarnation_id: asked.incarnation_id,
        broker_epoch,
        endpoints: listeners.collect(),
        features: features.collect(),
        rack: asked.rack.as_ref().map(base::Str::detached),
        fenced: true,
        in_controlled_shutdown: false,
        log_dirs: asked.log_dirs.clone(),
        cordoned_log_dirs: Vec::new(),
    }
}
