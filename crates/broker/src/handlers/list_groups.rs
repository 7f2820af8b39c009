//! ListGroups (16), versions 0–5: the groups that this broker coordinates.

use coordinator::group::{Request, Response};
use wire::ErrorCode;
use wire::messages::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

use crate::request::{Operation, RequestContext, ResourceType};

/// Lists the groups of all shards; one that still loads fails the whole, lest it seem empty.
pub(crate) async fn handle(ctx: &RequestContext, request: ListGroupsRequest) -> ListGroupsResponse {
    let coordinators = &ctx.broker().coordinators;
    let mut groups = Vec::new();
    for shard in coordinators.indexes() {
        let (states, types) = (request.states_filter.clone(), request.types_filter.clone());
        match coordinators.ask_shard(shard, Request::List { states, types }).await {
            Ok(Response::List(listed)) => groups.extend(listed),
            Err(ErrorCode::NOT_COORDINATOR) => {}
            Ok(_) => return refused(ErrorCode::UNKNOWN_SERVER_ERROR),
            Err(error) => return refused(error),
        }
    }
    if !ctx.authorize(Operation::Describe, ResourceType::Cluster, "kafka-cluster") {
        let visible =
            |group: &ListedGroup| ctx.authorize(Operation::Describe, ResourceType::Group, &group.group_id);
        groups.retain(visible);
    }
    ListGroupsResponse { groups, ..Default::default() }
}

fn refused(error_code: ErrorCode) -> ListGroupsResponse {
    ListGroupsResponse { error_code, ..ListGroupsResponse::default() }
}
