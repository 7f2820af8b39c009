//! Groups: list, describe, delete, their offsets, their members.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use base::Str;
use wire::ApiKey;
use wire::messages::delete_groups::DeleteGroupsRequest;
use wire::messages::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};

use super::{Admin, AdminError, CommittedOffset, fetch_committed};
use crate::cluster::{Lane, Target};
use crate::consumer::decode_assignment;
use crate::{CallError, ErrorCode, TopicPartition};

/// A group as its coordinator lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedGroup {
    /// `group.id`.
    pub id: Str,
    /// Such as `Stable` or `Empty`; empty from brokers that do not tell.
    pub state: Str,
    /// Such as `Classic` or `Consumer`; empty from brokers that do not tell.
    pub kind: Str,
    /// `consumer` for consumers, `connect` for Connect's workers; empty for a group of offsets only.
    pub protocol_type: Str,
}

/// A group with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// `group.id`.
    pub id: Str,
    /// Such as `Stable`, `PreparingRebalance`, `Empty`, `Dead`.
    pub state: Str,
    /// The kind of members.
    pub protocol_type: Str,
    /// The assignor.
    pub protocol: Str,
    /// The `node.id` of the coordinator.
    pub coordinator: Option<i32>,
    /// Those in it.
    pub members: Vec<MemberDescription>,
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDescription {
    /// The id that the coordinator gave.
    pub member_id: Str,
    /// `group.instance.id`.
    pub instance_id: Option<Str>,
    /// `client.id`.
    pub client_id: Str,
    /// Where it comes from.
    pub host: Str,
    /// What it reads; empty for members that are no consumers.
    pub partitions: Vec<TopicPartition>,
}

impl Admin {
    /// Every group of every broker, by id.
    pub async fn list_groups(&self) -> Result<Vec<ListedGroup>, AdminError> {
        self.cluster.refresh(Some(&[]), false).await?;
        let brokers: Vec<i32> = self.cluster.view().brokers.keys().copied().collect();
        let mut groups = Vec::new();
        for broker in brokers {
            let check = |response: wire::messages::list_groups::ListGroupsResponse| {
                CallError::check(ApiKey::ListGroups, response.error_code, None)?;
                Ok(response.groups)
            };
            let listed =
                self.cluster.call(Target::Broker(broker), |_| ListGroupsRequest::default(), check).await;
            let listed = listed.map_err(|error| AdminError::new(format!("broker {broker}"), error))?;
            groups.extend(listed.into_iter().map(|group| ListedGroup {
                id: group.group_id.detached(),
                state: group.group_state.detached(),
                kind: group.group_type.detached(),
                protocol_type: group.protocol_type.detached(),
            }));
        }
        groups.sort();
        groups.dedup_by(|left, right| left.id == right.id);
        Ok(groups)
    }

    /// A group with its members. One that does not exist is `Dead`, or an error from newer brokers.
    pub async fn describe_group(&self, group: &str) -> Result<GroupDescription, AdminError> {
        let id = Str::from(group);
        let request =
            |_| DescribeGroupsRequest { groups: vec![id.clone()], ..DescribeGroupsRequest::default() };
        let check = |response: wire::messages::describe_groups::DescribeGroupsResponse| {
            let Some(group) = response.groups.into_iter().next() else {
                return Err(CallError::NoLeader("the answer leaves the group out".to_owned()));
            };
            CallError::check(ApiKey::DescribeGroups, group.error_code, group.error_message.clone())?;
            Ok(group)
        };
        let described = self.cluster.call(Target::Group(id.clone()), request, check).await;
        let described = described.map_err(|error| about(group, error))?;
        let coordinator = self.coordinator_of(&id).await.ok();
        Ok(description(described, coordinator))
    }

    /// The `node.id` of a group's coordinator.
    pub async fn coordinator_of(&self, group: &Str) -> Result<i32, AdminError> {
        let address =
            self.cluster.find_group_coordinator(group).await.map_err(|error| about(group, error))?;
        let view = self.cluster.view();
        let broker = view.brokers.values().find(|broker| broker.address == address);
        broker
            .map(|broker| broker.id)
            .ok_or_else(|| about(group, CallError::NoLeader(format!("{address} is no known broker"))))
    }

    /// Deletes a group that has no members, with its offsets.
    pub async fn delete_group(&self, group: &str) -> Result<(), AdminError> {
        let id = Str::from(group);
        let request = |_| DeleteGroupsRequest { groups_names: vec![id.clone()] };
        let deleted = self.cluster.call(Target::Group(id.clone()), request, |response| {
            let code = response.results.first().map_or(ErrorCode::NONE, |result| result.error_code);
            CallError::check(ApiKey::DeleteGroups, code, None)
        });
        deleted.await.map_err(|error| about(group, error))
    }

    /// Everything a group committed.
    pub async fn group_offsets(
        &self,
        group: &str,
    ) -> Result<HashMap<TopicPartition, CommittedOffset>, AdminError> {
        let id = Str::from(group);
        let request = |version| fetch_committed::request(&id, None, false, version);
        let offsets = self.cluster.call(Target::Group(id.clone()), request, fetch_committed::offsets).await;
        offsets.map_err(|error| about(group, error))
    }

    /// Sets offsets of a group that has no members.
    pub async fn set_group_offsets(
        &self,
        group: &str,
        offsets: impl IntoIterator<Item = (TopicPartition, i64)>,
    ) -> Result<(), AdminError> {
        let id = Str::from(group);
        let mut topics: BTreeMap<Str, OffsetCommitRequestTopic> = BTreeMap::new();
        for (partition, committed_offset) in offsets {
            let name = partition.topic.clone();
            let topic = topics
                .entry(name.clone())
                .or_insert_with(|| OffsetCommitRequestTopic { name, ..Default::default() });
            let partition_index = partition.partition;
            topic.partitions.push(OffsetCommitRequestPartition {
                partition_index,
                committed_offset,
                ..Default::default()
            });
        }
        let topics: Vec<OffsetCommitRequestTopic> = topics.into_values().collect();
        let request = |_| OffsetCommitRequest {
            group_id: id.clone(),
            topics: topics.clone(),
            ..OffsetCommitRequest::default()
        };
        let set = self.cluster.call(Target::Group(id.clone()), request, |response| {
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            let code = partitions.map(|partition| partition.error_code).find(|code| code.is_error());
            CallError::check(ApiKey::OffsetCommit, code.unwrap_or(ErrorCode::NONE), None)
        });
        set.await.map_err(|error| about(group, error))
    }

    /// Forgets offsets of a group for partitions that nobody in it reads.
    pub async fn delete_group_offsets(
        &self,
        group: &str,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<(), AdminError> {
        let id = Str::from(group);
        let mut topics: BTreeMap<Str, OffsetDeleteRequestTopic> = BTreeMap::new();
        for partition in partitions {
            let name = partition.topic.clone();
            let topic = topics
                .entry(name.clone())
                .or_insert_with(|| OffsetDeleteRequestTopic { name, ..Default::default() });
            topic.partitions.push(OffsetDeleteRequestPartition { partition_index: partition.partition });
        }
        let topics: Vec<OffsetDeleteRequestTopic> = topics.into_values().collect();
        let request = |_| OffsetDeleteRequest { group_id: id.clone(), topics: topics.clone() };
        let deleted = self.cluster.call(Target::Group(id.clone()), request, |response| {
            CallError::check(ApiKey::OffsetDelete, response.error_code, None)?;
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            let code = partitions.map(|partition| partition.error_code).find(|code| code.is_error());
            CallError::check(ApiKey::OffsetDelete, code.unwrap_or(ErrorCode::NONE), None)
        });
        deleted.await.map_err(|error| about(group, error))
    }

    /// Removes members from a group, static ones by their instance id.
    pub async fn remove_members(&self, group: &str, members: &[MemberDescription]) -> Result<(), AdminError> {
        let id = Str::from(group);
        let identity = |member: &MemberDescription| MemberIdentity {
            member_id: if member.instance_id.is_some() { Str::default() } else { member.member_id.clone() },
            group_instance_id: member.instance_id.clone(),
            reason: Some(Str::from_static("removed by an administrator")),
        };
        let members: Vec<MemberIdentity> = members.iter().map(identity).collect();
        let request = |_| LeaveGroupRequest {
            group_id: id.clone(),
            members: members.clone(),
            ..LeaveGroupRequest::default()
        };
        let response = self
            .cluster
            .call_once(&Target::Group(id.clone()), Lane::Control, 0, &request, Duration::ZERO)
            .await;
        let response = response.map_err(|error| about(group, error))?;
        let first = response.members.iter().map(|member| member.error_code).find(|code| code.is_error());
        let code = if response.error_code.is_error() {
            response.error_code
        } else {
            first.unwrap_or(ErrorCode::NONE)
        };
        CallError::check(ApiKey::LeaveGroup, code, None).map_err(|error| about(group, error))
    }
}

fn about(group: &str, error: CallError) -> AdminError {
    AdminError::new(format!("group `{group}`"), error)
}

fn description(group: DescribedGroup, coordinator: Option<i32>) -> GroupDescription {
    let is_consumer = group.protocol_type == "consumer";
    let members = group.members.into_iter().map(|member| MemberDescription {
        member_id: member.member_id.detached(),
        instance_id: member.group_instance_id.as_ref().map(Str::detached),
        client_id: member.client_id.detached(),
        host: member.client_host.detached(),
        partitions: if is_consumer {
            decode_assignment(member.member_assignment).unwrap_or_default()
        } else {
            Vec::new()
        },
    });
    GroupDescription {
        id: group.group_id.detached(),
        state: group.group_state.detached(),
        protocol_type: group.protocol_type.detached(),
        protocol: group.protocol_data.detached(),
        coordinator,
        members: members.collect(),
    }
}
