//! LeaveGroup (13), versions 0–5: members go.

use coordinator::group::{Request, Response};
use wire::ErrorCode;
use wire::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};

use crate::coordinators;
use crate::request::{Operation, RequestContext, ResourceType};

/// Takes the members out.
pub(crate) async fn handle(ctx: &RequestContext, request: LeaveGroupRequest) -> LeaveGroupResponse {
    if !ctx.authorize(Operation::Read, ResourceType::Group, &request.group_id) {
        return refused(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    }
    let group = request.group_id.clone();
    let asked = Request::Leave(coordinators::call(ctx), request);
    match ctx.broker().coordinators.ask(&group, asked).await {
        Ok(Response::Leave(response)) => response,
        Ok(_) => refused(ErrorCode::UNKNOWN_SERVER_ERROR),
        Err(error) => refused(error),
    }
}

fn refused(error_code: ErrorCode) -> LeaveGroupResponse {
    LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() }
}
