//! InitProducerId (22), versions 0–5: an identity for an idempotent producer (KIP-98).
//!
//! Identities come from blocks that the controller has committed (KIP-730), so none is ever given twice, whatever crashes.
//! Transactions are not there yet: a transactional id gets the error that FindCoordinator gives too, which no client repeats and
//! every producer takes for final: `initTransactions()` fails at once.

use wire::ErrorCode;
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use crate::request::{Operation, RequestContext, ResourceType};

/// Gives a new identity in epoch 0.
pub(crate) async fn handle(ctx: &RequestContext, request: InitProducerIdRequest) -> InitProducerIdResponse {
    match identity(ctx, &request).await {
        Ok(producer_id) => InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() },
        Err(error_code) => {
            InitProducerIdResponse { error_code, producer_id: -1, producer_epoch: -1, ..Default::default() }
        }
    }
}

async fn identity(ctx: &RequestContext, request: &InitProducerIdRequest) -> Result<i64, ErrorCode> {
    if request.transactional_id.is_some() {
        return Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    }
    if !ctx.authorize(Operation::IdempotentWrite, ResourceType::Cluster, "kafka-cluster") {
        return Err(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    // Both are given or neither; what a producer without transactions gives is not looked at.
    let is_none = (request.producer_id, request.producer_epoch) == (-1, -1);
    if !is_none && (request.producer_id < 0 || request.producer_epoch < 0) {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    ctx.broker().next_producer_id().await
}
