//! What replicas ask of a leader. A fetch that finds nothing waits, if it wants to, for records or a higher high watermark.

use base::{BrokerId, Offset, TopicIdPartition};
use bytes::Bytes;
use replica::{FetchAnswer, FetchPosition, Fetched, FollowerFetch};
use wire::ErrorCode;

use super::replicas::{History, read};
use super::{Known, Running};
use crate::Time;
use crate::ctx::Ctx;
use crate::message::{FetchedPartition, ReplicaFetch, Response};
use crate::net::Rpc;
use crate::plan::MS;

/// The most that one partition gives to one fetch.
const FETCH_BYTES_MAX: usize = 3 << 10;

/// A fetch that waits.
#[derive(Debug)]
pub struct Parked {
    to: (Rpc, u64),
    fetch: ReplicaFetch,
    /// The high watermarks as of when it began to wait.
    high_watermarks: Vec<Offset>,
    until: Time,
}

impl Running {
    pub(super) fn on_fetch(&mut self, to: (Rpc, u64), fetch: ReplicaFetch, ctx: &mut Ctx<'_>) {
        let partitions = fetch.partitions.iter();
        let mut answers = Vec::with_capacity(fetch.partitions.len());
        for (partition, position) in partitions {
            answers.push(self.fetch_one(&fetch, *partition, position, ctx));
        }
        let is_quiet = |one: &FetchedPartition| {
            one.records.is_empty() && one.answer.error == ErrorCode::NONE && one.answer.diverging.is_none()
        };
        if fetch.wait && !answers.is_empty() && answers.iter().all(is_quiet) {
            let high_watermarks = answers.iter().map(|one| one.answer.high_watermark).collect();
            let until = ctx.now + 450 * MS;
            self.parked.push(Parked { to, fetch, high_watermarks, until });
        } else {
            ctx.reply(to, Response::Fetch(answers));
        }
    }

    fn fetch_one(
        &mut self,
        fetch: &ReplicaFetch,
        partition: TopicIdPartition,
        position: &FetchPosition,
        ctx: &mut Ctx<'_>,
    ) -> FetchedPartition {
        let now_ms = ctx.now_ms();
        let failed = |error| FetchedPartition {
            partition,
            answer: FetchAnswer { error, ..nothing(position) },
            records: Bytes::new(),
        };
        let Some(held) = self.held.get_mut(&partition) else {
            return failed(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        };
        let Some(leader) = held.replica.leader() else { return failed(ErrorCode::NOT_LEADER_OR_FOLLOWER) };
        let asked = FollowerFetch {
            replica: BrokerId(fetch.replica),
            broker_epoch: fetch.broker_epoch,
            leader_epoch: position.leader_epoch,
            last_fetched_epoch: position.last_fetched_epoch,
            log_start: position.log_start,
            log_end: position.log_end,
            durable_end: position.durable_end,
        };
        let start = held.log.log_start();
        let fetched =
            leader.on_follower_fetch(&asked, &History(&held.log), start, &Known(&self.image), now_ms);
        match fetched {
            Ok(Fetched::Read(effects)) => {
                self.perform(partition, effects, ctx);
                self.read_for_replica(partition, position)
            }
            Ok(Fetched::Diverged(parted)) => {
                ctx.coverage.count("fetches that diverged");
                let answer = FetchAnswer { diverging: Some(parted), ..nothing(position) };
                FetchedPartition { partition, answer, records: Bytes::new() }
            }
            Err(refused) => {
                ctx.coverage.count(refused.code().name());
                let view = held.log.view();
                let mut one = failed(refused.code());
                one.answer.log_start = view.log_start;
                one.answer.log_end = view.log_end;
                one
            }
        }
    }

    fn read_for_replica(
        &mut self,
        partition: TopicIdPartition,
        position: &FetchPosition,
    ) -> FetchedPartition {
        let mut one = FetchedPartition { partition, answer: nothing(position), records: Bytes::new() };
        let Some(held) = self.held.get_mut(&partition) else { return one };
        let view = held.log.view();
        let epoch = held.replica.leader().map(|leader| leader.epoch());
        if epoch != Some(position.leader_epoch) {
            one.answer.error = ErrorCode::NOT_LEADER_OR_FOLLOWER;
            return one;
        }
        match read(&held.log, position.log_end, view.log_end, FETCH_BYTES_MAX) {
            Ok(records) => one.records = records,
            Err(_) => one.answer.error = ErrorCode::KAFKA_STORAGE_ERROR,
        }
        one.answer.high_watermark = view.high_watermark;
        one.answer.log_start = view.log_start;
        one.answer.next_offset = super::follow::end_of(&one.records).unwrap_or(position.log_end);
        one
    }

    /// Answers whoever waited long enough, or for something that is there now.
    pub(super) fn answer_parked(&mut self, ctx: &mut Ctx<'_>) {
        for parked in std::mem::take(&mut self.parked) {
            let partitions = parked.fetch.partitions.iter();
            let answers: Vec<_> =
                partitions.map(|(partition, position)| self.read_for_replica(*partition, position)).collect();
            let has_news = answers.iter().zip(&parked.high_watermarks).any(|(one, known)| {
                !one.records.is_empty()
                    || one.answer.error != ErrorCode::NONE
                    || one.answer.high_watermark > *known
            });
            if has_news || parked.until <= ctx.now {
                ctx.reply(parked.to, Response::Fetch(answers));
            } else {
                self.parked.push(parked);
            }
        }
    }
}

fn nothing(position: &FetchPosition) -> FetchAnswer {
    FetchAnswer {
        error: ErrorCode::NONE,
        high_watermark: Offset(0),
        log_start: Offset(-1),
        log_end: Offset(-1),
        diverging: None,
        next_offset: position.log_end,
    }
}
