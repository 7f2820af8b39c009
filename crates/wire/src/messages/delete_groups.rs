//! DeleteGroups: deletes empty groups (KIP-229).
//!
//! Versions: 2 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DeleteGroupsRequest [DeleteGroups => DeleteGroupsResponse, versions 0..=2, flexible 2..] {
        groups_names: Vec<Str> [0..],
    }

    /// The answer.
    response DeleteGroupsResponse [DeleteGroups, versions 0..=2, flexible 2..] {
        throttle_time_ms: i32                       [0..],
        results:          Vec<DeletableGroupResult> [0..],
    }

    /// One of [`DeleteGroupsResponse::results`].
    struct DeletableGroupResult {
        group_id:   Str       [0..],
        error_code: ErrorCode [0..],
    }
}
