//! SyncGroup (14), versions 0–5: the leader brings the assignment, each member takes its own.

use coordinator::group::{Request, Response};
use wire::ErrorCode;
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

use crate::coordinators;
use crate::request::{Operation, RequestContext, ResourceType};

/// Asks for the assignment, and waits for the leader.
pub(crate) async fn handle(ctx: &RequestContext, request: SyncGroupRequest) -> SyncGroupResponse {
    if !ctx.authorize(Operation::Read, ResourceType::Group, &request.group_id) {
        return refused(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    }
    let group = request.group_id.clone();
    let asked = Request::Sync(coordinators::call(ctx), request);
    match ctx.broker().coordinators.ask(&group, asked).await {
        Ok(Response::Sync(response)) => response,
        // The member joins again where the group is then; Kafka says so while the group loads.
        Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => refused(ErrorCode::REBALANCE_IN_PROGRESS),
        Ok(_) => refused(ErrorCode::UNKNOWN_SERVER_ERROR),
        Err(error) => refused(error),
    }
}

fn refused(error_code: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse { error_code, ..SyncGroupResponse::default() }
}
