//! AlterConfigs: sets all configs of resources at once; IncrementalAlterConfigs replaces it.
//!
//! Versions: 2 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AlterConfigsRequest [AlterConfigs => AlterConfigsResponse, versions 0..=2, flexible 2..] {
        resources:     Vec<AlterConfigsResource> [0..],
        validate_only: bool                      [0..],
    }

    /// One of [`AlterConfigsRequest::resources`].
    struct AlterConfigsResource {
        resource_type: i8                   [0..],
        resource_name: Str                  [0..],
        configs:       Vec<AlterableConfig> [0..],
    }

    /// One of [`AlterConfigsResource::configs`].
    struct AlterableConfig {
        name:  Str         [0..],
        value: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }

    /// The answer.
    response AlterConfigsResponse [AlterConfigs, versions 0..=2, flexible 2..] {
        throttle_time_ms: i32                               [0..],
        responses:        Vec<AlterConfigsResourceResponse> [0..],
    }

    /// One of [`AlterConfigsResponse::responses`].
    struct AlterConfigsResourceResponse {
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = Some(Str::default()),
        resource_type: i8          [0..],
        resource_name: Str         [0..],
    }
}
