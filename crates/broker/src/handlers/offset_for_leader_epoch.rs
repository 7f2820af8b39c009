//! OffsetForLeaderEpoch (23), versions 2–4: where a leader epoch ended (KIP-101, KIP-279, KIP-320).

use base::LeaderEpoch;
use wire::ErrorCode;
use wire::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// Looks each epoch's end up.
pub(crate) async fn handle(
    ctx: &RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let allowed = ctx.authorize(Operation::Describe, ResourceType::Topic, &topic.topic);
        let partitions = topic.partitions.iter().map(|asked| {
            let found = match allowed {
                true => find(ctx, &topic.topic, asked),
                false => Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
            };
            let (error_code, (leader_epoch, end_offset)) = match found {
                Ok(found) => (ErrorCode::NONE, found),
                Err(error) => (error, (-1, -1)),
            };
            EpochEndOffset { error_code, partition: asked.partition, leader_epoch, end_offset }
        });
        OffsetForLeaderTopicResult { partitions: partitions.collect(), topic: topic.topic }
    });
    OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() }
}

fn find(
    ctx: &RequestContext,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<(i32, i64), ErrorCode> {
    let topic = ctx.broker().topics.by_name(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let partition = topic.find(asked.partition)?;
    partition.check_epoch(LeaderEpoch(asked.current_leader_epoch))?;
    let found = partition.end_of_epoch(LeaderEpoch(asked.leader_epoch))?;
    Ok(found.map_or((-1, -1), |found| (found.epoch.0, found.end.0)))
}
