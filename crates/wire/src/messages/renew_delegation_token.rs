//! RenewDelegationToken: prolongs a delegation token (KIP-48).
//!
//! Versions: 0 is gone (4.0); 2 is flexible.

use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request RenewDelegationTokenRequest [RenewDelegationToken => RenewDelegationTokenResponse, versions 1..=2, flexible 2..] {
        hmac:            Bytes [0..],
        renew_period_ms: i64   [0..],
    }

    /// The answer.
    response RenewDelegationTokenResponse [RenewDelegationToken, versions 1..=2, flexible 2..] {
        error_code:          ErrorCode [0..],
        expiry_timestamp_ms: i64       [0..],
        throttle_time_ms:    i32       [0..],
    }
}
