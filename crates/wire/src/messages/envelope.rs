//! Envelope: carries a client's request from a broker to the controller (KIP-590).

use bytes::Bytes;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request EnvelopeRequest [Envelope => EnvelopeResponse, versions 0..=0, flexible 0..] {
        request_data:        Bytes         [0..],
        request_principal:   Option<Bytes> [0.., nullable 0..] = Some(Bytes::new()),
        client_host_address: Bytes         [0..],
    }

    /// The answer.
    response EnvelopeResponse [Envelope, versions 0..=0, flexible 0..] {
        response_data: Option<Bytes> [0.., nullable 0..] = None,
        error_code:    ErrorCode     [0..],
    }
}
