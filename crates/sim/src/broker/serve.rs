//! What clients ask of a leader: append, read, and who leads what.

use base::planted::Bug;
use base::{LeaderEpoch, Offset, ProducerId, TopicIdPartition};
use bytes::Bytes;
use log::{Append, LogError, Origin};
use records::{Batch, BatchBuilder, BatchOptions, NewRecord, ValidBatches, Validation};
use wire::ErrorCode;

use super::replicas::{Ack, read};
use super::{Running, node_of};
use crate::ctx::Ctx;
use crate::message::{Led, ReadAnswer, Response};
use crate::net::Rpc;
use crate::plan::MS;

/// The most that one read brings.
const READ_BYTES_MAX: usize = 4 << 10;

impl Running {
    pub(super) fn on_produce(
        &mut self,
        to: (Rpc, u64),
        partition: TopicIdPartition,
        batch: &Bytes,
        ctx: &mut Ctx<'_>,
    ) {
        match self.append(to, partition, batch, ctx) {
            Ok(()) => {}
            Err(error) => {
                ctx.coverage.count(error.name());
                let lie = ctx.planted.has(Bug::FailWithOffsetZero);
                let answer = if lie { Ok(Offset(0)) } else { Err(error) };
                ctx.reply(to, Response::Produce(answer));
            }
        }
    }

    fn append(
        &mut self,
        to: (Rpc, u64),
        partition: TopicIdPartition,
        batch: &Bytes,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), ErrorCode> {
        let now_ms = ctx.now_ms();
        let held = self.held.get_mut(&partition).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let leader = held.replica.leader().ok_or(ErrorCode::NOT_LEADER_OR_FOLLOWER)?;
        if self.epoch.is_none() && !ctx.planted.has(Bug::IgnoreLease) {
            return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        leader.check_append(true, &self.lease, now_ms).map_err(|refused| refused.code())?;
        let batches = ValidBatches::check(batch, &Validation::default(), now_ms);
        let mut batches = batches.map_err(|_| ErrorCode::CORRUPT_MESSAGE)?;
        if ctx.planted.has(Bug::NoIdempotence) {
            batches = without_producer(batch).unwrap_or(batches);
        }
        let how = Append { leader_epoch: leader.epoch(), origin: Origin::Client, now_ms };
        let info = match held.log.append(batches, &how) {
            Ok(info) => info,
            Err(error) => return Err(self.refused(&error, ctx)),
        };
        let (first, end) = (info.first_offset, info.last_offset.plus(1));
        ctx.coverage.count(if info.duplicate { "duplicates answered" } else { "appends" });
        ctx.watch.appended(ctx.node, partition, &held.log, first);
        held.acks.push(Ack { to, first, end });
        let view = held.log.view();
        let effects = leader.on_append(view.log_end, view.durable_end, now_ms);
        let is_committed = leader.high_watermark() >= end;
        self.perform(partition, effects, ctx);
        let Some(held) = self.held.get_mut(&partition) else { return Ok(()) };
        let is_waiting = held.acks.iter().any(|ack| ack.to == to);
        if !is_waiting {
            // The watermark moved past it just now.
        } else if ctx.planted.has(Bug::AckAtAppend) || is_committed {
            held.acks.retain(|ack| ack.to != to);
            ctx.watch.acknowledged(ctx.node, partition, end);
            ctx.reply(to, Response::Produce(Ok(first)));
        } else if ctx.planted.has(Bug::FailAfterAppend) && ctx.draws.chance(50) {
            held.acks.retain(|ack| ack.to != to);
            ctx.reply(to, Response::Produce(Err(ErrorCode::NOT_ENOUGH_REPLICAS)));
        }
        self.sync_soon(ctx);
        self.answer_parked(ctx);
        Ok(())
    }

    /// The answer to an append that the log refused; a directory that failed ends the process.
    pub(super) fn refused(&mut self, error: &LogError, ctx: &mut Ctx<'_>) -> ErrorCode {
        match error {
            LogError::OutOfOrderSequence { .. } => ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            LogError::InvalidProducerEpoch { .. } => ErrorCode::INVALID_PRODUCER_EPOCH,
            error if super::start::is_fatal(error) => {
                ctx.exit(600 * MS);
                ErrorCode::KAFKA_STORAGE_ERROR
            }
            _ => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }

    pub(super) fn on_read(
        &mut self,
        to: (Rpc, u64),
        partition: TopicIdPartition,
        at: (Offset, LeaderEpoch),
        ctx: &mut Ctx<'_>,
    ) {
        let answer = self.read_for_client(partition, at, ctx);
        if let Ok(answer) = &answer {
            ctx.watch.client_read(ctx.node, partition, &answer.records);
        }
        ctx.reply(to, Response::Read(answer));
    }

    fn read_for_client(
        &mut self,
        partition: TopicIdPartition,
        (offset, known): (Offset, LeaderEpoch),
        ctx: &mut Ctx<'_>,
    ) -> Result<ReadAnswer, ErrorCode> {
        let held = self.held.get_mut(&partition).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let leader = held.replica.leader().ok_or(ErrorCode::NOT_LEADER_OR_FOLLOWER)?;
        if known > leader.epoch() {
            return Err(ErrorCode::UNKNOWN_LEADER_EPOCH);
        }
        let (bound, view) = (leader.read_bound(), held.log.view());
        let mut limit = bound.high_watermark;
        if ctx.planted.has(Bug::ReadToLogEnd) {
            limit = view.log_end;
        }
        if offset >= limit && !bound.proven {
            ctx.coverage.count("reads before the high watermark was proven");
            return Err(ErrorCode::OFFSET_NOT_AVAILABLE);
        }
        if offset < view.log_start || offset > view.log_end {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        let mut from = offset;
        if ctx.planted.has(Bug::SkipBatch) && ctx.draws.chance(20) {
            let first = read(&held.log, from, limit, 1).ok();
            let next =
                first.and_then(|bytes| Batch::parse(&bytes).ok().map(|batch| batch.header.next_offset()));
            from = next.filter(|next| *next < limit).unwrap_or(from);
        }
        let records = read(&held.log, from, limit, READ_BYTES_MAX);
        let records = records.map_err(|_| ErrorCode::KAFKA_STORAGE_ERROR)?;
        Ok(ReadAnswer {
            records,
            log_start: view.log_start,
            high_watermark: limit,
            is_proven: bound.proven,
            leader_epoch: leader.epoch(),
        })
    }

    pub(super) fn on_lookup(&mut self, to: (Rpc, u64), ctx: &mut Ctx<'_>) {
        let topics = self.image.topics().values();
        let led = topics.flat_map(|topic| {
            topic.partitions().iter().map(move |(index, state)| Led {
                partition: TopicIdPartition { topic: topic.id(), partition: *index },
                is_offsets: topic.name() == "__consumer_offsets",
                leader: node_of(base::BrokerId(state.leader)),
            })
        });
        ctx.reply(to, Response::Lookup(led.collect()));
    }
}

/// The same records from nobody in particular.
fn without_producer(bytes: &Bytes) -> Option<ValidBatches> {
    let batch = Batch::parse(bytes).ok()?;
    assert!(batch.header.producer_id != ProducerId(-1), "clients here are idempotent");
    let body = batch.decompress(1 << 20).ok()?;
    let mut builder =
        BatchBuilder::new(BatchOptions { leader_epoch: LeaderEpoch(-1), ..BatchOptions::default() });
    for record in batch.records(&body) {
        let record = record.ok()?;
        let new =
            NewRecord { timestamp: record.timestamp, key: record.key, value: record.value, headers: &[] };
        builder.append(new).ok()?;
    }
    ValidBatches::new(vec![builder.build()])
}
