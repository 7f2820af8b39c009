//! AlterPartition: a leader asks for another ISR (KIP-497, KIP-841, KIP-903).
//!
//! Unlike Kafka, a question that changes nothing still moves the partition epoch on: a leader that does not know what became of an
//! earlier question asks for the ISR it has, and from then on the earlier one can be granted no more.

use alloc::vec::Vec;

use base::TopicId;
use base::planted::Bug;
use wire::ErrorCode;
use wire::messages::alter_partition::{
    AlterPartitionRequest, AlterPartitionResponse, BrokerState, PartitionData, PartitionDataResponse,
    TopicDataResponse,
};

use super::election::Change;
use super::{Command, Controller, Moment, Outcome};
use crate::image::Partition;
use crate::record::{PartitionChangeRecord, Record};

/// Kafka's number of "recovering"; a leader elected uncleanly is that until it says otherwise.
const RECOVERING: i8 = 1;

impl Command for AlterPartitionRequest {
    type Answer = AlterPartitionResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<AlterPartitionResponse> {
        if let Err(error) = controller.check_broker_epoch(self.broker_id, self.broker_epoch) {
            let error_code = error.code;
            return Outcome::only(AlterPartitionResponse { error_code, ..Default::default() });
        }
        let (mut records, mut topics) = (Vec::new(), Vec::new());
        for topic in &self.topics {
            let asked = topic.partitions.iter();
            let partitions = asked.map(|asked| {
                let altered = controller.alter_partition(self.broker_id, TopicId(topic.topic_id), asked);
                answer(asked.partition_index, altered, &mut records)
            });
            topics.push(TopicDataResponse { topic_id: topic.topic_id, partitions: partitions.collect() });
        }
        Outcome { records, answer: AlterPartitionResponse { topics, ..Default::default() } }
    }
}

/// What a partition will be, and the record that makes it so.
struct Altered {
    record: PartitionChangeRecord,
    after: Partition,
    /// The change took the leadership from the asker: its reassignment is done.
    is_deposed: bool,
}

fn answer(
    partition_index: i32,
    altered: Result<Altered, ErrorCode>,
    records: &mut Vec<Record>,
) -> PartitionDataResponse {
    let altered = match altered {
        Ok(altered) => altered,
        Err(error_code) => {
            return PartitionDataResponse { partition_index, error_code, ..Default::default() };
        }
    };
    records.push(altered.record.into());
    if altered.is_deposed {
        let error_code = ErrorCode::NEW_LEADER_ELECTED;
        return PartitionDataResponse { partition_index, error_code, ..Default::default() };
    }
    let Partition { leader: leader_id, leader_epoch, isr, leader_recovery_state, partition_epoch, .. } =
        altered.after;
    PartitionDataResponse {
        partition_index,
        leader_id,
        leader_epoch,
        isr,
        leader_recovery_state,
        partition_epoch,
        ..Default::default()
    }
}

impl Controller {
    fn alter_partition(
        &self,
        asker: i32,
        topic: TopicId,
        asked: &PartitionData,
    ) -> Result<Altered, ErrorCode> {
        let known = self.image.topic(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?;
        let index = asked.partition_index;
        let partition = known.partitions().get(&index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        if !self.planted.has(Bug::AcceptStaleIsr) {
            check_epochs(asker, partition, asked)?;
        }
        let new_isr = members(asked);
        check_isr(partition, asked, &new_isr)?;
        if !new_isr.iter().all(|member| self.is_eligible(member)) {
            return Err(ErrorCode::INELIGIBLE_REPLICA);
        }
        let mut change = Change::new(self, topic, index, partition);
        change.isr = new_isr.iter().map(|member| member.broker_id).collect();
        let isr = change.isr.clone();
        let mut record = change.build().unwrap_or_else(|| PartitionChangeRecord {
            topic_id: topic,
            partition: index,
            isr: Some(isr),
            ..PartitionChangeRecord::default()
        });
        if partition.leader_recovery_state != asked.leader_recovery_state {
            record.leader_recovery_state = Some(asked.leader_recovery_state);
        }
        let mut after = (**partition).clone();
        after.change(&record);
        let is_deposed = after.leader_epoch != partition.leader_epoch && after.leader != asker;
        Ok(Altered { record, after, is_deposed })
    }

    /// Whether a broker may be in sync: registered, in this epoch, and neither fenced nor shutting down.
    fn is_eligible(&self, member: &BrokerState) -> bool {
        let broker = self.image.brokers().get(&member.broker_id);
        broker.is_some_and(|broker| {
            broker.is_active() && (member.broker_epoch == -1 || member.broker_epoch == broker.epoch)
        })
    }
}

fn check_epochs(asker: i32, partition: &Partition, asked: &PartitionData) -> Result<(), ErrorCode> {
    // A leader that knows more than this controller asks one that is a controller no longer.
    if asked.leader_epoch > partition.leader_epoch || asked.partition_epoch > partition.partition_epoch {
        return Err(ErrorCode::NOT_CONTROLLER);
    }
    if asked.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FENCED_LEADER_EPOCH);
    }
    if asker != partition.leader {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    if asked.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::INVALID_UPDATE_VERSION);
    }
    Ok(())
}

fn check_isr(partition: &Partition, asked: &PartitionData, isr: &[BrokerState]) -> Result<(), ErrorCode> {
    let is_known = |member: &BrokerState| partition.replicas.contains(&member.broker_id);
    let has_leader = isr.iter().any(|member| member.broker_id == partition.leader);
    let recovers = asked.leader_recovery_state == RECOVERING;
    let is_step_back = recovers && partition.leader_recovery_state != RECOVERING;
    let is_legal = has_leader && isr.iter().all(is_known) && !is_step_back && !(recovers && isr.len() > 1);
    let is_unique = isr
        .iter()
        .enumerate()
        .all(|(place, one)| isr.iter().skip(place + 1).all(|other| other.broker_id != one.broker_id));
    if is_legal && is_unique { Ok(()) } else { Err(ErrorCode::INVALID_REQUEST) }
}

/// The ISR asked for; version 2 gives no broker epochs.
fn members(asked: &PartitionData) -> Vec<BrokerState> {
    if asked.new_isr.is_empty() {
        return asked.new_isr_with_epochs.clone();
    }
    asked.new_isr.iter().map(|broker_id| BrokerState { broker_id: *broker_id, broker_epoch: -1 }).collect()
}
