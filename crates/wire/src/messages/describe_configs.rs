//! DescribeConfigs: tells configs with their sources.
//!
//! Versions: 0 is gone (4.0); 1 tells synonyms (KIP-226); 3 types and docs (KIP-569); 4 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeConfigsRequest [DescribeConfigs => DescribeConfigsResponse, versions 1..=4, flexible 4..] {
        resources:             Vec<DescribeConfigsResource> [0..],
        include_synonyms:      bool                         [1..],
        include_documentation: bool                         [3..],
    }

    /// One of [`DescribeConfigsRequest::resources`].
    struct DescribeConfigsResource {
        resource_type:      i8               [0..],
        resource_name:      Str              [0..],
        configuration_keys: Option<Vec<Str>> [0.., nullable 0..] = Some(Vec::new()),
    }

    /// The answer.
    response DescribeConfigsResponse [DescribeConfigs, versions 1..=4, flexible 4..] {
        throttle_time_ms: i32                        [0..],
        results:          Vec<DescribeConfigsResult> [0..],
    }

    /// One of [`DescribeConfigsResponse::results`].
    struct DescribeConfigsResult {
        error_code:    ErrorCode                          [0..],
        error_message: Option<Str>                        [0.., nullable 0..] = Some(Str::default()),
        resource_type: i8                                 [0..],
        resource_name: Str                                [0..],
        configs:       Vec<DescribeConfigsResourceResult> [0..],
    }

    /// One of [`DescribeConfigsResult::configs`].
    struct DescribeConfigsResourceResult {
        name:          Str                         [0..],
        value:         Option<Str>                 [0.., nullable 0..] = Some(Str::default()),
        read_only:     bool                        [0..],
        config_source: i8                          [1.., ignorable] = -1,
        is_sensitive:  bool                        [0..],
        synonyms:      Vec<DescribeConfigsSynonym> [1.., ignorable],
        config_type:   i8                          [3.., ignorable],
        documentation: Option<Str>                 [3.., nullable 3.., ignorable] = Some(Str::default()),
    }

    /// One of [`DescribeConfigsResourceResult::synonyms`].
    struct DescribeConfigsSynonym {
        name:   Str         [1..],
        value:  Option<Str> [1.., nullable 1..] = Some(Str::default()),
        source: i8          [1..],
    }
}
