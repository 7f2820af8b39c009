//! Avro: values, their binary form, what a reader's schema makes of a writer's bytes, and the serializers.
//!
//! ```text
//! int, long  zigzag varint          string, bytes  long length, then that many bytes
//! float      4 bytes little-endian  array, map     blocks: long count (negative: also a long of bytes), items; 0 ends
//! boolean    00 or 01               union          long branch, then the value       enum  int symbol
//! ```
//!
//! The codec works on the model of `schema`, so that it agrees with the registry on names, aliases and promotions. Logical
//! types are read and written as the types below them.

mod budget;
mod datum;
mod decode;
mod deserialize;
mod encode;
mod from_json;
mod names;
mod raw;
mod serde_in;
mod serialize;
#[cfg(test)]
mod tests;
mod walk;

pub use datum::Datum;
pub use decode::decode;
pub use deserialize::AvroDeserializer;
pub use encode::encode;
pub use from_json::from_json;
pub use serde_in::to_datum;
pub use serialize::AvroSerializer;
pub use walk::check;

use ::schema::avro::AvroSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::SerdeError;

/// The bytes of a value of that schema.
pub fn to_bytes<T: Serialize + ?Sized>(schema: &AvroSchema, value: &T) -> Result<Vec<u8>, SerdeError> {
    encode(schema, &to_datum(value)?)
}

/// The value that `writer` wrote, as `reader` sees it.
pub fn from_bytes<T: DeserializeOwned>(
    writer: &AvroSchema,
    reader: &AvroSchema,
    bytes: &[u8],
) -> Result<T, SerdeError> {
    let datum = decode(writer, reader, bytes)?;
    T::deserialize(datum).map_err(|error| SerdeError::Value(error.to_string()))
}
