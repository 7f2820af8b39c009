//! ElectLeaders (43), versions 0–2: preferred or, from version 1 on, unclean (KIP-460).

use wire::ErrorCode;
use wire::messages::elect_leaders::{ElectLeadersRequest, ElectLeadersResponse};

use crate::request::{Operation, RequestContext, ResourceType};

/// Has leaders elected.
pub(crate) async fn handle(ctx: &RequestContext, request: ElectLeadersRequest) -> ElectLeadersResponse {
    let failed = |error_code| ElectLeadersResponse { error_code, ..Default::default() };
    if !ctx.authorize(Operation::Alter, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    ctx.broker().submit(request).await.unwrap_or_else(failed)
}
