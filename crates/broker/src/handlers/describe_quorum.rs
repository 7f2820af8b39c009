//! DescribeQuorum (55), versions 0–2: who votes on the metadata (KIP-595, KIP-836). The leader answers, for it knows of the others.
//!
//! Version 2 tells directories and where the voters listen (KIP-853).

use base::Uuid;
use wire::ErrorCode;
use wire::messages::describe_quorum::{DescribeQuorumRequest, DescribeQuorumResponse};

use crate::request::{Operation, RequestContext, ResourceType};

/// Tells the quorum.
pub(crate) async fn handle(ctx: &RequestContext, request: DescribeQuorumRequest) -> DescribeQuorumResponse {
    let failed =
        |error_code| DescribeQuorumResponse { error_code, error_message: None, ..Default::default() };
    if !ctx.authorize(Operation::Describe, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    let mut response = ctx.broker().ask_leader(&request).await.unwrap_or_else(failed);
    if ctx.version < 2 {
        response.nodes.clear();
        let partitions = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        let replicas = partitions.flat_map(|one| one.current_voters.iter_mut().chain(&mut one.observers));
        replicas.for_each(|replica| replica.replica_directory_id = Uuid::ZERO);
    } else {
        // Kafka tells an empty message where there is no error.
        response.error_message.get_or_insert_default();
        let partitions = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        for partition in partitions {
            partition.error_message.get_or_insert_default();
        }
    }
    response
}
