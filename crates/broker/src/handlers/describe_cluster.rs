//! DescribeCluster (60), versions 0–2: who belongs to the cluster (KIP-700).
//!
//! Version 1 names the kind of endpoint wanted (KIP-919): on a broker's listener only brokers can be had. Version 2 can include
//! fenced brokers (KIP-1073).

use wire::ErrorCode;
use wire::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use crate::request::{RequestContext, ResourceType};

/// Kafka's numbers of the kinds of endpoints.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Tells the brokers as the client's listener names them.
pub(crate) async fn handle(ctx: &RequestContext, request: DescribeClusterRequest) -> DescribeClusterResponse {
    let is_controllers = ctx.connection.listener.config.is_controllers;
    if let Some(error) = wrong_endpoint(request.endpoint_type, is_controllers) {
        return error;
    }
    if is_controllers {
        return controllers(ctx);
    }
    let (broker, image) = (ctx.broker(), ctx.broker().image());
    let endpoints = broker.endpoints_for(&ctx.connection);
    // A node that is fenced tells clients of itself all the same.
    let told: Vec<i32> = endpoints.iter().map(|node| node.id).collect();
    let live = endpoints.into_iter().map(|node| DescribeClusterBroker {
        broker_id: node.id,
        host: node.host,
        port: node.port,
        rack: node.rack,
        is_fenced: false,
    });
    let listener = ctx.connection.listener.config.name.as_str();
    let fenced = image.brokers().values().filter(|one| one.fenced && request.include_fenced_brokers);
    let fenced = fenced.filter(|one| !told.contains(&one.id));
    let fenced = fenced.filter_map(|one| {
        let endpoint = one.endpoint(listener)?;
        let (host, port) = (endpoint.host.clone(), i32::from(endpoint.port));
        Some(DescribeClusterBroker { broker_id: one.id, host, port, rack: one.rack.clone(), is_fenced: true })
    });
    let operations = request.include_cluster_authorized_operations;
    DescribeClusterResponse {
        endpoint_type: request.endpoint_type,
        cluster_id: broker.cluster_id().unwrap_or_default(),
        controller_id: broker.controller_id(),
        brokers: live.chain(fenced).collect(),
        cluster_authorized_operations: if operations {
            ctx.operations(ResourceType::Cluster, "kafka-cluster")
        } else {
            i32::MIN
        },
        ..Default::default()
    }
}

/// The voters, as who comes in by their listener is told (KIP-919).
fn controllers(ctx: &RequestContext) -> DescribeClusterResponse {
    let broker = ctx.broker();
    let quorum = broker.quorum().ok();
    let told = quorum.iter().flat_map(|quorum| &quorum.voters).filter_map(|voter| {
        let (host, port) = voter.address.as_ref()?;
        let (host, port) = (host.as_str().into(), i32::from(*port));
        Some(DescribeClusterBroker { broker_id: voter.id, host, port, ..Default::default() })
    });
    DescribeClusterResponse {
        endpoint_type: CONTROLLERS,
        cluster_id: broker.cluster_id().unwrap_or_default(),
        controller_id: quorum.as_ref().and_then(|quorum| quorum.leader).unwrap_or(-1),
        brokers: told.collect(),
        cluster_authorized_operations: i32::MIN,
        ..Default::default()
    }
}

fn wrong_endpoint(endpoint_type: i8, is_controllers: bool) -> Option<DescribeClusterResponse> {
    let (error_code, message) = match endpoint_type {
        BROKERS if !is_controllers => return None,
        CONTROLLERS if is_controllers => return None,
        BROKERS => (
            ErrorCode::MISMATCHED_ENDPOINT_TYPE,
            "The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of type BROKER"
                .to_owned(),
        ),
        CONTROLLERS => (
            ErrorCode::MISMATCHED_ENDPOINT_TYPE,
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
                .to_owned(),
        ),
        other => (ErrorCode::UNSUPPORTED_ENDPOINT_TYPE, format!("Unsupported endpoint type {other}")),
    };
    Some(DescribeClusterResponse { error_code, error_message: Some(message.into()), ..Default::default() })
}
