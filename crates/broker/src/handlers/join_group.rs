//! JoinGroup (11), versions 0–9: a member takes part in its group's next generation; the answer waits for it.

use base::Str;
use coordinator::group::classic::refused_join;
use coordinator::group::{Request, Response};
use wire::ErrorCode;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupResponse};

use crate::coordinators;
use crate::request::{Operation, RequestContext, ResourceType};

/// Joins, and waits for the others.
pub(crate) async fn handle(ctx: &RequestContext, request: JoinGroupRequest) -> JoinGroupResponse {
    let member_id = request.member_id.clone();
    if !ctx.authorize(Operation::Read, ResourceType::Group, &request.group_id) {
        return refused_join(&Str::default(), ErrorCode::GROUP_AUTHORIZATION_FAILED, ctx.version);
    }
    let group = request.group_id.clone();
    let asked = Request::Join(coordinators::call(ctx), request);
    match ctx.broker().coordinators.ask(&group, asked).await {
        Ok(Response::Join(response)) => response,
        Ok(_) => refused_join(&member_id, ErrorCode::UNKNOWN_SERVER_ERROR, ctx.version),
        Err(error) => refused_join(&member_id, error, ctx.version),
    }
}
