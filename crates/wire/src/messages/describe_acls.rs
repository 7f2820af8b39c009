//! DescribeAcls: lists access rules.
//!
//! Versions: 0 is gone (4.0); 1 knows prefixed patterns (KIP-290); 2 is flexible; 3 knows users as
//! resources (KIP-373).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeAclsRequest [DescribeAcls => DescribeAclsResponse, versions 1..=3, flexible 2..] {
        resource_type_filter: i8          [0..],
        resource_name_filter: Option<Str> [0.., nullable 0..] = Some(Str::default()),
        pattern_type_filter:  i8          [1..] = 3,
        principal_filter:     Option<Str> [0.., nullable 0..] = Some(Str::default()),
        host_filter:          Option<Str> [0.., nullable 0..] = Some(Str::default()),
        operation:            i8          [0..],
        permission_type:      i8          [0..],
    }

    /// The answer.
    response DescribeAclsResponse [DescribeAcls, versions 1..=3, flexible 2..] {
        throttle_time_ms: i32                       [0..],
        error_code:       ErrorCode                 [0..],
        error_message:    Option<Str>               [0.., nullable 0..] = Some(Str::default()),
        resources:        Vec<DescribeAclsResource> [0..],
    }

    /// One of [`DescribeAclsResponse::resources`].
    struct DescribeAclsResource {
        resource_type: i8                  [0..],
        resource_name: Str                 [0..],
        pattern_type:  i8                  [1..] = 3,
        acls:          Vec<AclDescription> [0..],
    }

    /// One of [`DescribeAclsResource::acls`].
    struct AclDescription {
        principal:       Str [0..],
        host:            Str [0..],
        operation:       i8  [0..],
        permission_type: i8  [0..],
    }
}
