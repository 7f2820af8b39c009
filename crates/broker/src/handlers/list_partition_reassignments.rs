//! ListPartitionReassignments (46), version 0: the moves under way (KIP-455).

use metadata::controller::list_reassignments;
use wire::ErrorCode;
use wire::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// Tells the moves.
pub(crate) async fn handle(
    ctx: &RequestContext,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    if !ctx.authorize(Operation::Describe, ResourceType::Cluster, "kafka-cluster") {
        return ListPartitionReassignmentsResponse {
            error_code: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
            error_message: None,
            ..Default::default()
        };
    }
    list_reassignments(&ctx.broker().image(), &request)
}
