//! DescribeQuorum (55), versions 0–2: who votes on the metadata (KIP-595, KIP-836).

use wire::ErrorCode;
use wire::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Node, PartitionDataResponse, ReplicaState,
    TopicDataResponse,
};

use env::Clock;

use crate::request::{Operation, RequestContext, ResourceType};

/// The one topic that has a quorum.
const METADATA: &str = "__cluster_metadata";

/// Tells the quorum.
pub(crate) async fn handle(ctx: &RequestContext, request: DescribeQuorumRequest) -> DescribeQuorumResponse {
    let failed =
        |error_code| DescribeQuorumResponse { error_code, error_message: None, ..Default::default() };
    if !ctx.authorize(Operation::Describe, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    let topics = request.topics.iter().map(|topic| TopicDataResponse {
        topic_name: topic.topic_name.clone(),
        partitions: topic
            .partitions
            .iter()
            .map(|asked| match (&*topic.topic_name, asked.partition_index) {
                (METADATA, 0) => quorum(ctx),
                (_, partition_index) => unknown(partition_index),
            })
            .collect(),
    });
    let voters = ctx.broker().quorum().map(|quorum| quorum.voters).unwrap_or_default();
    // Version 2 tells where the voters listen (KIP-853).
    let told = voters.iter().filter(|_| ctx.version >= 2);
    let nodes = told.map(|voter| Node { node_id: voter.id, ..Default::default() });
    DescribeQuorumResponse { topics: topics.collect(), nodes: nodes.collect(), ..Default::default() }
}

fn quorum(ctx: &RequestContext) -> PartitionDataResponse {
    let Ok(quorum) = ctx.broker().quorum() else { return unknown(0) };
    let now_ms = ctx.broker().clock.wall_ms();
    let high_watermark = i64::try_from(quorum.high_watermark).unwrap_or(i64::MAX);
    let voters = quorum.voters.iter().map(|voter| ReplicaState {
        replica_id: voter.id,
        replica_directory_id: if ctx.version >= 2 { voter.directory } else { base::Uuid::ZERO },
        log_end_offset: high_watermark,
        last_fetch_timestamp: now_ms,
        last_caught_up_timestamp: now_ms,
    });
    PartitionDataResponse {
        leader_id: quorum.leader.unwrap_or(-1),
        leader_epoch: quorum.epoch,
        high_watermark,
        current_voters: voters.collect(),
        ..Default::default()
    }
}

fn unknown(partition_index: i32) -> PartitionDataResponse {
    PartitionDataResponse {
        partition_index,
        error_code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        error_message: None,
        ..Default::default()
    }
}
