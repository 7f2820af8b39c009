//! AlterClientQuotas: changes client quotas (KIP-546).
//!
//! Versions: 1 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AlterClientQuotasRequest [AlterClientQuotas => AlterClientQuotasResponse, versions 0..=1, flexible 1..] {
        entries:       Vec<EntryData> [0..],
        validate_only: bool           [0..],
    }

    /// One of [`AlterClientQuotasRequest::entries`].
    struct EntryData {
        entity: Vec<EntityData> [0..],
        ops:    Vec<OpData>     [0..],
    }

    /// One of [`EntryData::entity`].
    struct EntityData {
        entity_type: Str         [0..],
        entity_name: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }

    /// One of [`EntryData::ops`].
    struct OpData {
        key:    Str  [0..],
        value:  f64  [0..],
        remove: bool [0..],
    }

    /// The answer.
    response AlterClientQuotasResponse [AlterClientQuotas, versions 0..=1, flexible 1..] {
        throttle_time_ms: i32                    [0..],
        entries:          Vec<EntryDataResponse> [0..],
    }

    /// One of [`AlterClientQuotasResponse::entries`].
    struct EntryDataResponse {
        error_code:    ErrorCode               [0..],
        error_message: Option<Str>             [0.., nullable 0..] = Some(Str::default()),
        entity:        Vec<EntityDataResponse> [0..],
    }

    /// One of [`EntryDataResponse::entity`].
    struct EntityDataResponse {
        entity_type: Str         [0..],
        entity_name: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }
}
