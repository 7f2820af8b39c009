//! UpdateFeatures: changes finalized features (KIP-584).
//!
//! Versions: 1 names the kind of upgrade and can validate only (KIP-778); 2 fails as a whole (KIP-1022).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request UpdateFeaturesRequest [UpdateFeatures => UpdateFeaturesResponse, versions 0..=2, flexible 0..] {
        timeout_ms:      i32                   [0..] = 60000,
        feature_updates: Vec<FeatureUpdateKey> [0..],
        validate_only:   bool                  [1..],
    }

    /// One of [`UpdateFeaturesRequest::feature_updates`].
    struct FeatureUpdateKey {
        feature:           Str  [0..],
        max_version_level: i16  [0..],
        allow_downgrade:   bool [0..=0],
        upgrade_type:      i8   [1..] = 1,
    }

    /// The answer.
    response UpdateFeaturesResponse [UpdateFeatures, versions 0..=2, flexible 0..] {
        throttle_time_ms: i32                         [0..],
        error_code:       ErrorCode                   [0..],
        error_message:    Option<Str>                 [0.., nullable 0..] = Some(Str::default()),
        results:          Vec<UpdatableFeatureResult> [0..=1, ignorable],
    }

    /// One of [`UpdateFeaturesResponse::results`].
    struct UpdatableFeatureResult {
        feature:       Str         [0..],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }
}
