//! DescribeClientQuotas: lists client quotas (KIP-546).
//!
//! Versions: 1 is flexible.

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeClientQuotasRequest [DescribeClientQuotas => DescribeClientQuotasResponse, versions 0..=1, flexible 1..] {
        components: Vec<ComponentData> [0..],
        strict:     bool               [0..],
    }

    /// One of [`DescribeClientQuotasRequest::components`].
    struct ComponentData {
        entity_type: Str         [0..],
        match_type:  i8          [0..],
        r#match:     Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }

    /// The answer.
    response DescribeClientQuotasResponse [DescribeClientQuotas, versions 0..=1, flexible 1..] {
        throttle_time_ms: i32                    [0..],
        error_code:       ErrorCode              [0..],
        error_message:    Option<Str>            [0.., nullable 0..] = Some(Str::default()),
        entries:          Option<Vec<EntryData>> [0.., nullable 0..] = Some(Vec::new()),
    }

    /// One of [`DescribeClientQuotasResponse::entries`].
    struct EntryData {
        entity: Vec<EntityData> [0..],
        values: Vec<ValueData>  [0..],
    }

    /// One of [`EntryData::entity`].
    struct EntityData {
        entity_type: Str         [0..],
        entity_name: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }

    /// One of [`EntryData::values`].
    struct ValueData {
        key:   Str [0..],
        value: f64 [0..],
    }
}
