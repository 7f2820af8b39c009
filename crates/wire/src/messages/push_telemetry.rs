//! PushTelemetry: pushes a client's metrics (KIP-714).

use base::Uuid;
use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request PushTelemetryRequest [PushTelemetry => PushTelemetryResponse, versions 0..=0, flexible 0..] {
        client_instance_id: Uuid  [0..],
        subscription_id:    i32   [0..],
        terminating:        bool  [0..],
        compression_type:   i8    [0..],
        metrics:            Bytes [0..],
    }

    /// The answer.
    response PushTelemetryResponse [PushTelemetry, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32       [0..],
        error_code:       ErrorCode [0..],
    }
}
