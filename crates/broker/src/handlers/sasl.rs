//! SaslHandshake (17), versions 0–1, and SaslAuthenticate (36), versions 0–2, on listeners without SASL.
//!
//! As in Kafka such a connection counts as authenticated already: ILLEGAL_SASL_STATE tells a client that is configured for SASL
//! at once that it came to the wrong listener. The connection goes on.

use wire::ErrorCode;
use wire::messages::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use wire::messages::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};

use crate::request::RequestContext;

/// Offers no mechanism.
pub(crate) async fn handshake(
    _ctx: &RequestContext,
    _request: SaslHandshakeRequest,
) -> SaslHandshakeResponse {
    SaslHandshakeResponse { error_code: ErrorCode::ILLEGAL_SASL_STATE, ..Default::default() }
}

/// Takes no credentials.
pub(crate) async fn authenticate(
    _ctx: &RequestContext,
    _request: SaslAuthenticateRequest,
) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse {
        error_code: ErrorCode::ILLEGAL_SASL_STATE,
        error_message: Some("SaslAuthenticate request received after successful authentication".into()),
        ..Default::default()
    }
}
