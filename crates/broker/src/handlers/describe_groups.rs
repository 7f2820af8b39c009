//! DescribeGroups (15), versions 0–6: state and members of classic groups.

use base::Str;
use coordinator::group::{Request, Response};
use wire::ErrorCode;
use wire::messages::describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup};

use crate::coordinators;
use crate::request::{Operation, RequestContext, ResourceType};

/// Describes each group, shard by shard.
pub(crate) async fn handle(
    ctx: &RequestContext,
    mut request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    super::answered::once(&mut request.groups, Str::clone);
    let allowed = |group: &Str| ctx.authorize(Operation::Describe, ResourceType::Group, group);
    let (allowed, refused): (Vec<_>, Vec<_>) = request.groups.into_iter().partition(allowed);
    let refused = refused.iter().map(|group| failed(group, ErrorCode::GROUP_AUTHORIZATION_FAILED));
    let mut groups: Vec<DescribedGroup> = refused.collect();
    for (shard, of_shard) in ctx.broker().coordinators.by_shard(allowed) {
        groups.extend(describe(ctx, shard, of_shard).await);
    }
    if ctx.version >= 3 && request.include_authorized_operations {
        let described = groups.iter_mut().filter(|group| !group.error_code.is_error());
        described.for_each(|group| {
            group.authorized_operations = ctx.operations(ResourceType::Group, &group.group_id)
        });
    }
    DescribeGroupsResponse { groups, ..Default::default() }
}

async fn describe(ctx: &RequestContext, shard: i32, groups: Vec<Str>) -> Vec<DescribedGroup> {
    let asked = Request::Describe(coordinators::call(ctx), groups.clone());
    let error = match ctx.broker().coordinators.ask_shard(shard, asked).await {
        Ok(Response::Describe(described)) => return described,
        Ok(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
        Err(error) => error,
    };
    groups.iter().map(|group| failed(group, error)).collect()
}

fn failed(group: &Str, error_code: ErrorCode) -> DescribedGroup {
    DescribedGroup { group_id: group.clone(), error_code, ..Default::default() }
}
