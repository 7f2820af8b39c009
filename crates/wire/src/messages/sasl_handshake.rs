//! SaslHandshake: chooses a SASL mechanism.
//!
//! Versions: 1 wraps the exchange in SaslAuthenticate (KIP-152).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request SaslHandshakeRequest [SaslHandshake => SaslHandshakeResponse, versions 0..=1, flexible none] {
        mechanism: Str [0..],
    }

    /// The answer.
    response SaslHandshakeResponse [SaslHandshake, versions 0..=1, flexible none] {
        error_code: ErrorCode [0..],
        mechanisms: Vec<Str>  [0..],
    }
}
