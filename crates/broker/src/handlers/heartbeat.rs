//! Heartbeat (12), versions 0–4: a member lives, and learns whether it has to join again.

use coordinator::group::{Request, Response};
use wire::ErrorCode;
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use crate::request::{Operation, RequestContext, ResourceType};

/// Extends the member's session.
pub(crate) async fn handle(ctx: &RequestContext, request: HeartbeatRequest) -> HeartbeatResponse {
    if !ctx.authorize(Operation::Read, ResourceType::Group, &request.group_id) {
        return refused(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    }
    let group = request.group_id.clone();
    match ctx.broker().coordinators.ask(&group, Request::Heartbeat(request)).await {
        Ok(Response::Heartbeat(response)) => response,
        // A group that still loads cannot tell its members apart: all of them live.
        Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => refused(ErrorCode::NONE),
        Ok(_) => refused(ErrorCode::UNKNOWN_SERVER_ERROR),
        Err(error) => refused(error),
    }
}

fn refused(error_code: ErrorCode) -> HeartbeatResponse {
    HeartbeatResponse { error_code, ..HeartbeatResponse::default() }
}
