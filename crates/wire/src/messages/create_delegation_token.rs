//! CreateDelegationToken: issues a delegation token (KIP-48).
//!
//! Versions: 0 is gone (4.0); 2 is flexible; 3 for another owner (KIP-373).

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request CreateDelegationTokenRequest [CreateDelegationToken => CreateDelegationTokenResponse, versions 1..=3, flexible 2..] {
        owner_principal_type: Option<Str>            [3.., nullable 3..] = Some(Str::default()),
        owner_principal_name: Option<Str>            [3.., nullable 3..] = Some(Str::default()),
        renewers:             Vec<CreatableRenewers> [0..],
        max_lifetime_ms:      i64                    [0..],
    }

    /// One of [`CreateDelegationTokenRequest::renewers`].
    struct CreatableRenewers {
        principal_type: Str [0..],
        principal_name: Str [0..],
    }

    /// The answer.
    response CreateDelegationTokenResponse [CreateDelegationToken, versions 1..=3, flexible 2..] {
        error_code:                     ErrorCode [0..],
        principal_type:                 Str       [0..],
        principal_name:                 Str       [0..],
        token_requester_principal_type: Str       [3..],
        token_requester_principal_name: Str       [3..],
        issue_timestamp_ms:             i64       [0..],
        expiry_timestamp_ms:            i64       [0..],
        max_timestamp_ms:               i64       [0..],
        token_id:                       Str       [0..],
        hmac:                           Bytes     [0..],
        throttle_time_ms:               i32       [0..],
    }
}
