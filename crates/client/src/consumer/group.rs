//! A group's coordinator as a consumer sees it: found when needed, found anew when it moves; offsets read and committed there.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base::{Str, Uuid};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
};
use wire::{ApiKey, ErrorCode, Request};

use super::error::CommitError;
use crate::admin::{CommittedOffset, fetch_committed};
use crate::cluster::{Cluster, Lane};
use crate::{Address, CallError, TopicPartition};

/// How long a commit waits for a topic that the coordinator does not know. No heartbeats leave meanwhile: a deleted topic must not
/// cost the membership.
const UNKNOWN_TOPIC_PATIENCE: Duration = Duration::from_secs(5);

/// What a member is at the moment; generation -1 and no id stand for "none".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) member_id: Str,
    pub(crate) generation: i32,
}

impl Default for Membership {
    fn default() -> Self {
        Self { member_id: Str::default(), generation: -1 }
    }
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: Str,
    pub(crate) instance_id: Option<Str>,
    cluster: std::sync::Arc<Cluster>,
    share: u32,
    coordinator: Mutex<Option<Address>>,
    pub(crate) membership: Mutex<Membership>,
}

/// Errors after which the coordinator must be looked for again.
pub(crate) fn has_moved(error: &CallError) -> bool {
    match error {
        CallError::Refused { code, .. } => {
            matches!(*code, ErrorCode::NOT_COORDINATOR | ErrorCode::COORDINATOR_NOT_AVAILABLE)
        }
        CallError::Unreachable { .. } | CallError::Disconnected { .. } | CallError::TimedOut { .. } => true,
        _ => false,
    }
}

impl Group {
    pub(crate) fn new(
        cluster: std::sync::Arc<Cluster>,
        share: u32,
        id: Str,
        instance_id: Option<Str>,
    ) -> Self {
        Self { id, instance_id, cluster, share, coordinator: Mutex::default(), membership: Mutex::default() }
    }

    pub(crate) fn membership(&self) -> Membership {
        self.membership.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_membership(&self, membership: Membership) {
        *self.membership.lock().unwrap_or_else(PoisonError::into_inner) = membership;
    }

    /// The coordinator moved: look for it next time.
    pub(crate) fn forget_coordinator(&self) {
        *self.coordinator.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn coordinator(&self) -> Result<Address, CallError> {
        let known = self.coordinator.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.cluster.find_group_coordinator(&self.id).await?;
        *self.coordinator.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    /// Lets go of its connections.
    pub(crate) fn release(&self) {
        self.cluster.release(self.share);
    }

    /// One exchange with the coordinator; `extra` is time that it may take beyond the request timeout.
    pub(crate) async fn call<R: Request>(
        &self,
        lane: Lane,
        build: impl Fn(i16) -> R,
        extra: Duration,
    ) -> Result<R::Response, CallError> {
        let attempt = async {
            let address = self.coordinator().await?;
            let connection = self.cluster.connection(&address, lane, self.share).await?;
            let version = connection.version_of::<R>()?;
            connection.call(&build(version), version, extra).await
        };
        let result = attempt.await;
        if result.as_ref().err().is_some_and(has_moved) {
            self.forget_coordinator();
        }
        result
    }

    /// What the group committed for `partitions`; partitions without are left out. `require_stable`: not while an open transaction
    /// may replace it.
    pub(crate) async fn committed(
        &self,
        partitions: &[TopicPartition],
        require_stable: bool,
    ) -> Result<HashMap<TopicPartition, CommittedOffset>, CallError> {
        let build = |version| fetch_committed::request(&self.id, Some(partitions), require_stable, version);
        let response = self.call(Lane::Control, build, Duration::ZERO).await?;
        let result = fetch_committed::offsets(response);
        if result.as_ref().err().is_some_and(has_moved) {
            self.forget_coordinator();
        }
        result
    }

    /// Commits, trying again while the coordinator moves.
    pub(crate) async fn commit(
        &self,
        offsets: &[(TopicPartition, i64, i32)],
        metadata: &Str,
    ) -> Result<(), CommitError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let deadline = begun + self.cluster.options.api_timeout;
        let mut failures = 0;
        loop {
            let membership = self.membership();
            let build = |_| self.commit_request(&membership, offsets, metadata);
            let answer = self.call(Lane::Coordinator, build, Duration::ZERO).await;
            let result = answer.map_err(CommitError::from).and_then(committed);
            let error = match result {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let moved = match &error {
                CommitError::Call(error) => has_moved(error),
                CommitError::Partition { code, .. } => {
                    matches!(*code, ErrorCode::NOT_COORDINATOR | ErrorCode::COORDINATOR_NOT_AVAILABLE)
                }
                _ => false,
            };
            if moved {
                self.forget_coordinator();
            }
            failures += 1;
            let wait = self.cluster.options.backoff.after(failures, &self.cluster.random);
            let is_unknown =
                matches!(&error, CommitError::Partition { code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, .. });
            let deadline = if is_unknown { deadline.min(begun + UNKNOWN_TOPIC_PATIENCE) } else { deadline };
            let again = error.is_retriable() && !matches!(error, CommitError::Rebalancing);
            if !again || Instant::now() + wait >= deadline {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn commit_request(
        &self,
        membership: &Membership,
        offsets: &[(TopicPartition, i64, i32)],
        metadata: &Str,
    ) -> OffsetCommitRequest {
        let view = self.cluster.view();
        let mut topics: BTreeMap<Str, OffsetCommitRequestTopic> = BTreeMap::new();
        for (partition, offset, leader_epoch) in offsets {
            let name = partition.topic.clone();
            let topic = topics.entry(name.clone()).or_insert_with(|| OffsetCommitRequestTopic {
                topic_id: view.id_of(&name).unwrap_or(Uuid::ZERO),
                name,
                partitions: Vec::new(),
            });
            topic.partitions.push(OffsetCommitRequestPartition {
                partition_index: partition.partition,
                committed_offset: *offset,
                committed_leader_epoch: *leader_epoch,
                committed_metadata: Some(metadata.clone()),
            });
        }
        OffsetCommitRequest {
            group_id: self.id.clone(),
            generation_id_or_member_epoch: membership.generation,
            member_id: membership.member_id.clone(),
            group_instance_id: self.instance_id.clone().filter(|_| membership.generation >= 0),
            topics: topics.into_values().collect(),
            ..OffsetCommitRequest::default()
        }
    }
}

fn committed(response: OffsetCommitResponse) -> Result<(), CommitError> {
    for topic in response.topics {
        for partition in topic.partitions {
            let code = partition.error_code;
            let refused = || CallError::refused(ApiKey::OffsetCommit, code, None);
            match code {
                ErrorCode::NONE => {}
                ErrorCode::UNKNOWN_MEMBER_ID
                | ErrorCode::ILLEGAL_GENERATION
                | ErrorCode::FENCED_INSTANCE_ID => {
                    return Err(CommitError::NotAMember(refused()));
                }
                ErrorCode::REBALANCE_IN_PROGRESS => return Err(CommitError::Rebalancing),
                code => {
                    let partition = TopicPartition::new(topic.name.detached(), partition.partition_index);
                    return Err(CommitError::Partition { partition, code });
                }
            }
        }
    }
    Ok(())
}
