//! The headers before requests and responses.
//!
//! ```text
//! request  v1: api key i16 | api version i16 | correlation id i32 | client id: length i16 (-1: null), text
//!          v2: the same | tagged fields            (KIP-482; the client id's length stays two bytes wide)
//! response v0: correlation id i32
//!          v1: the same | tagged fields
//! ```

use base::Str;

use crate::schema::{FieldSchema, FieldSpec, MessageKind, MessageSchema, StructSchema, Type, Versions};
use crate::types::{Struct, Wire};
use crate::{ApiKey, DecodeError, Decoder, EncodeError, EncodeErrorKind, Encoder, Message};

/// What precedes a request.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RequestHeader {
    /// The API, as sent.
    pub request_api_key: i16,
    /// The version of the request, as sent.
    pub request_api_version: i16,
    /// Comes back in the response.
    pub correlation_id: i32,
    /// Who says to be asking; Kafka takes null for empty.
    pub client_id: Option<Str>,
}

impl RequestHeader {
    /// The header's version before a request of `key` in `version`.
    pub fn version_for(key: ApiKey, version: i16) -> i16 {
        if key.is_flexible(version) { 2 } else { 1 }
    }
}

const fn field(name: &'static str, ty: Type) -> FieldSchema {
    let versions = Versions::new(0, Versions::OPEN);
    let spec = FieldSpec { versions, nullable: Versions::NONE, ignorable: false };
    FieldSchema { name, ty, spec, default: None, tag: None }
}

const fn nullable_from(min: i16, mut field: FieldSchema) -> FieldSchema {
    field.spec.versions = Versions::new(min, Versions::OPEN);
    field.spec.nullable = field.spec.versions;
    field
}

impl Struct for RequestHeader {
    const STRUCT: StructSchema = StructSchema {
        name: "RequestHeader",
        fields: &[
            field("request_api_key", Type::Int16),
            field("request_api_version", Type::Int16),
            field("correlation_id", Type::Int32),
            nullable_from(1, field("client_id", Type::String)),
        ],
    };

    fn min_size(_: i16, flexible: bool) -> usize {
        10 + usize::from(flexible)
    }

    fn read_fields(decoder: &mut Decoder) -> Result<Self, DecodeError> {
        decoder.enter("RequestHeader.request_api_key");
        let request_api_key = decoder.i16()?;
        decoder.enter("RequestHeader.request_api_version");
        let request_api_version = decoder.i16()?;
        decoder.enter("RequestHeader.correlation_id");
        let correlation_id = decoder.i32()?;
        decoder.enter("RequestHeader.client_id");
        let length = usize::try_from(decoder.i16()?).ok();
        let client_id = length.map(|len| decoder.text(len)).transpose()?;
        if decoder.is_flexible() {
            decoder.enter("RequestHeader (tagged fields)");
            decoder.skip_tagged_fields()?;
        }
        Ok(Self { request_api_key, request_api_version, correlation_id, client_id })
    }

    fn write_fields(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.put(&self.request_api_key.to_be_bytes());
        encoder.put(&self.request_api_version.to_be_bytes());
        encoder.put(&self.correlation_id.to_be_bytes());
        encoder.enter("RequestHeader.client_id");
        let text = self.client_id.as_deref();
        let length = text.map_or(Ok(-1), |text| i16::try_from(text.len()));
        let length = length.map_err(|_| encoder.error(EncodeErrorKind::TooLong(text.map_or(0, str::len))))?;
        encoder.put(&length.to_be_bytes());
        encoder.put(text.unwrap_or_default().as_bytes());
        if encoder.is_flexible() {
            encoder.put_unsigned_varint(0);
        }
        Ok(())
    }
}

impl Message for RequestHeader {
    const SCHEMA: &'static MessageSchema = &MessageSchema {
        name: "RequestHeader",
        kind: MessageKind::Header,
        key: None,
        versions: Versions::new(1, 2),
        flexible: Versions::new(2, Versions::OPEN),
        root: <Self as Struct>::STRUCT,
    };
}

/// What precedes a response.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ResponseHeader {
    /// The request's.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// The header's version before a response to `key` in `version`. ApiVersions keeps 0 for ever, since who asks does
    /// not know yet which versions the other side has (KIP-511).
    pub fn version_for(key: ApiKey, version: i16) -> i16 {
        i16::from(key.is_flexible(version) && key != ApiKey::ApiVersions)
    }
}

impl Struct for ResponseHeader {
    const STRUCT: StructSchema =
        StructSchema { name: "ResponseHeader", fields: &[field("correlation_id", Type::Int32)] };

    fn min_size(_: i16, flexible: bool) -> usize {
        4 + usize::from(flexible)
    }

    fn read_fields(decoder: &mut Decoder) -> Result<Self, DecodeError> {
        decoder.enter("ResponseHeader.correlation_id");
        let correlation_id = i32::read(decoder, false)?;
        if decoder.is_flexible() {
            decoder.enter("ResponseHeader (tagged fields)");
            decoder.skip_tagged_fields()?;
        }
        Ok(Self { correlation_id })
    }

    fn write_fields(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.put(&self.correlation_id.to_be_bytes());
        if encoder.is_flexible() {
            encoder.put_unsigned_varint(0);
        }
        Ok(())
    }
}

impl Message for ResponseHeader {
    const SCHEMA: &'static MessageSchema = &MessageSchema {
        name: "ResponseHeader",
        kind: MessageKind::Header,
        key: None,
        versions: Versions::new(0, 1),
        flexible: Versions::new(1, Versions::OPEN),
        root: <Self as Struct>::STRUCT,
    };
}
