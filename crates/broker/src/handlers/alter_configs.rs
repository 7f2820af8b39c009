//! AlterConfigs (33), versions 0–2, and IncrementalAlterConfigs (44), versions 0–1 (KIP-339).
//!
//! Log levels belong to this process and are changed here; everything else is the controller's.

use metadata::ResourceType as Configured;
use metadata::config::RunningBroker;
use metadata::controller::ApiError;
use wire::ErrorCode;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource as Replacing, AlterConfigsResourceResponse as Replaced,
    AlterConfigsResponse,
};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use crate::Broker;
use crate::request::{Operation, RequestContext, ResourceType};

/// Kafka's numbers of what gives a config a value.
const SET: i8 = 0;
const APPEND: i8 = 2;

/// Replaces all that was set on each resource.
pub(crate) async fn replace(ctx: &RequestContext, mut request: AlterConfigsRequest) -> AlterConfigsResponse {
    let (mut done, mut asked) = (Vec::new(), Vec::new());
    for resource in request.resources {
        match may_replace(ctx, &resource) {
            Ok(()) => asked.push(resource),
            Err((code, message)) => done.push(replaced(&resource, code, message)),
        }
    }
    request.resources = asked.clone();
    let mut response = match ctx.broker().submit(request).await {
        Ok(response) => response,
        Err(code) => AlterConfigsResponse {
            responses: asked.iter().map(|one| replaced(one, code, None)).collect(),
            ..Default::default()
        },
    };
    response.responses.extend(done);
    response
}

fn may_replace(ctx: &RequestContext, resource: &Replacing) -> Result<(), (ErrorCode, Option<base::Str>)> {
    if !may_alter(ctx, resource.resource_type, &resource.resource_name) {
        return Err((forbidden(resource.resource_type), None));
    }
    if Configured(resource.resource_type) != Configured::BROKER {
        return Ok(());
    }
    let given = resource.configs.iter().filter_map(|config| Some((&*config.name, config.value.as_deref()?)));
    can_follow(ctx.broker(), &given.collect::<Vec<_>>()).map_err(|error| (error.code, error.message))
}

fn replaced(resource: &Replacing, error_code: ErrorCode, error_message: Option<base::Str>) -> Replaced {
    let (resource_type, resource_name) = (resource.resource_type, resource.resource_name.clone());
    Replaced { error_code, error_message, resource_type, resource_name }
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
        } else if let Err(error) = check_broker(ctx, &resource) {
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

/// The settings of one broker are asked of that broker, and those of all of any: only it can judge them.
fn check_broker(ctx: &RequestContext, resource: &AlterConfigsResource) -> Result<(), ApiError> {
    if Configured(resource.resource_type) != Configured::BROKER {
        return Ok(());
    }
    let own = ctx.broker().config.node_id;
    if resource.resource_name.parse::<i32>().is_ok_and(|id| id != own) {
        let message = format!("this broker has the id {own}; ask broker {} itself", resource.resource_name);
        return Err(ApiError::invalid_request(message));
    }
    let given = resource.configs.iter().filter(|config| matches!(config.config_operation, SET | APPEND));
    let changes = given.filter_map(|config| Some((&*config.name, config.value.as_deref()?)));
    can_follow(ctx.broker(), &changes.collect::<Vec<_>>())
}

/// Whether this broker can do as the changes of its configs say.
fn can_follow(broker: &Broker, changes: &[(&str, &str)]) -> Result<(), ApiError> {
    let image = broker.image();
    let has_log_dir = |name: &str| broker.logs.has_dir(name);
    let running = RunningBroker { configs: broker.broker_configs(&image), has_log_dir: &has_log_dir };
    running.check(changes).map_err(ApiError::invalid_request)
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
