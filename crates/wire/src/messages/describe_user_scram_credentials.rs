//! DescribeUserScramCredentials: tells which SCRAM credentials users have (KIP-554).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DescribeUserScramCredentialsRequest [DescribeUserScramCredentials => DescribeUserScramCredentialsResponse, versions 0..=0, flexible 0..] {
        users: Option<Vec<UserName>> [0.., nullable 0..] = Some(Vec::new()),
    }

    /// One of [`DescribeUserScramCredentialsRequest::users`].
    struct UserName {
        name: Str [0..],
    }

    /// The answer.
    response DescribeUserScramCredentialsResponse [DescribeUserScramCredentials, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                                     [0..],
        error_code:       ErrorCode                               [0..],
        error_message:    Option<Str>                             [0.., nullable 0..] = Some(Str::default()),
        results:          Vec<DescribeUserScramCredentialsResult> [0..],
    }

    /// One of [`DescribeUserScramCredentialsResponse::results`].
    struct DescribeUserScramCredentialsResult {
        user:             Str                 [0..],
        error_code:       ErrorCode           [0..],
        error_message:    Option<Str>         [0.., nullable 0..] = Some(Str::default()),
        credential_infos: Vec<CredentialInfo> [0..],
    }

    /// One of [`DescribeUserScramCredentialsResult::credential_infos`].
    struct CredentialInfo {
        mechanism:  i8  [0..],
        iterations: i32 [0..],
    }
}
