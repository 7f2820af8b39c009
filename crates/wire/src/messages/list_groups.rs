//! ListGroups: lists the groups a broker coordinates.
//!
//! Versions: 3 is flexible; 4 filters by state (KIP-518); 5 by type (KIP-848).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ListGroupsRequest [ListGroups => ListGroupsResponse, versions 0..=5, flexible 3..] {
        states_filter: Vec<Str> [4..],
        types_filter:  Vec<Str> [5..],
    }

    /// The answer.
    response ListGroupsResponse [ListGroups, versions 0..=5, flexible 3..] {
        throttle_time_ms: i32              [1.., ignorable],
        error_code:       ErrorCode        [0..],
        groups:           Vec<ListedGroup> [0..],
    }

    /// One of [`ListGroupsResponse::groups`].
    struct ListedGroup {
        group_id:      Str [0..],
        protocol_type: Str [0..],
        group_state:   Str [4.., ignorable],
        group_type:    Str [5.., ignorable],
    }
}
