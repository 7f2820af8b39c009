//! DeleteAcls: removes access rules that match filters.
//!
//! Versions: 0 is gone (4.0); 1 knows prefixed patterns (KIP-290); 2 is flexible; 3 knows users as
//! resources (KIP-373).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DeleteAclsRequest [DeleteAcls => DeleteAclsResponse, versions 1..=3, flexible 2..] {
        filters: Vec<DeleteAclsFilter> [0..],
    }

    /// One of [`DeleteAclsRequest::filters`].
    struct DeleteAclsFilter {
        resource_type_filter: i8          [0..],
        resource_name_filter: Option<Str> [0.., nullable 0..] = Some(Str::default()),
        pattern_type_filter:  i8          [1..] = 3,
        principal_filter:     Option<Str> [0.., nullable 0..] = Some(Str::default()),
        host_filter:          Option<Str> [0.., nullable 0..] = Some(Str::default()),
        operation:            i8          [0..],
        permission_type:      i8          [0..],
    }

    /// The answer.
    response DeleteAclsResponse [DeleteAcls, versions 1..=3, flexible 2..] {
        throttle_time_ms: i32                         [0..],
        filter_results:   Vec<DeleteAclsFilterResult> [0..],
    }

    /// One of [`DeleteAclsResponse::filter_results`].
    struct DeleteAclsFilterResult {
        error_code:    ErrorCode                  [0..],
        error_message: Option<Str>                [0.., nullable 0..] = Some(Str::default()),
        matching_acls: Vec<DeleteAclsMatchingAcl> [0..],
    }

    /// One of [`DeleteAclsFilterResult::matching_acls`].
    struct DeleteAclsMatchingAcl {
        error_code:      ErrorCode   [0..],
        error_message:   Option<Str> [0.., nullable 0..] = Some(Str::default()),
        resource_type:   i8          [0..],
        resource_name:   Str         [0..],
        pattern_type:    i8          [1..] = 3,
        principal:       Str         [0..],
        host:            Str         [0..],
        operation:       i8          [0..],
        permission_type: i8          [0..],
    }
}
