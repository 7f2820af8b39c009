//! AlterPartitionReassignments (45), versions 0–1: begins or cancels moves (KIP-455).

use wire::ErrorCode;
use wire::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// Has partitions moved.
pub(crate) async fn handle(
    ctx: &RequestContext,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let failed = |error_code: ErrorCode| AlterPartitionReassignmentsResponse {
        error_code,
        error_message: None,
        ..Default::default()
    };
    if !ctx.authorize(Operation::Alter, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    ctx.broker().submit(request).await.unwrap_or_else(failed)
}
