//! The ISR: whom the leader asks the controller to take in or drop, and what it makes of the answers (KIP-497).
//!
//! One question is open at a time. Until it is answered, the leader counts the larger of both sets for the high watermark (the
//! maximal ISR) and the committed one for `min.insync.replicas`. When its partition epoch is outdated it waits for the metadata, which
//! bring a later one.
//!
//! A question whose answer was lost may be granted at any later time, as long as the partition epoch it names is the current one: a
//! refusal of its repetition does not settle it. So the leader then asks for the ISR it has, which moves the partition epoch on, and
//! counts those it asked for before until that is answered.

use alloc::vec::Vec;

use base::planted::Bug;
use base::{BrokerId, LeaderEpoch};
use wire::ErrorCode;

use super::follower_state::FollowerState;
use super::{Brokers, Effects, Leader};

/// A question to the controller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterPartition {
    /// The asker's leader epoch.
    pub leader_epoch: LeaderEpoch,
    /// The partition epoch that the question builds on.
    pub partition_epoch: i32,
    /// The ISR wanted, each with the broker epoch under which it fetched; -1 where it has not in this epoch.
    pub new_isr: Vec<(BrokerId, i64)>,
}

/// The controller's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlteredPartition {
    /// The leader epoch as of the change.
    pub leader_epoch: LeaderEpoch,
    /// The partition epoch as of the change.
    pub partition_epoch: i32,
    /// The ISR that holds now.
    pub isr: Vec<BrokerId>,
}

/// What was asked and is not settled.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The ISR of the open question.
    pub isr: Vec<BrokerId>,
    /// Whoever was asked for by questions that may still be granted, the open one included.
    pub unsettled: Vec<BrokerId>,
    /// An earlier question's outcome is not known.
    is_uncertain: bool,
    /// When to ask again; `None` while an answer, or the metadata, is waited for.
    pub retry_ms: Option<i64>,
}

impl Leader {
    /// The controller answered `question`, or did not: a time-out or a lost connection comes here as the error that stands for it.
    pub fn on_alter_partition_answer(
        &mut self,
        question: &AlterPartition,
        answer: Result<AlteredPartition, ErrorCode>,
        now_ms: i64,
    ) -> Effects {
        match answer {
            Ok(altered) if self.may_adopt(&altered) => {
                self.adopt(altered.partition_epoch, altered.isr);
                self.recovering = false;
            }
            // The metadata that bring it, or end this epoch, are on their way.
            Ok(_) => {}
            Err(error) if self.is_open(question) => self.on_alter_partition_error(error, now_ms),
            Err(_) => {}
        }
        self.advance(now_ms)
    }

    /// Whether an answer holds here and now, ahead of the metadata. Once they have brought what it says, it is an answer of the past,
    /// and the question that is open may be a later one.
    ///
    /// A smaller ISR is taken from the metadata alone: who may lead in its stead was judged by the `min.insync.replicas` that stands
    /// before it there, and this broker may not have read that yet.
    fn may_adopt(&self, altered: &AlteredPartition) -> bool {
        altered.leader_epoch == self.epoch
            && altered.partition_epoch > self.partition_epoch
            && self.isr.iter().all(|member| altered.isr.contains(member))
    }

    fn is_open(&self, question: &AlterPartition) -> bool {
        let asked = || question.new_isr.iter().map(|(id, _)| *id);
        question.leader_epoch == self.epoch
            && question.partition_epoch == self.partition_epoch
            && self.pending.as_ref().is_some_and(|pending| pending.isr.iter().copied().eq(asked()))
    }

    fn on_alter_partition_error(&mut self, error: ErrorCode, now_ms: i64) {
        let retry_ms = Some(now_ms.saturating_add(self.settings.retry_backoff_ms));
        let Some(pending) = &mut self.pending else { return };
        match error {
            // Certainly not done …
            ErrorCode::OPERATION_NOT_ATTEMPTED | ErrorCode::INELIGIBLE_REPLICA => {
                if pending.is_uncertain {
                    // … but an earlier one may be, unless the partition epoch moves on.
                    pending.isr.clone_from(&self.isr);
                    pending.retry_ms = retry_ms;
                } else {
                    self.pending = None;
                }
            }
            // What it builds on is outdated: the metadata will say what holds.
            ErrorCode::INVALID_UPDATE_VERSION
            | ErrorCode::FENCED_LEADER_EPOCH
            | ErrorCode::NEW_LEADER_ELECTED
            | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::UNKNOWN_TOPIC_ID
            | ErrorCode::INVALID_REQUEST => {}
            // Unknown whether it was done: asked again, with the same epochs.
            _ => {
                pending.is_uncertain = true;
                pending.retry_ms = retry_ms;
            }
        }
    }

    pub(super) fn adopt(&mut self, partition_epoch: i32, isr: Vec<BrokerId>) {
        assert!(partition_epoch > self.partition_epoch, "partition epochs rise");
        assert!(isr.contains(&self.me), "a leader is in its ISR");
        self.partition_epoch = partition_epoch;
        self.isr = isr;
        self.pending = None;
    }

    /// The question whether `replica` may join, if it may.
    pub(super) fn expand(&mut self, replica: BrokerId, brokers: &impl Brokers) -> Option<AlterPartition> {
        let follower = self.followers.iter().find(|follower| follower.id == replica)?;
        if self.pending.is_some() || self.isr.contains(&replica) || !self.may_join(follower, brokers) {
            return None;
        }
        let mut isr = self.isr.clone();
        isr.push(replica);
        Some(self.ask(isr))
    }

    fn may_join(&self, follower: &FollowerState, brokers: &impl Brokers) -> bool {
        let planted = self.settings.planted;
        let Some(ends) = follower.ends.filter(|_| !follower.is_observer && !self.recovering) else {
            return false;
        };
        let registered = brokers.eligible_epoch(follower.id);
        let is_registered = registered
            .is_some_and(|epoch| epoch == ends.broker_epoch || planted.has(Bug::JoinWithAnyBrokerEpoch));
        is_registered
            && (ends.durable_end >= self.high_watermark || planted.has(Bug::JoinBelowHighWatermark))
            && (ends.durable_end >= self.epoch_start || planted.has(Bug::JoinBelowEpochStart))
    }

    /// The question to drop whoever does not keep up; or to say that an unclean leader recovered.
    pub(super) fn shrink(&mut self, now_ms: i64) -> Option<AlterPartition> {
        if self.pending.is_some() {
            return None;
        }
        let keeps_up = |follower: &&FollowerState| {
            follower.is_caught_up(self.log_end, self.settings.lag_time_max_ms, now_ms)
        };
        let stays = |id: &BrokerId| {
            *id == self.me || self.followers.iter().filter(keeps_up).any(|follower| follower.id == *id)
        };
        let isr: Vec<_> = self.isr.iter().copied().filter(stays).collect();
        if isr.len() == self.isr.len() && !self.recovering {
            return None;
        }
        Some(self.ask(isr))
    }

    pub(super) fn ask_again(&mut self, now_ms: i64) -> Option<AlterPartition> {
        let pending =
            self.pending.as_ref().filter(|pending| pending.retry_ms.is_some_and(|at| at <= now_ms))?;
        let isr = pending.isr.clone();
        Some(self.ask(isr))
    }

    fn ask(&mut self, isr: Vec<BrokerId>) -> AlterPartition {
        let question = AlterPartition {
            leader_epoch: self.epoch,
            partition_epoch: self.partition_epoch,
            new_isr: isr.iter().map(|id| (*id, self.broker_epoch(*id))).collect(),
        };
        let (mut unsettled, is_uncertain) = self
            .pending
            .take()
            .map_or((Vec::new(), false), |pending| (pending.unsettled, pending.is_uncertain));
        unsettled.extend(&isr);
        self.pending = Some(Pending { isr, unsettled, is_uncertain, retry_ms: None });
        question
    }

    fn broker_epoch(&self, id: BrokerId) -> i64 {
        let ends =
            self.followers.iter().find(|follower| follower.id == id).and_then(|follower| follower.ends);
        ends.map_or(-1, |ends| ends.broker_epoch)
    }
}
