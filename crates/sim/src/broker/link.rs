//! The broker's side of its registration: register, say that one lives, follow the controller wherever it goes.

use base::TopicIdPartition;
use replica::{AlterPartition, AlteredPartition, FetchPosition};
use wire::ErrorCode;
use wire::messages::alter_partition::{AlterPartitionRequest, BrokerState, PartitionData, TopicData};
use wire::messages::broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};
use wire::messages::broker_registration::{BrokerRegistrationRequest, BrokerRegistrationResponse, Feature};

use super::{Running, Timer};
use crate::ctx::Ctx;
use crate::message::{Answer, Lane, Request, Response};
use crate::plan::MS;

/// What an answer is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    Register,
    /// When it was sent.
    Heartbeat {
        sent_ms: i64,
    },
    Metadata,
    AlterPartition {
        partition: TopicIdPartition,
        question: AlterPartition,
    },
    Fetch {
        leader: usize,
        asked: Vec<(TopicIdPartition, FetchPosition)>,
    },
}

impl Running {
    /// Registers, or says that it lives.
    pub(super) fn beat(&mut self, ctx: &mut Ctx<'_>) {
        ctx.wake(400 * MS, Timer::Heartbeat);
        if self.asked.values().any(|asked| matches!(asked, Purpose::Register | Purpose::Heartbeat { .. })) {
            return;
        }
        let (request, purpose) = match self.epoch {
            None => (Request::Register(self.registration()), Purpose::Register),
            Some(epoch) => {
                let sent_ms = ctx.now_ms();
                (Request::Heartbeat(self.heartbeat(epoch)), Purpose::Heartbeat { sent_ms })
            }
        };
        let rpc = ctx.ask(self.controller, Lane::Control, request, 900 * MS);
        self.asked.insert(rpc, purpose);
    }

    fn registration(&self) -> BrokerRegistrationRequest {
        let feature =
            Feature { name: "metadata.version".into(), min_supported_version: 7, max_supported_version: 30 };
        BrokerRegistrationRequest {
            broker_id: self.me.0,
            cluster_id: super::start::CLUSTER.into(),
            incarnation_id: self.incarnation,
            features: vec![feature],
            log_dirs: vec![self.directory],
            rack: None,
            previous_broker_epoch: self.clean_epoch.unwrap_or(-1),
            ..Default::default()
        }
    }

    fn heartbeat(&self, epoch: i64) -> BrokerHeartbeatRequest {
        // It stays fenced until it has read of its own registration.
        let known = self.image.brokers().get(&self.me.0).is_some_and(|broker| broker.epoch == epoch);
        BrokerHeartbeatRequest {
            broker_id: self.me.0,
            broker_epoch: epoch,
            current_metadata_offset: i64::try_from(self.read).unwrap_or(0),
            want_fence: !known,
            want_shut_down: self.is_closing,
            ..Default::default()
        }
    }

    /// It is to stop in order.
    pub fn begin_closing(&mut self, ctx: &mut Ctx<'_>) {
        self.is_closing = true;
        self.may_stop |= self.epoch.is_none();
        ctx.wake(MS, Timer::Heartbeat);
    }

    pub(super) fn ask_metadata(&mut self, ctx: &mut Ctx<'_>) {
        if self.asked.values().any(|asked| matches!(asked, Purpose::Metadata)) {
            return;
        }
        let rpc = ctx.ask(self.controller, Lane::Metadata, Request::MetadataFetch(self.read), 900 * MS);
        self.asked.insert(rpc, Purpose::Metadata);
    }

    pub(super) fn on_answer_to(&mut self, purpose: Purpose, answer: Answer, ctx: &mut Ctx<'_>) {
        match (purpose, answer) {
            (Purpose::Fetch { leader, asked }, answer) => self.on_fetched(leader, &asked, answer, ctx),
            (Purpose::AlterPartition { partition, question }, answer) => {
                self.on_altered(partition, &question, answer, ctx);
            }
            (purpose, Ok(Response::NotController(hint))) => self.look_elsewhere(&purpose, hint, ctx),
            (purpose, Err(_)) => self.look_elsewhere(&purpose, None, ctx),
            (Purpose::Register, Ok(Response::Register(answer))) => self.on_registered(&answer, ctx),
            (Purpose::Heartbeat { sent_ms }, Ok(Response::Heartbeat(answer))) => {
                self.on_heartbeat(sent_ms, &answer, ctx);
            }
            (Purpose::Metadata, Ok(Response::MetadataFetch { from, records })) => {
                self.on_metadata(from, &records, ctx);
                self.ask_metadata(ctx);
            }
            _ => {}
        }
    }

    fn look_elsewhere(&mut self, purpose: &Purpose, hint: Option<usize>, ctx: &mut Ctx<'_>) {
        self.controller = hint.unwrap_or_else(|| ctx.draws.place(self.nodes));
        let timer = if matches!(purpose, Purpose::Metadata) { Timer::Metadata } else { Timer::Heartbeat };
        let pause = if hint.is_some() { 2 * MS } else { 60 * MS };
        if timer == Timer::Metadata {
            ctx.wake(pause, timer);
        }
    }

    fn on_registered(&mut self, answer: &BrokerRegistrationResponse, ctx: &mut Ctx<'_>) {
        if answer.error_code == ErrorCode::NONE {
            self.epoch = Some(answer.broker_epoch);
            self.beat(ctx);
        }
    }

    fn on_heartbeat(&mut self, sent_ms: i64, answer: &BrokerHeartbeatResponse, ctx: &mut Ctx<'_>) {
        if answer.error_code != ErrorCode::NONE {
            // Another incarnation took over, or the controller forgot: this process is of no use.
            self.lease.revoke();
            ctx.coverage.count("heartbeats refused");
            self.epoch = None;
            return;
        }
        self.lease.renew(sent_ms);
        self.may_stop |= self.is_closing && answer.should_shut_down;
        if answer.is_fenced || self.heartbeat(self.epoch.unwrap_or(-1)).want_fence {
            ctx.wake(30 * MS, Timer::Heartbeat);
        }
    }

    /// Asks the controller for another ISR.
    pub(super) fn alter(&mut self, partition: TopicIdPartition, question: AlterPartition, ctx: &mut Ctx<'_>) {
        ctx.coverage.count("AlterPartition asked");
        let member =
            |(id, epoch): &(base::BrokerId, i64)| BrokerState { broker_id: id.0, broker_epoch: *epoch };
        let data = PartitionData {
            partition_index: partition.partition,
            leader_epoch: question.leader_epoch.0,
            partition_epoch: question.partition_epoch,
            new_isr_with_epochs: question.new_isr.iter().map(member).collect(),
            ..Default::default()
        };
        let request = AlterPartitionRequest {
            broker_id: self.me.0,
            broker_epoch: self.epoch.unwrap_or(-1),
            topics: vec![TopicData { topic_id: partition.topic.0, partitions: vec![data] }],
        };
        let rpc = ctx.ask(self.controller, Lane::Control, Request::AlterPartition(request), 900 * MS);
        self.asked.insert(rpc, Purpose::AlterPartition { partition, question });
    }

    fn on_altered(
        &mut self,
        partition: TopicIdPartition,
        question: &AlterPartition,
        answer: Answer,
        ctx: &mut Ctx<'_>,
    ) {
        let answer = match answer {
            Ok(Response::AlterPartition(answer)) => answer,
            Ok(Response::NotController(hint)) => {
                self.controller = hint.unwrap_or(self.controller);
                return self.settle(partition, question, Err(ErrorCode::NOT_CONTROLLER), ctx);
            }
            _ => return self.settle(partition, question, Err(ErrorCode::REQUEST_TIMED_OUT), ctx),
        };
        let of_partition = answer.topics.first().and_then(|topic| topic.partitions.first());
        let altered = match of_partition {
            None => Err(answer.error_code),
            Some(altered) if altered.error_code != ErrorCode::NONE => Err(altered.error_code),
            Some(altered) => Ok(AlteredPartition {
                leader_epoch: base::LeaderEpoch(altered.leader_epoch),
                partition_epoch: altered.partition_epoch,
                isr: altered.isr.iter().copied().map(base::BrokerId).collect(),
            }),
        };
        self.settle(partition, question, altered, ctx);
    }

    fn settle(
        &mut self,
        partition: TopicIdPartition,
        question: &AlterPartition,
        answer: Result<AlteredPartition, ErrorCode>,
        ctx: &mut Ctx<'_>,
    ) {
        let now_ms = ctx.now_ms();
        let leader = self.held.get_mut(&partition).and_then(|held| held.replica.leader());
        if let Some(leader) = leader.filter(|leader| leader.epoch() == question.leader_epoch) {
            if answer.is_err() {
                ctx.coverage.count("AlterPartition refused or lost");
            }
            let effects = leader.on_alter_partition_answer(question, answer, now_ms);
            self.perform(partition, effects, ctx);
        }
    }
}
