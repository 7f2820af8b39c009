//! DeleteGroups (42), versions 0–2: empty groups go, with all their offsets (KIP-229).

use base::Str;
use coordinator::group::{Request, Response};
use wire::ErrorCode;
use wire::messages::delete_groups::{DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse};

use crate::request::{Operation, RequestContext, ResourceType};

/// Deletes each group, shard by shard.
pub(crate) async fn handle(ctx: &RequestContext, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let mut groups = request.groups_names;
    groups.sort();
    groups.dedup();
    let allowed = |group: &Str| ctx.authorize(Operation::Delete, ResourceType::Group, group);
    let (allowed, refused): (Vec<_>, Vec<_>) = groups.into_iter().partition(allowed);
    let refused = refused.into_iter().map(|group| failed(group, ErrorCode::GROUP_AUTHORIZATION_FAILED));
    let mut results: Vec<DeletableGroupResult> = refused.collect();
    for (shard, of_shard) in ctx.broker().coordinators.by_shard(allowed) {
        results.extend(delete(ctx, shard, of_shard).await);
    }
    DeleteGroupsResponse { results, ..Default::default() }
}

async fn delete(ctx: &RequestContext, shard: i32, groups: Vec<Str>) -> Vec<DeletableGroupResult> {
    let error = match ctx.broker().coordinators.ask_shard(shard, Request::Delete(groups.clone())).await {
        Ok(Response::Delete(results)) => return results,
        Ok(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
        Err(error) => error,
    };
    groups.into_iter().map(|group| failed(group, error)).collect()
}

fn failed(group_id: Str, error_code: ErrorCode) -> DeletableGroupResult {
    DeletableGroupResult { group_id, error_code }
}
