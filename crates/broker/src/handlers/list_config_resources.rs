//! ListConfigResources (74), versions 0–1: what has configs (KIP-1142). Version 0 knows subscriptions to clients' metrics alone.

use base::Str;
use metadata::{MetadataImage, ResourceType as Configured};
use wire::ErrorCode;
use wire::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// In the order that Kafka asks them itself.
const ALL: [Configured; 5] = [
    Configured::TOPIC,
    Configured::BROKER,
    Configured::BROKER_LOGGER,
    Configured::CLIENT_METRICS,
    Configured::GROUP,
];

/// Tells the names.
pub(crate) async fn handle(
    ctx: &RequestContext,
    mut request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let failed = |error_code| ListConfigResourcesResponse { error_code, ..Default::default() };
    if !ctx.authorize(Operation::DescribeConfigs, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    super::answered::once(&mut request.resource_types, |kind| *kind);
    let asked: Vec<_> = match (ctx.version, request.resource_types.is_empty()) {
        (0, _) => vec![Configured::CLIENT_METRICS],
        (_, true) => ALL.to_vec(),
        (_, false) => request.resource_types.into_iter().map(Configured).collect(),
    };
    if asked.iter().any(|kind| !ALL.contains(kind)) {
        return failed(ErrorCode::UNSUPPORTED_VERSION);
    }
    let image = ctx.broker().image();
    let resources = asked.into_iter().flat_map(|kind| {
        names(&image, kind)
            .into_iter()
            .map(move |resource_name| ConfigResource { resource_name, resource_type: kind.0 })
    });
    ListConfigResourcesResponse { config_resources: resources.collect(), ..Default::default() }
}

fn names(image: &MetadataImage, kind: Configured) -> Vec<Str> {
    match kind {
        Configured::TOPIC => image.topic_names().keys().cloned().collect(),
        Configured::BROKER | Configured::BROKER_LOGGER => {
            image.brokers().keys().map(|id| id.to_string().into()).collect()
        }
        _ => {
            let configured = image.configured().keys().filter(|resource| resource.kind == kind);
            configured.map(|resource| resource.name.clone()).collect()
        }
    }
}
