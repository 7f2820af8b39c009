//! ExpireDelegationToken: sets when a delegation token ends (KIP-48).
//!
//! Versions: 0 is gone (4.0); 2 is flexible.

use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ExpireDelegationTokenRequest [ExpireDelegationToken => ExpireDelegationTokenResponse, versions 1..=2, flexible 2..] {
        hmac:                  Bytes [0..],
        expiry_time_period_ms: i64   [0..],
    }

    /// The answer.
    response ExpireDelegationTokenResponse [ExpireDelegationToken, versions 1..=2, flexible 2..] {
        error_code:          ErrorCode [0..],
        expiry_timestamp_ms: i64       [0..],
        throttle_time_ms:    i32       [0..],
    }
}
