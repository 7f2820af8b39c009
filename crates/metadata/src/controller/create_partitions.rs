//! CreatePartitions: a topic's count can only grow.

use alloc::format;
use alloc::vec::Vec;

use wire::ErrorCode;
use wire::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic, CreatePartitionsTopicResult,
};

use super::create_topics::repeated;
use super::{ApiError, Command, Controller, Draws, Moment, Outcome};
use crate::image::Topic;
use crate::record::Record;

impl Command for CreatePartitionsRequest {
    type Answer = CreatePartitionsResponse;

    fn decide(&self, controller: &Controller, at: Moment) -> Outcome<CreatePartitionsResponse> {
        let mut draws = Draws::new(at.seed);
        let (mut records, mut results) = (Vec::new(), Vec::new());
        let repeated = repeated(self.topics.iter().map(|topic| &topic.name));
        for name in &repeated {
            let twice = Err(ApiError::invalid_request("Duplicate topic name."));
            results.push(result_of(name.clone(), &twice));
        }
        // Of all topics together, as Kafka counts the records of one request.
        let mut asked = 0;
        for topic in self.topics.iter().filter(|topic| !repeated.contains(&topic.name)) {
            let added = controller.add_partitions(topic, &mut asked, &mut draws);
            results.push(result_of(topic.name.clone(), &added.as_ref().map(drop).map_err(Clone::clone)));
            records.extend(added.into_iter().flatten());
        }
        if self.validate_only {
            records.clear();
        }
        Outcome { records, answer: CreatePartitionsResponse { results, ..Default::default() } }
    }
}

fn result_of(name: base::Str, result: &Result<(), ApiError>) -> CreatePartitionsTopicResult {
    let (error_code, error_message) = ApiError::pair(result);
    CreatePartitionsTopicResult { name, error_code, error_message }
}

impl Controller {
    fn add_partitions(
        &self,
        asked: &CreatePartitionsTopic,
        before: &mut i64,
        draws: &mut Draws,
    ) -> Result<Vec<Record>, ApiError> {
        let unknown = ApiError::silent(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        let topic = self.image.topic_named(&asked.name).ok_or(unknown)?;
        let current = topic.partitions().len() as i32;
        let additional = check_count(asked, current)?;
        if let Some(error) = self.too_many([*before + additional as i64].into_iter()) {
            return Err(error);
        }
        *before += additional as i64;
        let replicas = self.added_replicas(asked, topic, additional, draws)?;
        let indexes = current..;
        let new =
            indexes.zip(&replicas).map(|(index, replicas)| self.new_partition(topic.id(), index, replicas));
        Ok(new.map(Record::from).collect())
    }

    fn added_replicas(
        &self,
        asked: &CreatePartitionsTopic,
        topic: &Topic,
        additional: usize,
        draws: &mut Draws,
    ) -> Result<Vec<Vec<i32>>, ApiError> {
        let factor = topic.partitions().get(&0).map_or(1, |partition| partition.replicas.len());
        let Some(assignments) = &asked.assignments else {
            return self.place(additional, i16::try_from(factor).unwrap_or(i16::MAX), draws);
        };
        if assignments.len() != additional {
            let message = format!(
                "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
                assignments.len()
            );
            return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        }
        let first = topic.partitions().len() as i32;
        for (index, assignment) in (first..).zip(assignments) {
            self.check_assignment(&assignment.broker_ids, Some(factor))?;
            self.check_someone_lives(index, &assignment.broker_ids)?;
        }
        Ok(assignments.iter().map(|assignment| assignment.broker_ids.clone()).collect())
    }
}

/// How many partitions are to be added.
fn check_count(asked: &CreatePartitionsTopic, current: i32) -> Result<usize, ApiError> {
    let (name, count) = (&asked.name, asked.count);
    if count > current {
        return Ok((count - current) as usize);
    }
    let message = if count == current {
        format!("Topic already has {current} partition(s).")
    } else {
        format!("The topic {name} currently has {current} partition(s); {count} would not be an increase.")
    };
    Err(ApiError::new(ErrorCode::INVALID_PARTITIONS, message))
}
