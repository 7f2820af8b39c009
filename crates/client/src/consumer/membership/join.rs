//! Joining: what the member offers, what the leader computes, what it is given.

use std::collections::BTreeSet;
use std::time::Duration;

use base::Str;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use wire::{ApiKey, ErrorCode};

use super::Member;
use crate::assignor::{Assignor, MemberSubscription, PartitionCounts};
use crate::cluster::Lane;
use crate::consumer::group::{Membership, has_moved};
use crate::consumer::protocol;
use crate::{CallError, TopicPartition};

/// Why a join did not succeed.
pub(super) enum JoinFailure {
    /// Try again at once.
    Again,
    /// Try again after a wait.
    Later(CallError),
    /// Give up.
    Fatal(CallError),
}

impl Member {
    pub(super) async fn join(&mut self, topics: Vec<Str>) -> Result<(), JoinFailure> {
        let membership = self.group.membership();
        let protocols = self.protocols(&topics, &membership).map_err(JoinFailure::Fatal)?;
        let settings = &self.shared.settings;
        let build = |_| JoinGroupRequest {
            group_id: self.group.id.clone(),
            session_timeout_ms: millis(settings.session_timeout),
            rebalance_timeout_ms: millis(settings.poll_interval),
            member_id: membership.member_id.clone(),
            group_instance_id: self.group.instance_id.clone(),
            protocol_type: Str::from_static("consumer"),
            protocols: protocols.clone(),
            reason: None,
        };
        let response =
            self.group.call(Lane::Coordinator, build, settings.poll_interval).await.map_err(sort_failure)?;
        self.check_join(&response)?;
        let membership =
            Membership { member_id: response.member_id.detached(), generation: response.generation_id };
        self.group.set_membership(membership.clone());
        let name = response.protocol_name.clone().unwrap_or_default();
        let is_leader = response.leader == response.member_id;
        let assignments = match (is_leader, response.skip_assignment) {
            (true, false) => self.assign(&name, &response).await?,
            // What was assigned stays; the topics are watched all the same (KIP-814).
            (true, true) => {
                self.subscribed(&response).await?;
                Vec::new()
            }
            (false, _) => {
                self.assigned_counts = None;
                Vec::new()
            }
        };
        let assigned = self.sync(&membership, name, assignments).await?;
        self.joined_topics = topics;
        self.is_member = true;
        self.adopt(assigned).await;
        Ok(())
    }

    fn protocols(
        &self,
        topics: &[Str],
        membership: &Membership,
    ) -> Result<Vec<JoinGroupRequestProtocol>, CallError> {
        let owned = self.shared.assignment();
        let generation = Some(membership.generation).filter(|generation| *generation >= 0);
        let one = |assignor: &Assignor| {
            let subscription = MemberSubscription {
                topics: topics.to_vec(),
                user_data: assignor.user_data(&self.memory, generation),
                owned: owned.clone(),
                generation,
                rack: self.shared.settings.rack.clone(),
                ..MemberSubscription::default()
            };
            let metadata = protocol::encode_subscription(&subscription)?;
            Ok(JoinGroupRequestProtocol { name: Str::from_static(assignor.name()), metadata })
        };
        self.shared.settings.assignors.iter().map(one).collect()
    }

    fn check_join(&mut self, response: &JoinGroupResponse) -> Result<(), JoinFailure> {
        let refused = || CallError::refused(ApiKey::JoinGroup, response.error_code, None);
        match response.error_code {
            ErrorCode::NONE => Ok(()),
            // KIP-394: the id comes first, the place with the second try.
            ErrorCode::MEMBER_ID_REQUIRED => {
                let member_id = response.member_id.detached();
                self.group.set_membership(Membership { member_id, generation: -1 });
                Err(JoinFailure::Again)
            }
            ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::ILLEGAL_GENERATION => {
                self.lost();
                Err(JoinFailure::Again)
            }
            ErrorCode::REBALANCE_IN_PROGRESS => Err(JoinFailure::Later(refused())),
            _ => Err(sort_failure(self.noting_move(refused()))),
        }
    }

    fn noting_move(&self, error: CallError) -> CallError {
        if has_moved(&error) {
            self.group.forget_coordinator();
        }
        error
    }

    /// What the members want; the topics of all are looked up, and watched from now on.
    async fn subscribed(
        &mut self,
        response: &JoinGroupResponse,
    ) -> Result<(Vec<MemberSubscription>, PartitionCounts), JoinFailure> {
        let members = response.members.iter().map(|member| {
            let (id, instance) = (member.member_id.clone(), member.group_instance_id.clone());
            protocol::decode_subscription(id, instance, member.metadata.clone())
        });
        let members: Vec<MemberSubscription> = members.collect::<Result<_, _>>().map_err(unreadable)?;
        let topics: BTreeSet<Str> =
            members.iter().flat_map(|member| &member.topics).map(Str::detached).collect();
        let topics: Vec<Str> = topics.into_iter().collect();
        self.shared
            .cluster
            .refresh(Some(&topics), self.shared.settings.create_topics)
            .await
            .map_err(sort_failure)?;
        let counts = self.counts(topics.iter());
        self.assigned_counts = Some(counts.clone());
        Ok((members, counts))
    }

    /// The leader's work.
    async fn assign(
        &mut self,
        name: &str,
        response: &JoinGroupResponse,
    ) -> Result<Vec<SyncGroupRequestAssignment>, JoinFailure> {
        let (members, counts) = self.subscribed(response).await?;
        let assignor =
            Assignor::by_name(name).ok_or_else(|| unreadable(format!("assignor `{name}` is not known")))?;
        let assignment = assignor.assign(&counts, &members);
        let one = |(member_id, partitions)| {
            let assignment =
                protocol::encode_assignment(partitions).map_err(|error| JoinFailure::Fatal(error.into()))?;
            Ok(SyncGroupRequestAssignment { member_id, assignment })
        };
        assignment.into_iter().map(one).collect()
    }

    async fn sync(
        &mut self,
        membership: &Membership,
        name: Str,
        assignments: Vec<SyncGroupRequestAssignment>,
    ) -> Result<Vec<TopicPartition>, JoinFailure> {
        let build = |_| SyncGroupRequest {
            group_id: self.group.id.clone(),
            generation_id: membership.generation,
            member_id: membership.member_id.clone(),
            group_instance_id: self.group.instance_id.clone(),
            protocol_type: Some(Str::from_static("consumer")),
            protocol_name: Some(name.clone()),
            assignments: assignments.clone(),
        };
        let extra = self.shared.settings.poll_interval;
        let response = self.group.call(Lane::Coordinator, build, extra).await.map_err(sort_failure)?;
        let refused = || CallError::refused(ApiKey::SyncGroup, response.error_code, None);
        match response.error_code {
            ErrorCode::NONE => {
                let unreadable = |what| {
                    JoinFailure::Fatal(CallError::NoLeader(format!("the assignment cannot be read: {what}")))
                };
                protocol::decode_assignment(response.assignment).map_err(unreadable)
            }
            ErrorCode::REBALANCE_IN_PROGRESS => Err(JoinFailure::Again),
            ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::ILLEGAL_GENERATION => {
                self.lost();
                Err(JoinFailure::Again)
            }
            _ => Err(sort_failure(self.noting_move(refused()))),
        }
    }
}

fn unreadable(what: String) -> JoinFailure {
    JoinFailure::Fatal(CallError::NoLeader(format!("a member's subscription cannot be read: {what}")))
}

fn sort_failure(error: CallError) -> JoinFailure {
    if error.is_retriable() { JoinFailure::Later(error) } else { JoinFailure::Fatal(error) }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
