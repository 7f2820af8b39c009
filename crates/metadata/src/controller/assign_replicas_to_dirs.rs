//! AssignReplicasToDirs: a broker tells in which directory replicas lie (KIP-858).
//!
//! A directory that the broker does not have any more failed: whoever lies there neither leads nor is in sync until the broker comes
//! back with the directory. Brokers heartbeat with what failed before they tell what lay there.

use alloc::vec::Vec;

use base::{TopicId, Uuid};
use wire::ErrorCode;
use wire::messages::assign_replicas_to_dirs::{
    AssignReplicasToDirsRequest, AssignReplicasToDirsResponse, DirectoryDataResponse, PartitionDataResponse,
    TopicDataResponse,
};

use super::election::Change;
use super::{Command, Controller, Moment, Outcome};
use crate::image::Broker;
use crate::record::{PartitionChangeRecord, Record};

impl Command for AssignReplicasToDirsRequest {
    type Answer = AssignReplicasToDirsResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<AssignReplicasToDirsResponse> {
        let broker = match controller.check_broker_epoch(self.broker_id, self.broker_epoch) {
            Ok(broker) => broker,
            Err(error) => {
                let error_code = error.code;
                return Outcome::only(AssignReplicasToDirsResponse { error_code, ..Default::default() });
            }
        };
        let mut records = Vec::new();
        let directories = self.directories.iter().map(|directory| {
            let topics = directory.topics.iter().map(|topic| {
                let partitions = topic.partitions.iter().map(|one| {
                    let partition_index = one.partition_index;
                    let place = (TopicId(topic.topic_id), partition_index);
                    let error_code = match controller.assign(broker, directory.id, place) {
                        Ok(record) => {
                            records.extend(record);
                            ErrorCode::NONE
                        }
                        Err(code) => code,
                    };
                    PartitionDataResponse { partition_index, error_code }
                });
                TopicDataResponse { topic_id: topic.topic_id, partitions: partitions.collect() }
            });
            DirectoryDataResponse { id: directory.id, topics: topics.collect() }
        });
        let directories = directories.collect();
        Outcome { records, answer: AssignReplicasToDirsResponse { directories, ..Default::default() } }
    }
}

impl Controller {
    fn assign(
        &self,
        broker: &Broker,
        directory: Uuid,
        (topic, index): (TopicId, i32),
    ) -> Result<Option<Record>, ErrorCode> {
        let known = self.image.topic(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?;
        let partition = known.partitions().get(&index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        if !partition.replicas.contains(&broker.id) {
            return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        let mut change = Change::new(self, topic, index, partition);
        change.directory = Some((broker.id, directory));
        if !broker.log_dirs.contains(&directory) {
            change.excluded = Some(broker.id);
            change.isr.retain(|replica| *replica != broker.id);
        }
        Ok(change.build().map(Record::from))
    }

    /// Replicas that lay in directories which a broker does not bring back may lie anywhere.
    pub(super) fn forget_directories(&self, broker: i32, kept: &[Uuid]) -> Vec<Record> {
        let mut records = Vec::new();
        for (topic_id, topic) in self.image.topics() {
            for (index, partition) in topic.partitions() {
                let place = partition.replicas.iter().position(|replica| *replica == broker);
                let mut directories = partition.directories.clone();
                let Some(own) = place.and_then(|place| directories.get_mut(place)) else { continue };
                if own.is_zero() || kept.contains(own) {
                    continue;
                }
                *own = Uuid::ZERO;
                let (topic_id, partition) = (*topic_id, *index);
                let directories = Some(directories);
                records.push(
                    PartitionChangeRecord { topic_id, partition, directories, ..Default::default() }.into(),
                );
            }
        }
        records
    }
}
