//! GetTelemetrySubscriptions: tells a client which metrics to push (KIP-714).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request GetTelemetrySubscriptionsRequest [GetTelemetrySubscriptions => GetTelemetrySubscriptionsResponse, versions 0..=0, flexible 0..] {
        client_instance_id: Uuid [0..],
    }

    /// The answer.
    response GetTelemetrySubscriptionsResponse [GetTelemetrySubscriptions, versions 0..=0, flexible 0..] {
        throttle_time_ms:           i32       [0..],
        error_code:                 ErrorCode [0..],
        client_instance_id:         Uuid      [0..],
        subscription_id:            i32       [0..],
        accepted_compression_types: Vec<i8>   [0..],
        push_interval_ms:           i32       [0..],
        telemetry_max_bytes:        i32       [0..],
        delta_temporality:          bool      [0..],
        requested_metrics:          Vec<Str>  [0..],
    }
}
