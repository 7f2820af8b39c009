//! The controller's side of the network, and the topics that clients use.

use base::TopicIdPartition;
use metadata::controller::Settings;
use metadata::record::FeatureRange;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};

use super::{Event, QUORUM_TICK, World};
use crate::Time;
use crate::broker::SESSION_MS;
use crate::message::{Request, Response};
use crate::net::Rpc;
use crate::plan::MS;
use crate::quorum::Committed;

/// A question for more of the metadata log that waits for more.
#[derive(Debug)]
pub struct Parked {
    node: usize,
    to: (Rpc, u64),
    from: usize,
    until: Time,
}

/// What the controllers are started with.
pub fn settings() -> Settings {
    let statics = [("broker.session.timeout.ms", SESSION_MS.to_string())];
    Settings {
        node_id: 1,
        static_configs: statics.map(|(name, value)| (name.to_owned(), value)).into(),
        one_min_isr: true,
        features: vec![FeatureRange { name: "metadata.version".into(), min: 7, max: 30 }],
    }
}

impl World<'_> {
    /// Takes questions for the controller; gives back all others.
    pub(super) fn control(&mut self, node: usize, to: (Rpc, u64), request: Request) -> Option<Request> {
        let leader = self.quorum.leader();
        let is_control = matches!(
            request,
            Request::Register(_)
                | Request::Heartbeat(_)
                | Request::AlterPartition(_)
                | Request::MetadataFetch(_)
        );
        if is_control && leader != Some(node) {
            let sent =
                self.net.answer(self.now, &mut self.draws, to.0, to.1, Response::NotController(leader));
            self.send(sent);
            return None;
        }
        let (now, draws) = (self.now, &mut self.draws);
        let answer = |response| Some((to, response));
        let decided = match request {
            Request::Register(asked) => {
                self.quorum.handle(node, now, draws, &asked, |decided| answer(Response::Register(decided)))
            }
            Request::Heartbeat(asked) => {
                self.quorum.contacted(node, asked.broker_id, asked.broker_epoch, now);
                self.quorum.handle(node, now, draws, &asked, |decided| answer(Response::Heartbeat(decided)))
            }
            Request::AlterPartition(asked) => self
                .quorum
                .handle(node, now, draws, &asked, |decided| answer(Response::AlterPartition(decided))),
            Request::MetadataFetch(from) => {
                self.parked_metadata.push(Parked { node, to, from, until: now + 450 * MS });
                self.answer_metadata();
                None
            }
            other => return Some(other),
        };
        if let Some(decided) = decided {
            self.take(decided);
        }
        None
    }

    pub(super) fn tick_quorum(&mut self) {
        self.at(self.now + QUORUM_TICK, Event::Quorum);
        let before = self.quorum.leader();
        let (brokers, net) = (&self.brokers, &self.net);
        let lives = |node: usize| {
            brokers.get(node).is_some_and(|broker| broker.running.is_some() && !broker.is_paused)
        };
        let connected = |one, other| net.are_connected(one, other);
        let committed = self.quorum.tick(self.now, &mut self.draws, brokers.len(), lives, connected);
        if self.quorum.leader() != before && self.quorum.leader().is_some() {
            self.coverage.count("quorum leaders elected");
        }
        self.take(committed);
    }

    /// What the quorum committed takes effect.
    pub(super) fn take(&mut self, committed: Committed) {
        if !committed.records.is_empty() {
            let image = self.quorum.image().clone();
            self.watch.metadata(&image);
        }
        for ((rpc, connection), response) in committed.answers {
            let sent = self.net.answer(self.now, &mut self.draws, rpc, connection, response);
            self.send(sent);
        }
        self.answer_metadata();
    }

    fn answer_metadata(&mut self) {
        let leader = self.quorum.leader();
        for parked in std::mem::take(&mut self.parked_metadata) {
            let records = self.quorum.read(parked.from).to_vec();
            let response = if leader != Some(parked.node) {
                Response::NotController(leader)
            } else if records.is_empty() && parked.until > self.now {
                self.parked_metadata.push(parked);
                continue;
            } else {
                Response::MetadataFetch { from: parked.from, records }
            };
            let (rpc, connection) = parked.to;
            let sent = self.net.answer(self.now, &mut self.draws, rpc, connection, response);
            self.send(sent);
        }
    }

    /// Creates the topics as soon as all brokers are there.
    pub(super) fn create_topics(&mut self) {
        let live = self.quorum.image().brokers().values().filter(|broker| broker.is_active()).count();
        if live < self.plan.brokers {
            return self.at(self.now + 50 * MS, Event::Create);
        }
        if self.quorum.image().topics().is_empty() {
            let config = CreatableTopicConfig {
                name: "min.insync.replicas".into(),
                value: Some(crate::broker::MIN_ISR.to_string().into()),
            };
            let topic = |name: &str, num_partitions: usize| CreatableTopic {
                name: name.into(),
                num_partitions: i32::try_from(num_partitions).unwrap_or(1),
                replication_factor: 3,
                configs: vec![config.clone()],
                ..Default::default()
            };
            let topics = vec![topic("t", self.plan.partitions), topic("__consumer_offsets", 1)];
            let request = CreateTopicsRequest { topics, ..Default::default() };
            if let Some(node) = self.quorum.leader() {
                let _ = self.quorum.handle(node, self.now, &mut self.draws, &request, |_| None);
            }
            return self.at(self.now + 100 * MS, Event::Create);
        }
        let topic = self.quorum.image().topic_named("t").cloned();
        let keys = topic.iter().flat_map(|topic| {
            topic.partitions().keys().map(|index| TopicIdPartition { topic: topic.id(), partition: *index })
        });
        self.shared.borrow_mut().keys = keys.collect();
        self.add_clients();
    }
}
