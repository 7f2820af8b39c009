//! Payloads of the bare schema `bytes`: Confluent's Java client writes such a value as it is, without the length that Avro puts
//! in front, and takes all that follows the id for it.

use ::schema::avro::{AvroSchema, Kind, Primitive};

use super::{Datum, decode, encode};
use crate::SerdeError;
use crate::frame::put_varint;

/// Whether values of the schema stand in records as they are.
pub(super) fn is_raw(schema: &AvroSchema) -> bool {
    matches!(schema.node(schema.root()).kind, Kind::Primitive(Primitive::Bytes))
}

/// A record's payload.
pub(super) fn to_payload(schema: &AvroSchema, value: &Datum) -> Result<Vec<u8>, SerdeError> {
    match value {
        Datum::Bytes(bytes) if is_raw(schema) => Ok(bytes.clone()),
        value if is_raw(schema) => {
            Err(SerdeError::Value(format!("the schema is bytes, the value {}", value.what())))
        }
        value => encode(schema, value),
    }
}

/// The value of a record's payload, as `reader` sees it.
pub(super) fn from_payload(
    writer: &AvroSchema,
    reader: &AvroSchema,
    payload: &[u8],
) -> Result<Datum, SerdeError> {
    if !is_raw(writer) {
        return decode(writer, reader, payload);
    }
    let mut bytes = Vec::with_capacity(payload.len() + 10);
    put_varint(&mut bytes, i64::try_from(payload.len()).unwrap_or(i64::MAX));
    bytes.extend_from_slice(payload);
    decode(writer, reader, &bytes)
}
