//! The metadata log, read in order: what it says of this broker's replicas takes effect at once.

use ::metadata::Delta;
use ::metadata::image::Partition;
use ::metadata::record::Record;
use base::planted::Bug;
use base::{BrokerId, LeaderEpoch, TopicIdPartition};
use replica::{Became, PartitionState};
use wire::ErrorCode;

use super::replicas::ends;
use super::{Known, Running};
use crate::ctx::Ctx;

impl Running {
    pub(super) fn on_metadata(&mut self, from: usize, records: &[Record], ctx: &mut Ctx<'_>) {
        if from != self.read {
            return;
        }
        let mut delta = Delta::default();
        for record in records {
            let replayed = self.image.replay(record, &mut delta);
            assert!(replayed.is_ok(), "committed records replay: {replayed:?}");
        }
        self.read += records.len();
        let has_news_of_brokers = !delta.brokers.is_empty();
        for partition in self.concerned(delta) {
            let image = self.image.clone();
            if let Some(state) = image.partition(partition.topic, partition.partition)
                && state.replicas.contains(&self.me.0)
            {
                self.change_role(partition, state, ctx);
            }
        }
        if has_news_of_brokers {
            self.tell_of_brokers(ctx);
        }
        self.drive_fetchers(ctx);
    }

    /// Partitions led here ask for whoever may be in sync by now, and do not wait for the dead.
    fn tell_of_brokers(&mut self, ctx: &mut Ctx<'_>) {
        let now_ms = ctx.now_ms();
        let keys: Vec<_> = self.held.keys().copied().collect();
        for key in keys {
            let brokers = Known(&self.image);
            let leader = self.held.get_mut(&key).and_then(|held| held.replica.leader());
            let Some(effects) = leader.map(|leader| leader.on_brokers(&brokers, now_ms)) else { continue };
            self.perform(key, effects, ctx);
        }
    }

    /// The partitions whose roles may change: none before this process has read of its own registration.
    ///
    /// What stands before that was said to an earlier process. Who led then, and takes it up again in the same epoch, tells followers
    /// to truncate to a log that may have lost its end, or everything.
    fn concerned(&mut self, delta: Delta) -> Vec<TopicIdPartition> {
        if self.is_known {
            return delta.partitions.into_iter().collect();
        }
        let registered = self.image.is_registered(self.me.0, self.incarnation);
        if !registered && !self.planted.has(Bug::LeadBeforeRegistered) {
            return Vec::new();
        }
        self.is_known = true;
        let topics = self.image.topics().values();
        let all = topics.flat_map(|topic| {
            let of = |index: &i32| TopicIdPartition { topic: topic.id(), partition: *index };
            topic.partitions().keys().map(of).collect::<Vec<_>>()
        });
        all.collect()
    }

    fn change_role(&mut self, partition: TopicIdPartition, state: &Partition, ctx: &mut Ctx<'_>) {
        if let Err(error) = self.hold(partition, ctx) {
            ctx.watch.note(format!("broker {} cannot open {partition}: {error}", self.me));
            return ctx.exit(500 * crate::plan::MS);
        }
        let now_ms = ctx.now_ms();
        let Some(held) = self.held.get_mut(&partition) else { return };
        let became = held.replica.on_metadata(&state_of(state), ends(&held.log), now_ms);
        held.paused_until = 0;
        match became {
            Became::Stale => {}
            Became::StillLeader(effects) => self.perform(partition, effects, ctx),
            Became::StillFollower => {}
            Became::Leader(effects) => {
                ctx.coverage.count("leaders began");
                let log_end = held.log.log_end();
                ctx.watch.leader_began(ctx.node, partition, LeaderEpoch(state.leader_epoch), log_end);
                self.end_role(partition, ctx);
                self.begin_coordinator(partition);
                self.perform(partition, effects, ctx);
            }
            Became::Follower | Became::Idle => self.end_role(partition, ctx),
        }
    }

    /// Whoever waited on this broker as the leader of an earlier epoch hears that it is that no more.
    fn end_role(&mut self, partition: TopicIdPartition, ctx: &mut Ctx<'_>) {
        let is_lie = ctx.planted.has(Bug::AckOnLeadershipLoss);
        if let Some(held) = self.held.get_mut(&partition) {
            for ack in std::mem::take(&mut held.acks) {
                ctx.coverage.count("parked answers failed");
                let answer = if is_lie { Ok(ack.first) } else { Err(ErrorCode::NOT_LEADER_OR_FOLLOWER) };
                ctx.reply(ack.to, crate::message::Response::Produce(answer));
            }
        }
        self.end_coordinator(partition, ctx);
        self.answer_parked(ctx);
    }
}

fn state_of(state: &Partition) -> PartitionState {
    let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    PartitionState {
        replicas: ids(&state.replicas),
        observers: Vec::new(),
        isr: ids(&state.isr),
        leader: BrokerId(state.leader),
        leader_epoch: LeaderEpoch(state.leader_epoch),
        partition_epoch: state.partition_epoch,
        recovering: state.leader_recovery_state == 1,
    }
}
