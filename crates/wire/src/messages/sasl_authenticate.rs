//! SaslAuthenticate: carries one step of a SASL exchange (KIP-152).
//!
//! Versions: 1 tells the session's lifetime (KIP-368); 2 is flexible.

use base::Str;
use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request SaslAuthenticateRequest [SaslAuthenticate => SaslAuthenticateResponse, versions 0..=2, flexible 2..] {
        auth_bytes: Bytes [0..],
    }

    /// The answer.
    response SaslAuthenticateResponse [SaslAuthenticate, versions 0..=2, flexible 2..] {
        error_code:          ErrorCode   [0..],
        error_message:       Option<Str> [0.., nullable 0..] = Some(Str::default()),
        auth_bytes:          Bytes       [0..],
        session_lifetime_ms: i64         [1.., ignorable],
    }
}
