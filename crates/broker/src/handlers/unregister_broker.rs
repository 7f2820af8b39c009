//! UnregisterBroker (64), version 0: a broker that is gone for good is taken off the books.

use wire::ErrorCode;
use wire::messages::unregister_broker::{UnregisterBrokerRequest, UnregisterBrokerResponse};

use crate::request::{Operation, RequestContext, ResourceType};

/// Has a broker forgotten.
pub(crate) async fn handle(
    ctx: &RequestContext,
    request: UnregisterBrokerRequest,
) -> UnregisterBrokerResponse {
    let failed =
        |error_code| UnregisterBrokerResponse { error_code, error_message: None, ..Default::default() };
    if !ctx.authorize(Operation::Alter, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    ctx.broker().submit(request).await.unwrap_or_else(failed)
}
