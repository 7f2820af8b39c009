//! AlterPartitionReassignments and ListPartitionReassignments: moving partitions to other replicas (KIP-455).

use alloc::format;
use alloc::vec::Vec;

use base::Str;
use wire::ErrorCode;
use wire::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use wire::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, OngoingPartitionReassignment,
    OngoingTopicReassignment,
};

use super::election::Change;
use super::{ApiError, Command, Controller, Moment, Outcome};
use crate::image::{MetadataImage, Partition, Topic};
use crate::record::{PartitionChangeRecord, Record};

impl Command for AlterPartitionReassignmentsRequest {
    type Answer = AlterPartitionReassignmentsResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<AlterPartitionReassignmentsResponse> {
        let (mut records, mut responses) = (Vec::new(), Vec::new());
        for topic in &self.topics {
            let each = topic.partitions.iter();
            let partitions = each.map(|asked| {
                let altered = controller.reassign(&topic.name, asked, self.allow_replication_factor_change);
                let (error_code, error_message) =
                    ApiError::pair(&altered.as_ref().map(drop).map_err(Clone::clone));
                records.extend(altered.ok().flatten().map(Record::from));
                ReassignablePartitionResponse {
                    partition_index: asked.partition_index,
                    error_code,
                    error_message,
                }
            });
            let partitions = partitions.collect();
            responses.push(ReassignableTopicResponse { name: topic.name.clone(), partitions });
        }
        let allow_replication_factor_change = self.allow_replication_factor_change;
        let answer = AlterPartitionReassignmentsResponse {
            allow_replication_factor_change,
            error_message: None,
            responses,
            ..Default::default()
        };
        Outcome { records, answer }
    }
}

impl Controller {
    fn reassign(
        &self,
        name: &Str,
        asked: &ReassignablePartition,
        may_change_factor: bool,
    ) -> Result<Option<PartitionChangeRecord>, ApiError> {
        let unknown = |message| ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message);
        let index = asked.partition_index;
        let topic = self.image.topic_named(name);
        let topic = topic.ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
        let partition = topic.partitions().get(&index);
        let partition =
            partition.ok_or_else(|| unknown(format!("Unable to find partition {name}:{index}.")))?;
        match &asked.replicas {
            None => self.cancel_reassignment(topic, index, partition),
            Some(target) => self.begin_reassignment(topic, index, partition, target, may_change_factor),
        }
    }

    fn cancel_reassignment(
        &self,
        topic: &Topic,
        index: i32,
        partition: &Partition,
    ) -> Result<Option<PartitionChangeRecord>, ApiError> {
        if !partition.is_reassigning() {
            let message = "No partition reassignment is in progress.";
            return Err(ApiError::fixed(ErrorCode::NO_REASSIGNMENT_IN_PROGRESS, message));
        }
        let mut change = Change::new(self, topic.id(), index, partition);
        let was_there = |replica: &i32| !partition.adding_replicas.contains(replica);
        change.replicas.retain(was_there);
        change.isr.retain(was_there);
        if change.isr.is_empty() {
            let message = format!(
                "Unable to revert partition assignment for {}:{index} because it would require an unclean leader election.",
                topic.name()
            );
            return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        }
        change.adding.clear();
        change.removing.clear();
        Ok(change.build())
    }

    fn begin_reassignment(
        &self,
        topic: &Topic,
        index: i32,
        partition: &Partition,
        target: &[i32],
        may_change_factor: bool,
    ) -> Result<Option<PartitionChangeRecord>, ApiError> {
        self.check_assignment(target, None)?;
        let settled = |replica: &&i32| !partition.adding_replicas.contains(replica);
        let current: Vec<i32> = partition.replicas.iter().filter(settled).copied().collect();
        if !may_change_factor && current.len() != target.len() {
            let message =
                format!("The replication factor is changed from {} to {}", current.len(), target.len());
            return Err(ApiError::new(ErrorCode::INVALID_REPLICATION_FACTOR, message));
        }
        let mut change = Change::new(self, topic.id(), index, partition);
        change.adding = target.iter().copied().filter(|replica| !current.contains(replica)).collect();
        // What an earlier move added and this one drops stays until the move is over, if it is in sync: it may be all there is.
        let in_sync = |replica: &&i32| current.contains(replica) || partition.isr.contains(replica);
        let dropped = |replica: &&i32| !target.contains(replica);
        change.removing = partition.replicas.iter().filter(in_sync).filter(dropped).copied().collect();
        change.replicas = target.iter().chain(&change.removing).copied().collect();
        change.isr.retain(|replica| change.replicas.contains(replica));
        Ok(change.build())
    }
}

/// The moves under way, of the partitions asked or of all.
pub fn list_reassignments(
    image: &MetadataImage,
    request: &ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let topics = match &request.topics {
        None => {
            image.topics().values().filter_map(|topic| ongoing(topic, topic.partitions().keys())).collect()
        }
        Some(asked) => asked
            .iter()
            .filter_map(|asked| ongoing(image.topic_named(&asked.name)?, asked.partition_indexes.iter()))
            .collect(),
    };
    ListPartitionReassignmentsResponse { topics, error_message: None, ..Default::default() }
}

fn ongoing<'a>(topic: &Topic, indexes: impl Iterator<Item = &'a i32>) -> Option<OngoingTopicReassignment> {
    let moving = indexes.filter_map(|index| Some((*index, topic.partitions().get(index)?)));
    let moving = moving.filter(|(_, partition)| partition.is_reassigning());
    let partitions: Vec<_> = moving
        .map(|(partition_index, partition)| OngoingPartitionReassignment {
            partition_index,
            replicas: partition.replicas.clone(),
            adding_replicas: partition.adding_replicas.clone(),
            removing_replicas: partition.removing_replicas.clone(),
        })
        .collect();
    (!partitions.is_empty()).then(|| OngoingTopicReassignment { name: topic.name().clone(), partitions })
}
