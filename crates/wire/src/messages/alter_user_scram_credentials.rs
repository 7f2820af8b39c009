//! AlterUserScramCredentials: sets and deletes SCRAM credentials (KIP-554).

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request AlterUserScramCredentialsRequest [AlterUserScramCredentials => AlterUserScramCredentialsResponse, versions 0..=0, flexible 0..] {
        deletions:  Vec<ScramCredentialDeletion>  [0..],
        upsertions: Vec<ScramCredentialUpsertion> [0..],
    }

    /// One of [`AlterUserScramCredentialsRequest::deletions`].
    struct ScramCredentialDeletion {
        name:      Str [0..],
        mechanism: i8  [0..],
    }

    /// One of [`AlterUserScramCredentialsRequest::upsertions`].
    struct ScramCredentialUpsertion {
        name:            Str   [0..],
        mechanism:       i8    [0..],
        iterations:      i32   [0..],
        salt:            Bytes [0..],
        salted_password: Bytes [0..],
    }

    /// The answer.
    response AlterUserScramCredentialsResponse [AlterUserScramCredentials, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                                  [0..],
        results:          Vec<AlterUserScramCredentialsResult> [0..],
    }

    /// One of [`AlterUserScramCredentialsResponse::results`].
    struct AlterUserScramCredentialsResult {
        user:          Str         [0..],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }
}
