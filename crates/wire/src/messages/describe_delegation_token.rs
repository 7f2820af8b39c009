//! DescribeDelegationToken: lists delegation tokens (KIP-48).
//!
//! Versions: 0 is gone (4.0); 2 is flexible; 3 tells who asked for the token (KIP-373).

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeDelegationTokenRequest [DescribeDelegationToken => DescribeDelegationTokenResponse, versions 1..=3, flexible 2..] {
        owners: Option<Vec<DescribeDelegationTokenOwner>> [0.., nullable 0..] = Some(Vec::new()),
    }

    /// One of [`DescribeDelegationTokenRequest::owners`].
    struct DescribeDelegationTokenOwner {
        principal_type: Str [0..],
        principal_name: Str [0..],
    }

    /// The answer.
    response DescribeDelegationTokenResponse [DescribeDelegationToken, versions 1..=3, flexible 2..] {
        error_code:       ErrorCode                     [0..],
        tokens:           Vec<DescribedDelegationToken> [0..],
        throttle_time_ms: i32                           [0..],
    }

    /// One of [`DescribeDelegationTokenResponse::tokens`].
    struct DescribedDelegationToken {
        principal_type:                 Str                                  [0..],
        principal_name:                 Str                                  [0..],
        token_requester_principal_type: Str                                  [3..],
        token_requester_principal_name: Str                                  [3..],
        issue_timestamp:                i64                                  [0..],
        expiry_timestamp:               i64                                  [0..],
        max_timestamp:                  i64                                  [0..],
        token_id:                       Str                                  [0..],
        hmac:                           Bytes                                [0..],
        renewers:                       Vec<DescribedDelegationTokenRenewer> [0..],
    }

    /// One of [`DescribedDelegationToken::renewers`].
    struct DescribedDelegationTokenRenewer {
        principal_type: Str [0..],
        principal_name: Str [0..],
    }
}
