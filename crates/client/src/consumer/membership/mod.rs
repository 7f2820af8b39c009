//! The task that keeps a member in its classic group: joins, is given partitions, stays alive, commits, leaves.
//!
//! ```text
//! idle ──subscribed──▶ joining ──JoinGroup, SyncGroup──▶ stable ──heartbeats──▶ stable
//!                        ▲                                  │
//!                        └──── a rebalance, a change of what is wanted, a new coordinator
//! ```
//! Partitions are taken away only while the application waits for records, so that what it was given before is processed and, with
//! automatic commits, committed. With the cooperative protocol just the partitions that move are taken away (KIP-429).

mod commits;
mod join;
mod leave;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Str;
use tokio::sync::{mpsc, oneshot};
use wire::messages::heartbeat::HeartbeatRequest;
use wire::{ApiKey, ErrorCode};

use super::error::{CommitError, ConsumeError};
use super::group::{Group, Membership, has_moved};
use super::state::StartAt;
use super::{Rebalance, Shared};
use crate::assignor::{Assignor, PartitionCounts, RebalanceProtocol};
use crate::cluster::Lane;
use crate::{CallError, TopicPartition};
use join::JoinFailure;

/// What the consumer asks of the task.
pub(super) enum Command {
    /// Commit these offsets.
    Commit {
        offsets: Vec<(TopicPartition, i64, i32)>,
        metadata: Str,
        done: oneshot::Sender<Result<(), CommitError>>,
    },
    /// Commit what is processed if that is automatic, leave, and end.
    Close { done: oneshot::Sender<()> },
}

/// How often a topic is looked for that was not there when partitions were shared out.
const ABSENT_TOPICS_AGE: Duration = Duration::from_secs(1);
/// How long until a group that refuses the member is asked again.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

struct Member {
    shared: Arc<Shared>,
    group: Arc<Group>,
    commands: mpsc::UnboundedReceiver<Command>,
    /// What the last assignment was, for the sticky assignors.
    memory: Vec<TopicPartition>,
    /// What the leader saw of the topics when it assigned; others do not watch them.
    assigned_counts: Option<PartitionCounts>,
    joined_topics: Vec<Str>,
    next_commit: Instant,
    last_refresh: Instant,
    /// When the coordinator is to hear of it next.
    next_beat: Instant,
    /// The group is not asked to take the member before.
    rests_until: Instant,
    failures: u32,
    is_member: bool,
    wants_rejoin: bool,
    closing: Option<oneshot::Sender<()>>,
    is_closed_by_hand: bool,
}

/// Runs until the consumer is closed.
pub(super) async fn run(shared: Arc<Shared>, group: Arc<Group>, commands: mpsc::UnboundedReceiver<Command>) {
    let now = Instant::now();
    let mut member = Member {
        next_commit: now + shared.settings.auto_commit.unwrap_or_default(),
        shared,
        group,
        commands,
        memory: Vec::new(),
        assigned_counts: None,
        joined_topics: Vec::new(),
        last_refresh: now,
        next_beat: now,
        rests_until: now,
        failures: 0,
        is_member: false,
        wants_rejoin: false,
        closing: None,
        is_closed_by_hand: false,
    };
    while member.closing.is_none() {
        member.step().await;
    }
    member.leave().await;
    member.group.release();
}

impl Member {
    fn protocol(&self) -> RebalanceProtocol {
        let cooperative = |assignor: &Assignor| assignor.supports(RebalanceProtocol::Cooperative);
        let all = self.shared.settings.assignors.iter().all(cooperative);
        if all { RebalanceProtocol::Cooperative } else { RebalanceProtocol::Eager }
    }

    /// Whether there is something to be a member for.
    fn is_subscribed(&self) -> bool {
        self.shared.subscription().is_some()
    }

    async fn step(&mut self) {
        let may_join =
            Instant::now() >= self.rests_until && !self.is_past_poll_interval() && !self.shared.is_closing();
        if may_join && self.is_subscribed() && (!self.is_member || self.wants_rejoin) {
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                biased;
                () = shared.closed() => {}
                () = self.rebalance() => {}
            }
            return;
        }
        self.wait(self.next_beat.saturating_duration_since(Instant::now())).await;
        if self.closing.is_some() {
            return;
        }
        // Whatever woke it: the coordinator hears of it no more often than agreed.
        let is_due = Instant::now() >= self.next_beat;
        if is_due {
            self.next_beat = Instant::now() + self.shared.settings.heartbeat_interval;
        }
        if self.is_member {
            if is_due || self.is_past_poll_interval() {
                self.heartbeat().await;
            }
            self.watch().await;
        }
        self.commit_if_due().await;
    }

    /// Serves commands for a while, or until something changes.
    async fn wait(&mut self, most: Duration) {
        let until = tokio::time::Instant::now() + most;
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            command = self.commands.recv() => self.serve(command).await,
            () = shared.group_news.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }

    /// `max.poll.interval.ms` is over: an application that does not come back is no member.
    fn is_past_poll_interval(&self) -> bool {
        self.shared.lock().is_away_longer_than(self.shared.settings.poll_interval)
    }

    async fn heartbeat(&mut self) {
        if self.is_past_poll_interval() {
            tracing::warn!(group = %self.group.id, "the application did not ask for records within max.poll.interval.ms: leaving the group");
            self.leave_now().await;
            self.lost();
            return;
        }
        match self.beat().await {
            Ok(()) => self.failures = 0,
            Err(error) => self.heed(error),
        }
    }

    async fn beat(&self) -> Result<(), CallError> {
        let membership = self.group.membership();
        let build = |_| HeartbeatRequest {
            group_id: self.group.id.clone(),
            generation_id: membership.generation,
            member_id: membership.member_id.clone(),
            group_instance_id: self.group.instance_id.clone(),
        };
        let response = self.group.call(Lane::Coordinator, build, Duration::ZERO).await?;
        CallError::check(ApiKey::Heartbeat, response.error_code, None)
    }

    /// What a failed heartbeat means.
    fn heed(&mut self, error: CallError) {
        match error.code() {
            Some(ErrorCode::REBALANCE_IN_PROGRESS) => self.wants_rejoin = true,
            Some(ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::ILLEGAL_GENERATION) => self.lost(),
            Some(ErrorCode::FENCED_INSTANCE_ID) => self.give_up(error),
            _ if has_moved(&error) => self.group.forget_coordinator(),
            _ if error.is_retriable() => tracing::debug!(%error, "a heartbeat failed"),
            _ => self.give_up(error),
        }
    }

    /// Looks whether topics or partitions came or went that the group should share out anew.
    async fn watch(&mut self) {
        let lacks_topics = self.assigned_counts.iter().flatten().any(|(_, count)| *count == 0);
        let age = if lacks_topics { ABSENT_TOPICS_AGE } else { self.shared.metadata_max_age };
        if self.last_refresh.elapsed() < age && !self.shared.take_topics_changed() {
            return;
        }
        self.last_refresh = Instant::now();
        let Some(topics) = self.wanted_topics().await else { return };
        if topics != self.joined_topics {
            self.wants_rejoin = true;
        }
        if let Some(assigned) = &self.assigned_counts {
            let names: Vec<Str> = assigned.keys().cloned().collect();
            let _ = self.shared.cluster.refresh(Some(&names), false).await;
            self.wants_rejoin |= self.counts(names.iter()) != *assigned;
        }
    }

    /// The topics to join with; patterns are matched against all there are.
    async fn wanted_topics(&self) -> Option<Vec<Str>> {
        let subscription = self.shared.subscription()?;
        if subscription.needs_all_topics()
            && let Err(error) = self.shared.cluster.refresh(None, false).await
        {
            tracing::debug!(%error, "the topics could not be listed");
            return None;
        }
        let topics = subscription.topics(&self.shared.cluster.view());
        topics.iter().for_each(|topic| self.shared.cluster.want(topic));
        Some(topics)
    }

    fn counts<'a>(&self, topics: impl Iterator<Item = &'a Str>) -> PartitionCounts {
        let view = self.shared.cluster.view();
        let count = |topic: &Str| {
            view.topics.get(topic).map_or(0, |topic| i32::try_from(topic.partitions.len()).unwrap_or(0))
        };
        topics.map(|topic| (topic.clone(), count(topic))).collect()
    }

    /// Takes part in a rebalance, from giving up to being given.
    async fn rebalance(&mut self) {
        let Some(topics) = self.wanted_topics().await else {
            return self.wait(self.shared.cluster.options.backoff.first).await;
        };
        if !self.hold().await {
            return;
        }
        self.give_up_partitions(&topics).await;
        if self.closing.is_some() {
            return;
        }
        self.wants_rejoin = false;
        match self.join(topics).await {
            Ok(()) => self.failures = 0,
            Err(JoinFailure::Again) => self.wants_rejoin = true,
            Err(JoinFailure::Later(error)) => {
                tracing::debug!(%error, "joining the group failed");
                self.wants_rejoin = true;
                self.failures += 1;
                let wait =
                    self.shared.cluster.options.backoff.after(self.failures, &self.shared.cluster.random);
                self.wait(wait).await;
            }
            Err(JoinFailure::Fatal(error)) => self.give_up(error),
        }
    }

    /// Waits until the application has come back for more, keeping the membership alive. Needed only if it holds partitions.
    async fn hold(&mut self) -> bool {
        {
            let mut state = self.shared.lock();
            if state.partitions().next().is_none() {
                return true;
            }
            if !state.is_held {
                state.is_held = true;
                state.has_yielded = state.is_split && !state.is_anything_lent();
                state.wake();
            }
        }
        loop {
            if self.closing.is_some() {
                return false;
            }
            if self.shared.lock().has_yielded {
                return true;
            }
            if self.is_past_poll_interval() {
                self.leave_now().await;
                self.lost();
                return false;
            }
            self.wait(self.shared.settings.heartbeat_interval).await;
            if self.is_member
                && let Err(error) = self.beat().await
                && error.code() != Some(ErrorCode::REBALANCE_IN_PROGRESS)
            {
                self.heed(error);
            }
        }
    }

    /// Before joining: everything with the eager protocol; with the cooperative one just topics that are wanted no more.
    async fn give_up_partitions(&mut self, topics: &[Str]) {
        let owned = self.shared.assignment();
        let lost: Vec<TopicPartition> = match self.protocol() {
            RebalanceProtocol::Eager => owned,
            RebalanceProtocol::Cooperative => {
                owned.into_iter().filter(|tp| !topics.contains(&tp.topic)).collect()
            }
        };
        if self.is_member && self.shared.settings.auto_commit.is_some() {
            self.commit_processed().await;
        }
        self.revoke(&lost);
    }

    fn revoke(&self, partitions: &[TopicPartition]) {
        if partitions.is_empty() {
            return;
        }
        self.shared.tell(&Rebalance::Revoked(partitions.to_vec()));
        let mut state = self.shared.lock();
        partitions.iter().for_each(|partition| state.remove(partition));
    }

    /// Makes what the leader gave the assignment.
    async fn adopt(&mut self, assigned: Vec<TopicPartition>) {
        let owned: BTreeSet<TopicPartition> = self.shared.assignment().into_iter().collect();
        let given: BTreeSet<TopicPartition> = assigned.iter().cloned().collect();
        let revoked: Vec<TopicPartition> = owned.difference(&given).cloned().collect();
        let added: Vec<TopicPartition> = given.difference(&owned).cloned().collect();
        self.revoke(&revoked);
        // Somebody waits for what was given up (KIP-429).
        self.wants_rejoin = !revoked.is_empty() && self.protocol() == RebalanceProtocol::Cooperative;
        self.memory = assigned;
        {
            let mut state = self.shared.lock();
            added.iter().for_each(|partition| state.add(partition.clone(), StartAt::Committed));
            state.is_held = false;
            state.wake();
        }
        tracing::debug!(group = %self.group.id, assigned = self.memory.len(), revoked = revoked.len(), "joined");
        if !added.is_empty() || !self.wants_rejoin {
            self.shared.tell(&Rebalance::Assigned(added));
        }
        self.shared.fetch_news.notify_one();
    }

    /// The group goes on without this member: what it held belongs to others.
    fn lost(&mut self) {
        self.is_member = false;
        self.wants_rejoin = true;
        self.group.set_membership(Membership::default());
        let owned = self.shared.assignment();
        if !owned.is_empty() {
            self.shared.tell(&Rebalance::Lost(owned.clone()));
            let mut state = self.shared.lock();
            state.lose_work();
            owned.iter().for_each(|partition| state.remove(partition));
        }
    }

    /// Nothing that waiting alone would mend. The application hears of it as often as it asks, until someone has mended it; but who
    /// was replaced by another of its name does not come back.
    fn give_up(&mut self, error: CallError) {
        self.lost();
        if error.code() == Some(ErrorCode::FENCED_INSTANCE_ID) {
            self.shared.end_subscription();
        }
        self.rests_until = Instant::now() + REFUSED_PAUSE;
        self.next_beat = self.rests_until;
        self.shared.lock().fail(ConsumeError::Group { group: self.group.id.clone(), error });
    }
}
