//! ListConfigResources: lists resources that can have configs (KIP-714).
//!
//! Versions: 1 lists all kinds (KIP-1142).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ListConfigResourcesRequest [ListConfigResources => ListConfigResourcesResponse, versions 0..=1, flexible 0..] {
        resource_types: Vec<i8> [1..],
    }

    /// The answer.
    response ListConfigResourcesResponse [ListConfigResources, versions 0..=1, flexible 0..] {
        throttle_time_ms: i32                 [0..],
        error_code:       ErrorCode           [0..],
        config_resources: Vec<ConfigResource> [0..],
    }

    /// One of [`ListConfigResourcesResponse::config_resources`].
    struct ConfigResource {
        resource_name: Str [0..],
        resource_type: i8  [1.., ignorable] = 16,
    }
}
