//! ElectLeaders: the preferred replica, or whoever lives (KIP-183, KIP-460).

use alloc::format;
use alloc::vec::Vec;

use base::Str;
use wire::ErrorCode;
use wire::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};

use super::election::{Change, Election};
use super::{ApiError, Command, Controller, Moment, Outcome};
use crate::image::{Partition, Topic};
use crate::record::Record;

impl Command for ElectLeadersRequest {
    type Answer = ElectLeadersResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<ElectLeadersResponse> {
        let election = match self.election_type {
            0 => Election::Preferred,
            1 => Election::Unclean,
            _ => {
                let error_code = ErrorCode::INVALID_REQUEST;
                return Outcome::only(ElectLeadersResponse { error_code, ..Default::default() });
            }
        };
        let mut records = Vec::new();
        let replica_election_results = match &self.topic_partitions {
            None => controller.elect_everywhere(election, &mut records),
            Some(asked) => asked
                .iter()
                .map(|topic| {
                    let each = topic.partitions.iter();
                    let results = each.map(|index| {
                        let elected = controller.elect_named(&topic.topic, *index, election, &mut records);
                        result_of(*index, elected)
                    });
                    let partition_result = results.collect();
                    ReplicaElectionResult { topic: topic.topic.clone(), partition_result }
                })
                .collect(),
        };
        Outcome { records, answer: ElectLeadersResponse { replica_election_results, ..Default::default() } }
    }
}

fn result_of(partition_id: i32, elected: Result<(), ApiError>) -> PartitionResult {
    let (error_code, error_message) = ApiError::pair(&elected);
    PartitionResult { partition_id, error_code, error_message }
}

impl Controller {
    /// Elects wherever that is needed and tells only of those.
    fn elect_everywhere(&self, election: Election, records: &mut Vec<Record>) -> Vec<ReplicaElectionResult> {
        let mut results = Vec::new();
        for topic in self.image.topics().values() {
            let mut partition_result = Vec::new();
            for (index, partition) in topic.partitions() {
                let elected = self.elect(topic, *index, partition, election, records);
                if !matches!(&elected, Err(error) if error.code == ErrorCode::ELECTION_NOT_NEEDED) {
                    partition_result.push(result_of(*index, elected));
                }
            }
            if !partition_result.is_empty() {
                results.push(ReplicaElectionResult { topic: topic.name().clone(), partition_result });
            }
        }
        results
    }

    fn elect_named(
        &self,
        name: &Str,
        index: i32,
        election: Election,
        records: &mut Vec<Record>,
    ) -> Result<(), ApiError> {
        let unknown = |message| ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message);
        let topic =
            self.image.topic_named(name).ok_or_else(|| unknown(format!("No such topic as {name}")))?;
        let partition = topic.partitions().get(&index);
        let partition = partition.ok_or_else(|| unknown(format!("No such partition as {name}-{index}")))?;
        self.elect(topic, index, partition, election, records)
    }

    fn elect(
        &self,
        topic: &Topic,
        index: i32,
        partition: &Partition,
        election: Election,
        records: &mut Vec<Record>,
    ) -> Result<(), ApiError> {
        let is_needed = match election {
            Election::Preferred => partition.leader != partition.preferred(),
            _ => partition.leader < 0,
        };
        if !is_needed {
            let message = "Leader election not needed for topic partition.";
            return Err(ApiError::fixed(ErrorCode::ELECTION_NOT_NEEDED, message));
        }
        let mut change = Change::new(self, topic.id(), index, partition);
        change.election = election;
        let wanted =
            |leader: i32| leader >= 0 && (election != Election::Preferred || leader == partition.preferred());
        match change.build().filter(|record| record.leader.is_some_and(wanted)) {
            Some(record) => records.push(record.into()),
            None if election == Election::Preferred => {
                let message = "The preferred leader was not available.";
                return Err(ApiError::fixed(ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE, message));
            }
            None => {
                let message = "Eligible topic partition leaders are not available.";
                return Err(ApiError::fixed(ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE, message));
            }
        }
        Ok(())
    }
}
