//! A follower's side: one fetch per leader at a time, of all its partitions.

use base::planted::Bug;
use base::{LeaderEpoch, Offset, TopicIdPartition};
use bytes::Bytes;
use log::{Append, Origin};
use records::{Batches, ValidBatches};
use replica::{FetchPosition, Poll, Step};

use super::replicas::{History, ends};
use super::{Running, node_of};
use crate::Time;
use crate::ctx::Ctx;
use crate::message::{Answer, FetchedPartition, Lane, ReplicaFetch, Request, Response};
use crate::plan::MS;

/// The fetches from one leader.
#[derive(Debug, Default)]
pub struct Fetcher {
    is_asking: bool,
    /// It does not ask before.
    paused_until: Time,
}

impl Running {
    /// Asks every leader of whom something is wanted and nothing was asked.
    pub(super) fn drive_fetchers(&mut self, ctx: &mut Ctx<'_>) {
        let Some(broker_epoch) = self.epoch else { return };
        let mut leaders: Vec<usize> = self.leaders().collect();
        leaders.sort_unstable();
        leaders.dedup();
        for leader in leaders {
            let fetcher = self.fetchers.entry(leader).or_default();
            if fetcher.is_asking || fetcher.paused_until > ctx.now {
                continue;
            }
            let (wanted, waits) = self.wanted(leader, ctx.now);
            let Some(wait) = waits.filter(|_| !wanted.is_empty()) else { continue };
            if let Some(fetcher) = self.fetchers.get_mut(&leader) {
                fetcher.is_asking = true;
            }
            let fetch = ReplicaFetch { replica: self.me.0, broker_epoch, wait, partitions: wanted.clone() };
            let rpc = ctx.ask(leader, Lane::Fetch, Request::Fetch(fetch), 1_200 * MS);
            self.asked.insert(rpc, super::link::Purpose::Fetch { leader, asked: wanted });
        }
    }

    fn leaders(&mut self) -> impl Iterator<Item = usize> {
        let followers = self.held.values_mut().filter_map(|held| held.replica.follower());
        followers.filter_map(|follower| node_of(follower.leader()))
    }

    /// What to ask a leader for, and whether it should wait; `None` while the disk is waited for.
    fn wanted(&mut self, leader: usize, now: Time) -> (Vec<(TopicIdPartition, FetchPosition)>, Option<bool>) {
        let mut wanted = Vec::new();
        let (mut streams, mut syncs) = (false, false);
        for (partition, held) in &mut self.held {
            let log_ends = ends(&held.log);
            let Some(follower) = held.replica.follower() else { continue };
            if node_of(follower.leader()) != Some(leader) || held.paused_until > now {
                continue;
            }
            match follower.poll(log_ends) {
                Poll::Now => streams = true,
                Poll::AfterSync => syncs = true,
                Poll::Wait => {}
            }
            wanted.push((*partition, follower.fetch(&History(&held.log), log_ends)));
        }
        let waits = if streams {
            Some(false)
        } else if syncs {
            None
        } else {
            Some(true)
        };
        (wanted, waits)
    }

    pub(super) fn on_fetched(
        &mut self,
        leader: usize,
        asked: &[(TopicIdPartition, FetchPosition)],
        answer: Answer,
        ctx: &mut Ctx<'_>,
    ) {
        let fetcher = self.fetchers.entry(leader).or_default();
        fetcher.is_asking = false;
        match answer {
            Ok(Response::Fetch(answers)) => {
                for (one, (_, position)) in answers.iter().zip(asked) {
                    self.take(one, position, ctx);
                }
            }
            _ => fetcher.paused_until = ctx.now + 60 * MS,
        }
        self.drive_fetchers(ctx);
    }

    fn take(&mut self, one: &FetchedPartition, asked: &FetchPosition, ctx: &mut Ctx<'_>) {
        let Some(held) = self.held.get_mut(&one.partition) else { return };
        let log_ends = ends(&held.log);
        let Some(follower) = held.replica.follower() else { return };
        let before_truncation = ctx.planted.has(Bug::HighWatermarkBeforeTruncation);
        if before_truncation && one.answer.diverging.is_some() {
            held.log.advance_high_watermark(log_ends.log_end);
        }
        match follower.on_fetch_response(asked, &one.answer, &History(&held.log), log_ends) {
            Step::Append { high_watermark, log_start } => {
                self.append_replicated(one.partition, &one.records, high_watermark, log_start, ctx);
            }
            Step::Truncate { end } => self.truncate(one.partition, end, false, ctx),
            Step::Restart { start } => self.truncate(one.partition, start, true, ctx),
            Step::AskLeadersEnd | Step::Pause => held.paused_until = ctx.now + 80 * MS,
            Step::AwaitMetadata => held.paused_until = ctx.now + 200 * MS,
            Step::Drop => {}
        }
    }

    fn append_replicated(
        &mut self,
        partition: TopicIdPartition,
        records: &Bytes,
        high_watermark: Offset,
        log_start: Offset,
        ctx: &mut Ctx<'_>,
    ) {
        let now_ms = ctx.now_ms();
        let Some(held) = self.held.get_mut(&partition) else { return };
        let from = held.log.log_end();
        let batches = match ValidBatches::check_replicated(records, from) {
            Ok(batches) => batches,
            Err(error) => {
                ctx.watch.note(format!("a leader sent broken batches: {error:?}"));
                return;
            }
        };
        if let Some(batches) = batches {
            let how = Append { leader_epoch: LeaderEpoch(-1), origin: Origin::Replica, now_ms };
            if let Err(error) = held.log.append(batches, &how) {
                held.paused_until = ctx.now + 100 * MS;
                if !super::start::is_fatal(&error) {
                    ctx.watch.note(format!("a follower's append was refused: {error}"));
                }
                self.refused(&error, ctx);
                return;
            }
            ctx.coverage.count("replicated appends");
            ctx.watch.appended(ctx.node, partition, &held.log, from);
        }
        if held.log.advance_log_start(log_start.min(held.log.log_end())).is_err() {
            return;
        }
        held.log.advance_high_watermark(high_watermark);
        self.sync_soon(ctx);
    }

    fn truncate(&mut self, partition: TopicIdPartition, end: Offset, whole: bool, ctx: &mut Ctx<'_>) {
        let now_ms = ctx.now_ms();
        let Some(held) = self.held.get_mut(&partition) else { return };
        ctx.coverage.count("truncations");
        ctx.watch.truncates(ctx.node, partition, end);
        let truncated =
            if whole { held.log.truncate_fully(end, now_ms) } else { held.log.truncate_to(end, now_ms) };
        if let Err(error) = truncated {
            self.refused(&error, ctx);
            return;
        }
        ctx.watch.truncated(ctx.node, partition, &held.log);
        self.sync_soon(ctx);
    }

    /// A replica as this broker sees it, for whoever must find out why it does not come along.
    pub fn describe(&mut self, partition: TopicIdPartition) -> Option<String> {
        let (me, held) = (self.me, self.held.get_mut(&partition)?);
        let ends = ends(&held.log);
        let epoch = held.log.latest_epoch();
        let follows = held.replica.follower().map(|follower| follower.leader());
        let knows: Vec<_> = held
            .replica
            .leader()
            .into_iter()
            .flat_map(|leader| leader.replicas().collect::<Vec<_>>())
            .collect();
        Some(format!("broker {me}: {ends:?}, latest {epoch:?}, follows {follows:?}, knows {knows:?}"))
    }
}

/// The offset behind the last whole batch.
pub fn end_of(records: &Bytes) -> Option<Offset> {
    Batches::new(records).filter_map(Result::ok).last().map(|batch| batch.header.next_offset())
}
