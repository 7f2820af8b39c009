//! UpdateFeatures (57), versions 0–2: finalizes levels (KIP-584). Before version 2 each feature gets its own result.

use base::Str;
use wire::ErrorCode;
use wire::messages::update_features::{
    UpdatableFeatureResult, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// Kafka's numbers of the kinds of update, for version 0, which only knows whether a downgrade is allowed.
const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;

/// Has levels finalized.
pub(crate) async fn handle(
    ctx: &RequestContext,
    mut request: UpdateFeaturesRequest,
) -> UpdateFeaturesResponse {
    let failed =
        |error_code| UpdateFeaturesResponse { error_code, error_message: None, ..Default::default() };
    if !ctx.authorize(Operation::Alter, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    if ctx.version == 0 {
        for update in &mut request.feature_updates {
            update.upgrade_type = if update.allow_downgrade { SAFE_DOWNGRADE } else { UPGRADE };
        }
    }
    let names: Vec<Str> = request.feature_updates.iter().map(|update| update.feature.clone()).collect();
    let mut response = ctx.broker().submit(request).await.unwrap_or_else(failed);
    if ctx.version < 2 && response.error_code == ErrorCode::NONE {
        let fine = |feature| UpdatableFeatureResult { feature, error_message: None, ..Default::default() };
        response.results = names.into_iter().map(fine).collect();
    }
    response
}
