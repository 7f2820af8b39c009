//! AlterConfigs (33), versions 0–2, and IncrementalAlterConfigs (44), versions 0–1 (KIP-339).
//!
//! Log levels belong to this process and are changed here; everything else is the controller's.

use metadata::ResourceType as Configured;
use metadata::controller::ApiError;
use wire::ErrorCode;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResourceResponse as Replaced, AlterConfigsResponse,
};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// Replaces all that was set on each resource.
pub(crate) async fn replace(ctx: &RequestContext, mut request: AlterConfigsRequest) -> AlterConfigsResponse {
    let may = |kind: i8, name: &str| may_alter(ctx, kind, name);
    let (asked, refused): (Vec<_>, Vec<_>) =
        request.resources.into_iter().partition(|one| may(one.resource_type, &one.resource_name));
    let failed = |one: wire::messages::alter_configs::AlterConfigsResource, error_code| Replaced {
        error_code,
        error_message: None,
        resource_type: one.resource_type,
        resource_name: one.resource_name,
    };
    request.resources = asked.clone();
    let mut response = match ctx.broker().submit(request).await {
        Ok(response) => response,
        Err(code) => AlterConfigsResponse {
            responses: asked.into_iter().map(|one| failed(one, code)).collect(),
            ..Default::default()
        },
    };
    let forbidden = |one: wire::messages::alter_configs::AlterConfigsResource| {
        let code = forbidden(one.resource_type);
        failed(one, code)
    };
    response.responses.extend(refused.into_iter().map(forbidden));
    response
}

/// Changes single configs of each resource.
pub(crate) async fn change(
    ctx: &RequestContext,
    mut request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let (validate_only, mut done, mut asked) = (request.validate_only, Vec::new(), Vec::new());
    for resource in request.resources {
        if !may_alter(ctx, resource.resource_type, &resource.resource_name) {
            let code = forbidden(resource.resource_type);
            done.push(answer(&resource, Err((code, None))));
        } else if Configured(resource.resource_type) == Configured::BROKER_LOGGER {
            let altered = ctx.broker().alter_loggers(&resource, validate_only);
            let altered = altered.map_err(|error| (error.code, error.message));
            done.push(answer(&resource, altered));
        } else if let Err(error) = check_own_broker(ctx, &resource) {
            done.push(answer(&resource, Err((error.code, error.message))));
        } else {
            asked.push(resource);
        }
    }
    request.resources = asked.clone();
    let mut response = match ctx.broker().submit(request).await {
        Ok(response) => response,
        Err(code) => IncrementalAlterConfigsResponse {
            responses: asked.iter().map(|one| answer(one, Err((code, None)))).collect(),
            ..Default::default()
        },
    };
    response.responses.extend(done);
    response
}

/// The settings of one broker are asked of that broker: only it can judge them.
fn check_own_broker(ctx: &RequestContext, resource: &AlterConfigsResource) -> Result<(), ApiError> {
    let own = ctx.broker().config.node_id;
    match resource.resource_name.parse::<i32>() {
        Ok(id) if Configured(resource.resource_type) == Configured::BROKER && id != own => {
            let message = format!("this broker has the id {own}; ask broker {id} itself");
            Err(ApiError::invalid_request(message))
        }
        _ => Ok(()),
    }
}

fn may_alter(ctx: &RequestContext, kind: i8, name: &str) -> bool {
    match Configured(kind) {
        Configured::TOPIC => ctx.authorize(Operation::AlterConfigs, ResourceType::Topic, name),
        Configured::GROUP => ctx.authorize(Operation::AlterConfigs, ResourceType::Group, name),
        _ => ctx.authorize(Operation::AlterConfigs, ResourceType::Cluster, "kafka-cluster"),
    }
}

fn forbidden(kind: i8) -> ErrorCode {
    match Configured(kind) {
        Configured::TOPIC => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        Configured::GROUP => ErrorCode::GROUP_AUTHORIZATION_FAILED,
        _ => ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
    }
}

fn answer(
    resource: &AlterConfigsResource,
    altered: Result<(), (ErrorCode, Option<base::Str>)>,
) -> AlterConfigsResourceResponse {
    let (error_code, error_message) = altered.err().unwrap_or_default();
    let (resource_type, resource_name) = (resource.resource_type, resource.resource_name.clone());
    AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
}
