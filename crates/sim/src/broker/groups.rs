//! The group coordinator's shell: loads a shard when its partition is led here and proven, appends what it records, and lets its answers
//! go when that is committed.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use base::planted::Bug;
use base::{Offset, TopicIdPartition};
use coordinator::engine::{Answer, Outcome, Waiter, WriteId};
use coordinator::group::record::{Decoded, GroupRecord};
use coordinator::group::{GroupEngine, Live, Request, Response, Settings};
use log::{Append, Origin};
use records::{BatchBuilder, BatchOptions, Batches, NewRecord, ValidBatches};
use wire::ErrorCode;

use super::Running;
use super::replicas::read;
use crate::ctx::Ctx;
use crate::message;
use crate::net::Rpc;

/// One shard.
pub struct Coordinator {
    engine: GroupEngine,
    /// Connections of those who wait.
    callers: BTreeMap<u64, u64>,
    /// Writes with the ends of their batches.
    writes: VecDeque<(WriteId, Offset)>,
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator").finish_non_exhaustive()
    }
}

fn settings() -> Settings {
    Settings { initial_rebalance_delay_ms: 200, session_timeout_min_ms: 1_000, ..Settings::default() }
}

impl Running {
    fn is_offsets(&self, partition: TopicIdPartition) -> bool {
        self.image.topic(partition.topic).is_some_and(|topic| topic.name() == "__consumer_offsets")
    }

    /// This broker leads the partition: its shard loads as soon as all that may be committed is.
    pub(super) fn begin_coordinator(&mut self, partition: TopicIdPartition) {
        if self.is_offsets(partition) {
            let engine = GroupEngine::new(Live::new(settings()));
            let shard = Coordinator { engine, callers: BTreeMap::new(), writes: VecDeque::new() };
            self.groups.insert(partition, shard);
        }
    }

    pub(super) fn end_coordinator(&mut self, partition: TopicIdPartition, ctx: &mut Ctx<'_>) {
        if let Some(mut shard) = self.groups.remove(&partition) {
            let answers = shard.engine.unload(ErrorCode::NOT_COORDINATOR, ctx.now_ms());
            reply(&mut shard.callers, answers, ctx);
        }
    }

    /// The partition's high watermark moved: answers may leave; or the shard may load.
    pub(super) fn coordinator_committed(
        &mut self,
        partition: TopicIdPartition,
        offset: Offset,
        ctx: &mut Ctx<'_>,
    ) {
        self.load_when_proven(partition, ctx);
        let Some(shard) = self.groups.get_mut(&partition) else { return };
        while let Some((write, _)) = shard.writes.pop_front_if(|(_, end)| *end <= offset) {
            let answers = shard.engine.on_committed(write);
            reply(&mut shard.callers, answers, ctx);
        }
    }

    fn load_when_proven(&mut self, partition: TopicIdPartition, ctx: &mut Ctx<'_>) {
        let Some(held) = self.held.get_mut(&partition) else { return };
        let proven = held.replica.leader().is_some_and(|leader| leader.read_bound().proven);
        let early = ctx.planted.has(Bug::ServeBeforeLoaded);
        let Some(shard) = self.groups.get_mut(&partition).filter(|shard| !shard.engine.is_active()) else {
            return;
        };
        if !proven && !early {
            return;
        }
        if !early {
            let end = held.log.log_end();
            let mut from = held.log.log_start();
            while from < end {
                let Ok(bytes) = read(&held.log, from, end, 64 << 10) else { return };
                let Some(next) = load(&mut shard.engine, &bytes) else { break };
                from = next;
            }
        }
        ctx.coverage.count("coordinators loaded");
        let outcome = shard.engine.loaded(ctx.now_ms());
        self.carry_out(partition, outcome, ctx);
    }

    pub(super) fn on_group(&mut self, to: (Rpc, u64), request: Request, ctx: &mut Ctx<'_>) {
        let partition = self.groups.keys().next().copied();
        let Some(partition) = partition else {
            return ctx.reply(to, message::Response::Group(Err(ErrorCode::NOT_COORDINATOR)));
        };
        self.load_when_proven(partition, ctx);
        if let Some(error) = self.cannot_append(partition, ctx) {
            return ctx.reply(to, message::Response::Group(Err(error)));
        }
        let now_ms = ctx.now_ms();
        let Some(shard) = self.groups.get_mut(&partition) else { return };
        shard.callers.insert(to.0, to.1);
        let outcome = shard.engine.handle(request, Waiter(to.0), now_ms);
        self.carry_out(partition, outcome, ctx);
    }

    /// Why nothing can be recorded now: it is refused before the core hears of it.
    fn cannot_append(&mut self, partition: TopicIdPartition, ctx: &Ctx<'_>) -> Option<ErrorCode> {
        let held = self.held.get_mut(&partition)?;
        let Some(leader) = held.replica.leader() else { return Some(ErrorCode::NOT_COORDINATOR) };
        let refused = leader.check_append(true, &self.lease, ctx.now_ms()).is_err() || self.epoch.is_none();
        (refused && !ctx.planted.has(Bug::IgnoreLease)).then_some(ErrorCode::COORDINATOR_NOT_AVAILABLE)
    }

    fn carry_out(
        &mut self,
        partition: TopicIdPartition,
        outcome: Outcome<GroupRecord, Response>,
        ctx: &mut Ctx<'_>,
    ) {
        let (Some(shard), Some(held)) = (self.groups.get_mut(&partition), self.held.get_mut(&partition))
        else {
            return;
        };
        reply(&mut shard.callers, outcome.answers, ctx);
        let Some(write) = outcome.write else { return };
        let mut records = outcome.records;
        if ctx.planted.has(Bug::ForgetOffsets) {
            records.retain(|record| !matches!(record, GroupRecord::OffsetCommit { .. }));
        }
        if ctx.planted.has(Bug::AckOffsetEarly) || records.is_empty() {
            let answers = shard.engine.on_committed(write);
            reply(&mut shard.callers, answers, ctx);
        }
        let Some(batches) = batches(&records, ctx.now_ms()) else { return };
        let Some(leader) = held.replica.leader() else { return };
        let how = Append { leader_epoch: leader.epoch(), origin: Origin::Coordinator, now_ms: ctx.now_ms() };
        let first = held.log.log_end();
        match held.log.append(batches, &how) {
            Ok(info) => {
                ctx.coverage.count("group records appended");
                if !ctx.planted.has(Bug::AckOffsetEarly) {
                    shard.writes.push_back((write, info.last_offset.plus(1)));
                }
                ctx.watch.appended(ctx.node, partition, &held.log, first);
                let view = held.log.view();
                let effects = leader.on_append(view.log_end, view.durable_end, ctx.now_ms());
                self.perform(partition, effects, ctx);
                self.sync_soon(ctx);
                self.answer_parked(ctx);
            }
            Err(error) => {
                // The log is the truth: what the core has beyond it is forgotten.
                self.refused(&error, ctx);
                self.end_coordinator(partition, ctx);
                self.begin_coordinator(partition);
            }
        }
    }

    pub(super) fn tick_groups(&mut self, ctx: &mut Ctx<'_>) {
        let shards: Vec<_> = self.groups.keys().copied().collect();
        for partition in shards {
            self.load_when_proven(partition, ctx);
            while self.cannot_append(partition, ctx).is_none()
                && let Some(shard) = self.groups.get_mut(&partition)
                && shard.engine.next_deadline().is_some_and(|due| due <= ctx.now_ms())
            {
                let outcome = shard.engine.on_tick(ctx.now_ms());
                self.carry_out(partition, outcome, ctx);
            }
        }
    }
}

fn reply(callers: &mut BTreeMap<u64, u64>, answers: Vec<Answer<Response>>, ctx: &mut Ctx<'_>) {
    for (Waiter(rpc), answer) in answers {
        if let Some(connection) = callers.remove(&rpc) {
            ctx.reply((rpc, connection), message::Response::Group(answer));
        }
    }
}

fn batches(records: &[GroupRecord], now_ms: i64) -> Option<ValidBatches> {
    let mut batch = BatchBuilder::new(BatchOptions::default());
    for record in records {
        let (key, value) = (record.key(), record.value());
        let new = NewRecord { timestamp: now_ms, key: Some(&key), value: value.as_deref(), headers: &[] };
        batch.append(new).ok()?;
    }
    if batch.is_empty() { None } else { ValidBatches::new(vec![batch.build()]) }
}

/// Replays what was read; where to go on.
fn load(engine: &mut GroupEngine, bytes: &bytes::Bytes) -> Option<Offset> {
    let mut next = None;
    for batch in Batches::new(bytes).filter_map(Result::ok) {
        next = Some(batch.header.next_offset());
        let body = batch.decompress(1 << 20).ok()?;
        for record in batch.records(&body).filter_map(Result::ok) {
            let Some(key) = record.key else { continue };
            let (key, value) =
                (bytes::Bytes::copy_from_slice(key), record.value.map(bytes::Bytes::copy_from_slice));
            if let Ok(Decoded::Record(decoded)) = GroupRecord::decode(key, value) {
                engine.load(&decoded, None);
            }
        }
    }
    next
}
