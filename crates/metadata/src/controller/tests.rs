//! Commands against small clusters, answered as Kafka 4.3.1 answers them (the messages were taken from it).

mod brokers;
mod configs;
mod in_sync;
mod topics;

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use base::{TopicId, Uuid};
use wire::ErrorCode;
use wire::messages::broker_heartbeat::BrokerHeartbeatRequest;
use wire::messages::broker_registration::{BrokerRegistrationRequest, Feature};
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};

use super::*;
use crate::record::FeatureLevelRecord;

/// A controller with time that stands still and a seed that counts up.
struct Cluster {
    controller: Controller,
    now_ms: i64,
    seed: u64,
}

impl Cluster {
    /// As many brokers as asked, registered and alive, numbered from 1.
    fn of(brokers: i32) -> Self {
        let features = vec![
            FeatureRange { name: "metadata.version".into(), min: 7, max: 30 },
            FeatureRange { name: "group.version".into(), min: 0, max: 1 },
        ];
        let settings =
            Settings { node_id: 1, static_configs: StaticConfigs::new(), one_min_isr: true, features };
        let mut cluster =
            Self { controller: Controller::new(settings, MetadataImage::default(), 0), now_ms: 0, seed: 0 };
        cluster.replay(&[FeatureLevelRecord { name: "metadata.version".into(), level: 30 }.into()]);
        for id in 1..=brokers {
            cluster.start(id, id as u8);
        }
        cluster
    }

    fn replay(&mut self, records: &[Record]) {
        let mut delta = Delta::default();
        for record in records {
            self.controller.replay(record, &mut delta).unwrap();
        }
    }

    fn decide<C: Command>(&mut self, command: &C) -> Outcome<C::Answer> {
        self.seed += 1;
        self.controller.handle(command, Moment { now_ms: self.now_ms, seed: self.seed })
    }

    fn handle<C: Command>(&mut self, command: &C) -> C::Answer {
        let outcome = self.decide(command);
        self.replay(&outcome.records);
        outcome.answer
    }

    /// Registers and unfences a broker; returns its epoch.
    fn start(&mut self, id: i32, incarnation: u8) -> i64 {
        let registered = self.handle(&registration(id, id as u8, incarnation));
        assert_eq!(registered.error_code, ErrorCode::NONE);
        let beat = heartbeat(id, registered.broker_epoch);
        assert!(!self.handle(&beat).is_fenced);
        self.controller.contacted(id, registered.broker_epoch, self.now_ms);
        registered.broker_epoch
    }

    fn create(&mut self, topic: CreatableTopic) -> Result<TopicId, String> {
        let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
        let result = self.handle(&request).topics.remove(0);
        match result.error_code {
            ErrorCode::NONE => Ok(TopicId(result.topic_id)),
            code => Err(told(code, result.error_message.as_deref())),
        }
    }

    fn partition(&self, topic: &str, index: i32) -> &crate::image::Partition {
        self.controller.image().topic_named(topic).unwrap().partitions().get(&index).unwrap()
    }
}

fn registration(id: i32, dir: u8, incarnation: u8) -> BrokerRegistrationRequest {
    let feature =
        Feature { name: "metadata.version".into(), min_supported_version: 7, max_supported_version: 30 };
    BrokerRegistrationRequest {
        broker_id: id,
        incarnation_id: Uuid([incarnation; 16]),
        log_dirs: vec![Uuid([dir; 16])],
        features: vec![feature],
        rack: None,
        ..Default::default()
    }
}

fn heartbeat(id: i32, epoch: i64) -> BrokerHeartbeatRequest {
    BrokerHeartbeatRequest { broker_id: id, broker_epoch: epoch, ..Default::default() }
}

fn topic(name: &str, partitions: i32, factor: i16) -> CreatableTopic {
    CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: factor,
        ..Default::default()
    }
}

/// `CODE: message`, or only the code.
fn told(code: ErrorCode, message: Option<&str>) -> String {
    match message {
        Some(message) => [code.name(), message].join(": "),
        None => code.name().to_string(),
    }
}
