//! DescribeProducers (61), version 0: who writes to a partition (KIP-664).

use std::collections::HashSet;

use wire::ErrorCode;
use wire::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState, TopicResponse,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// Lists each partition's producers.
pub(crate) async fn handle(
    ctx: &RequestContext,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let mut seen = HashSet::new();
    let topics = request.topics.into_iter().map(|mut topic| {
        topic.partition_indexes.retain(|index| seen.insert((topic.name.clone(), *index)));
        let allowed = ctx.authorize(Operation::Read, ResourceType::Topic, &topic.name);
        let partitions = topic.partition_indexes.iter().map(|index| {
            let found = match allowed {
                true => producers(ctx, &topic.name, *index),
                false => Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
            };
            match found {
                Ok(active_producers) => {
                    PartitionResponse { partition_index: *index, active_producers, ..Default::default() }
                }
                Err(error_code) => PartitionResponse {
                    partition_index: *index,
                    error_code,
                    error_message: Some(error_code.message().into()),
                    ..Default::default()
                },
            }
        });
        TopicResponse { partitions: partitions.collect(), name: topic.name }
    });
    DescribeProducersResponse { topics: topics.collect(), ..Default::default() }
}

fn producers(ctx: &RequestContext, topic: &str, index: i32) -> Result<Vec<ProducerState>, ErrorCode> {
    let topic = ctx.broker().topics.by_name(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let partition = topic.find(index)?;
    Ok(partition.with_log(|log| {
        let states = log.producers().map(|one| ProducerState {
            producer_id: one.id.0,
            producer_epoch: i32::from(one.epoch),
            last_sequence: one.last_sequence,
            last_timestamp: one.last_timestamp,
            coordinator_epoch: one.coordinator_epoch,
            current_txn_start_offset: one.open_transaction.map_or(-1, |offset| offset.0),
        });
        states.collect()
    }))
}
