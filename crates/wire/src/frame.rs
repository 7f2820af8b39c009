//! Whole frames: size, header, body.
//!
//! ```text
//! size i32 (of all that follows) | header | body
//! ```
//!
//! The functions that write put the size in front; those that read take a frame whose size has been cut off.

use base::Str;
use bytes::Bytes;

use crate::{
    ApiKey, DecodeError, DecodeErrorKind, Decoder, EncodeError, EncodeErrorKind, Encoder, Message, Request,
    RequestHeader, ResponseHeader, Rope,
};

/// Bytes of the size in front of a frame.
pub const SIZE_BYTES: usize = 4;

/// A request as it goes on the wire.
pub fn encode_request<R: Request>(
    correlation_id: i32,
    client_id: Option<Str>,
    version: i16,
    body: &R,
) -> Result<Rope, EncodeError> {
    let header = RequestHeader {
        request_api_key: R::KEY.code(),
        request_api_version: version,
        correlation_id,
        client_id,
    };
    encode(&header, RequestHeader::version_for(R::KEY, version), body, version)
}

/// A response as it goes on the wire.
pub fn encode_response<M: Message>(
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    body: &M,
) -> Result<Rope, EncodeError> {
    let header = ResponseHeader { correlation_id };
    encode(&header, ResponseHeader::version_for(key, version), body, version)
}

fn encode<H: Message, M: Message>(
    header: &H,
    header_version: i16,
    body: &M,
    version: i16,
) -> Result<Rope, EncodeError> {
    let mut encoder = Encoder::with_capacity(256);
    encoder.put(&[0; SIZE_BYTES]);
    header.encode(&mut encoder, header_version)?;
    body.encode(&mut encoder, version)?;
    let len = encoder.len() - SIZE_BYTES;
    let size = i32::try_from(len).map_err(|_| encoder.error(EncodeErrorKind::TooLong(len)))?;
    encoder.patch_i32(0, size);
    Ok(encoder.finish())
}

/// Reads the header of a request; the decoder stands at the body.
///
/// The version is not checked here: an ApiVersions request in an unknown version still gets an answer.
pub fn decode_request_header(frame: Bytes) -> Result<(RequestHeader, ApiKey, Decoder), DecodeError> {
    let mut peek = Decoder::new(frame.clone());
    peek.enter("RequestHeader.request_api_key");
    let code = peek.i16()?;
    let key = ApiKey::from_code(code).ok_or_else(|| peek.error(DecodeErrorKind::UnknownApi(code)))?;
    peek.enter("RequestHeader.request_api_version");
    let version = peek.i16()?;
    let mut decoder = Decoder::new(frame);
    let header = RequestHeader::decode(&mut decoder, RequestHeader::version_for(key, version))?;
    Ok((header, key, decoder))
}

/// Reads a response to a request of type `R` that was sent in `version`.
pub fn decode_response<R: Request>(
    frame: Bytes,
    version: i16,
) -> Result<(ResponseHeader, R::Response), DecodeError> {
    let mut decoder = Decoder::new(frame);
    let header = ResponseHeader::decode(&mut decoder, ResponseHeader::version_for(R::KEY, version))?;
    let body = R::Response::decode(&mut decoder, version)?;
    Ok((header, body))
}
