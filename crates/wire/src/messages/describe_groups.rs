//! DescribeGroups: describes classic groups and their members.
//!
//! Versions: 3 tells operations allowed (KIP-430); 4 static members (KIP-345); 5 is flexible; 6 answers
//! GROUP_ID_NOT_FOUND with a message (KIP-1043).

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeGroupsRequest [DescribeGroups => DescribeGroupsResponse, versions 0..=6, flexible 5..] {
        groups:                        Vec<Str> [0..],
        include_authorized_operations: bool     [3..],
    }

    /// The answer.
    response DescribeGroupsResponse [DescribeGroups, versions 0..=6, flexible 5..] {
        throttle_time_ms: i32                 [1.., ignorable],
        groups:           Vec<DescribedGroup> [0..],
    }

    /// One of [`DescribeGroupsResponse::groups`].
    struct DescribedGroup {
        error_code:            ErrorCode                 [0..],
        error_message:         Option<Str>               [6.., nullable 6..] = None,
        group_id:              Str                       [0..],
        group_state:           Str                       [0..],
        protocol_type:         Str                       [0..],
        protocol_data:         Str                       [0..],
        members:               Vec<DescribedGroupMember> [0..],
        authorized_operations: i32                       [3..] = i32::MIN,
    }

    /// One of [`DescribedGroup::members`].
    struct DescribedGroupMember {
        member_id:         Str         [0..],
        group_instance_id: Option<Str> [4.., nullable 4.., ignorable] = None,
        client_id:         Str         [0..],
        client_host:       Str         [0..],
        member_metadata:   Bytes       [0..],
        member_assignment: Bytes       [0..],
    }
}
