//! IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single configs (KIP-339).
//!
//! Versions: 1 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request IncrementalAlterConfigsRequest [IncrementalAlterConfigs => IncrementalAlterConfigsResponse, versions 0..=1, flexible 1..] {
        resources:     Vec<AlterConfigsResource> [0..],
        validate_only: bool                      [0..],
    }

    /// One of [`IncrementalAlterConfigsRequest::resources`].
    struct AlterConfigsResource {
        resource_type: i8                   [0..],
        resource_name: Str                  [0..],
        configs:       Vec<AlterableConfig> [0..],
    }

    /// One of [`AlterConfigsResource::configs`].
    struct AlterableConfig {
        name:             Str         [0..],
        config_operation: i8          [0..],
        value:            Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }

    /// The answer.
    response IncrementalAlterConfigsResponse [IncrementalAlterConfigs, versions 0..=1, flexible 1..] {
        throttle_time_ms: i32                               [0..],
        responses:        Vec<AlterConfigsResourceResponse> [0..],
    }

    /// One of [`IncrementalAlterConfigsResponse::responses`].
    struct AlterConfigsResourceResponse {
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = Some(Str::default()),
        resource_type: i8          [0..],
        resource_name: Str         [0..],
    }
}
