//! ApiVersions: tells which APIs and versions the other side speaks; the first request of a connection.
//!
//! Versions: 3 is flexible, names the client's software (KIP-511) and tells features (KIP-584); 4 lets
//! features begin at 0 (KIP-1022).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ApiVersionsRequest [ApiVersions => ApiVersionsResponse, versions 0..=4, flexible 3..] {
        client_software_name:    Str [3.., ignorable],
        client_software_version: Str [3.., ignorable],
    }

    /// The answer.
    response ApiVersionsResponse [ApiVersions, versions 0..=4, flexible 3..] {
        error_code:       ErrorCode       [0..],
        api_keys:         Vec<ApiVersion> [0..],
        throttle_time_ms: i32             [1.., ignorable],
    } tagged {
        0 supported_features:       Vec<SupportedFeatureKey> [3.., ignorable],
        1 finalized_features_epoch: i64                      [3.., ignorable] = -1,
        2 finalized_features:       Vec<FinalizedFeatureKey> [3.., ignorable],
        3 zk_migration_ready:       bool                     [3.., ignorable],
    }

    /// One of [`ApiVersionsResponse::api_keys`].
    struct ApiVersion {
        api_key:     i16 [0..],
        min_version: i16 [0..],
        max_version: i16 [0..],
    }

    /// One of [`ApiVersionsResponse::supported_features`].
    struct SupportedFeatureKey {
        name:        Str [3..],
        min_version: i16 [3..],
        max_version: i16 [3..],
    }

    /// One of [`ApiVersionsResponse::finalized_features`].
    struct FinalizedFeatureKey {
        name:              Str [3..],
        max_version_level: i16 [3..],
        min_version_level: i16 [3..],
    }
}
