//! The replicas that this broker holds: their logs, their machines, what waits on them, and the disk's syncs.

use std::path::PathBuf;

use base::planted::Bug;
use base::{BrokerId, LeaderEpoch, Offset, TopicIdPartition};
use log::{LogError, PartitionLog, ReadLimit, Slice};
use replica::{Effects, EpochEnd, EpochHistory, LogEnds, Replica, Settings};

use super::{Running, Timer};
use crate::Time;
use crate::ctx::Ctx;
use crate::message::Response;
use crate::net::Rpc;
use crate::plan::MS;

/// How many in-sync replicas an acknowledgement takes.
pub const MIN_ISR: usize = 2;

/// One replica.
#[derive(Debug)]
pub struct Held {
    pub log: PartitionLog,
    pub replica: Replica,
    /// Appends that wait to be committed.
    pub acks: Vec<Ack>,
    /// It is not fetched before.
    pub paused_until: Time,
}

/// An append that waits to be committed.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    pub to: (Rpc, u64),
    pub first: Offset,
    pub end: Offset,
}

/// A log's epochs, as the replica machines ask for them.
pub struct History<'a>(pub &'a PartitionLog);

impl EpochHistory for History<'_> {
    fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.0.latest_epoch().map(|latest| latest.epoch)
    }

    fn end_of_epoch(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.0.end_offset_for_epoch(epoch).map(|(epoch, end)| EpochEnd { epoch, end })
    }
}

/// A log's ends.
pub fn ends(log: &PartitionLog) -> LogEnds {
    let view = log.view();
    LogEnds {
        log_start: view.log_start,
        log_end: view.log_end,
        durable_end: view.durable_end,
        high_watermark: view.high_watermark,
    }
}

/// Batches from an offset on, up to a bound.
pub fn read(
    log: &PartitionLog,
    from: Offset,
    bound: Offset,
    max_bytes: usize,
) -> Result<bytes::Bytes, LogError> {
    let limit = ReadLimit { bound, max_bytes, whole_first_batch: true };
    let mut bytes = Vec::new();
    for slice in log.reader().read(from, limit)?.slices {
        match slice {
            Slice::Bytes(piece) => bytes.extend_from_slice(&piece),
            Slice::File { file, position, len } => {
                let mut piece = vec![0; len];
                let read = file.read_exact_at(&mut piece, position);
                read.map_err(|error| LogError::Io {
                    action: "read",
                    path: PathBuf::new(),
                    source: std::sync::Arc::new(error),
                })?;
                bytes.extend_from_slice(&piece);
            }
        }
    }
    Ok(bytes.into())
}

impl Running {
    /// Opens a replica's log unless it is open.
    pub(super) fn hold(&mut self, partition: TopicIdPartition, ctx: &mut Ctx<'_>) -> Result<(), LogError> {
        if self.held.contains_key(&partition) {
            return Ok(());
        }
        let name = format!("t{}", &partition.topic.to_string().replace('-', "x"));
        let loaded = self.dir.open_partition(&name, partition, self.config.clone(), ctx.now_ms())?;
        if loaded.report.cut.is_some() {
            ctx.coverage.count("torn tails cut");
        }
        let log = loaded.log;
        let checkpoint = self.dir.high_watermark(partition);
        log.advance_high_watermark(checkpoint.unwrap_or(Offset(0)));
        ctx.watch.opened(ctx.node, partition, &log);
        let settings =
            Settings { min_isr: MIN_ISR, lag_time_max_ms: 2_500, retry_backoff_ms: 50, planted: ctx.planted };
        let replica = Replica::new(self.me, settings);
        self.held.insert(partition, Held { log, replica, acks: Vec::new(), paused_until: 0 });
        Ok(())
    }

    /// Does what a leader's machine says.
    pub(super) fn perform(&mut self, partition: TopicIdPartition, effects: Effects, ctx: &mut Ctx<'_>) {
        if let Some(offset) = effects.high_watermark {
            self.committed(partition, offset, ctx);
        }
        if let Some(question) = effects.alter_partition {
            self.alter(partition, question, ctx);
        }
    }

    fn committed(&mut self, partition: TopicIdPartition, offset: Offset, ctx: &mut Ctx<'_>) {
        let Some(held) = self.held.get_mut(&partition) else { return };
        let Some(leader) = held.replica.leader() else { return };
        ctx.watch.high_watermark(ctx.node, partition, leader.epoch(), offset);
        held.log.advance_high_watermark(offset);
        let (done, waiting) = held.acks.drain(..).partition(|ack: &Ack| ack.end <= offset);
        held.acks = waiting;
        for ack in done {
            ctx.watch.acknowledged(ctx.node, partition, ack.end);
            ctx.reply(ack.to, Response::Produce(Ok(told(ack.first, ctx))));
        }
        self.coordinator_committed(partition, offset, ctx);
        self.answer_parked(ctx);
    }

    pub(super) fn tick_leaders(&mut self, ctx: &mut Ctx<'_>) {
        let now_ms = ctx.now_ms();
        let partitions: Vec<_> = self.held.keys().copied().collect();
        for partition in partitions {
            if let Some(leader) = self.held.get_mut(&partition).and_then(|held| held.replica.leader()) {
                let effects = leader.on_tick(now_ms);
                if effects.alter_partition.is_some() {
                    ctx.coverage.count("ISR shrinks or retries asked");
                }
                self.perform(partition, effects, ctx);
            }
        }
    }

    /// Something was appended: the disk is to be synced soon.
    pub(super) fn sync_soon(&mut self, ctx: &mut Ctx<'_>) {
        if !std::mem::replace(&mut self.is_sync_due, true) {
            let after = ctx.draws.within(MS / 10, ctx.sync);
            ctx.wake(after, Timer::Sync);
        }
    }

    /// One round of the committer.
    pub fn sync(&mut self, ctx: &mut Ctx<'_>) {
        self.is_sync_due = false;
        let round = match self.committer.commit_round(ctx.now_ms()) {
            Ok(round) => round,
            Err(error) => {
                ctx.coverage.count("syncs failed");
                assert!(super::start::is_fatal(&error), "room is never short here: {error}");
                return ctx.exit(700 * MS);
            }
        };
        ctx.coverage.count("syncs");
        for committed in round.committed {
            let Some(held) = self.held.get_mut(&committed.key) else { continue };
            let view = held.log.view();
            ctx.watch.durable(ctx.node, committed.key, view.durable_end);
            let now_ms = ctx.now_ms();
            if let Some(leader) = held.replica.leader() {
                let effects = leader.on_append(view.log_end, view.durable_end, now_ms);
                self.perform(committed.key, effects, ctx);
            }
        }
        self.drive_fetchers(ctx);
    }

    /// This broker's id.
    #[must_use]
    pub fn id(&self) -> BrokerId {
        self.me
    }

    /// Its replicas' logs.
    pub fn logs(&self) -> impl Iterator<Item = (TopicIdPartition, &PartitionLog)> {
        self.held.iter().map(|(partition, held)| (*partition, &held.log))
    }
}

/// The offset that a client is told.
fn told(first: Offset, ctx: &Ctx<'_>) -> Offset {
    if ctx.planted.has(Bug::WrongOffset) { first.plus(1) } else { first }
}
