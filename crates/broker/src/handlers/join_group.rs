//! JoinGroup (11), versions 0–9: a member takes part in its group's next generation; the answer waits for it.

use coordinator::group::{Request, Response};
use wire::ErrorCode;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupResponse};

use crate::coordinators;
use crate::request::{Operation, RequestContext, ResourceType};

/// Joins, and waits for the others.
pub(crate) async fn handle(ctx: &RequestContext, request: JoinGroupRequest) -> JoinGroupResponse {
    let member_id = request.member_id.clone();
    if !ctx.authorize(Operation::Read, ResourceType::Group, &request.group_id) {
        return JoinGroupResponse {
            error_code: ErrorCode::GROUP_AUTHORIZATION_FAILED,
            ..JoinGroupResponse::default()
        };
    }
    let group = request.group_id.clone();
    let asked = Request::Join(coordinators::call(ctx), request);
    match ctx.broker().coordinators.ask(&group, asked).await {
        Ok(Response::Join(response)) => response,
        Ok(_) => refused(member_id, ErrorCode::UNKNOWN_SERVER_ERROR),
        Err(error) => refused(member_id, error),
    }
}

fn refused(member_id: base::Str, error_code: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse { member_id, error_code, ..JoinGroupResponse::default() }
}
