//! CreateAcls: adds access rules.
//!
//! Versions: 0 is gone (4.0); 1 knows prefixed patterns (KIP-290); 2 is flexible; 3 knows users as
//! resources (KIP-373).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request CreateAclsRequest [CreateAcls => CreateAclsResponse, versions 1..=3, flexible 2..] {
        creations: Vec<AclCreation> [0..],
    }

    /// One of [`CreateAclsRequest::creations`].
    struct AclCreation {
        resource_type:         i8  [0..],
        resource_name:         Str [0..],
        resource_pattern_type: i8  [1..] = 3,
        principal:             Str [0..],
        host:                  Str [0..],
        operation:             i8  [0..],
        permission_type:       i8  [0..],
    }

    /// The answer.
    response CreateAclsResponse [CreateAcls, versions 1..=3, flexible 2..] {
        throttle_time_ms: i32                    [0..],
        results:          Vec<AclCreationResult> [0..],
    }

    /// One of [`CreateAclsResponse::results`].
    struct AclCreationResult {
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }
}
