//! What every message can do.

use core::fmt::Debug;

use crate::schema::MessageSchema;
use crate::types::Struct;
use crate::{ApiKey, DecodeError, Decoder, EncodeError, Encoder};

/// A message of Kafka's protocol, in all the versions of its schema.
pub trait Message: Struct + Default + Clone + PartialEq + Debug + Send + Sync + 'static {
    /// Name, versions and fields.
    const SCHEMA: &'static MessageSchema;

    /// Reads the message as `version` lays it out. What follows it stays in the decoder: Kafka ignores trailing bytes.
    fn decode(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        decoder.begin(Self::SCHEMA, version)?;
        Self::read_fields(decoder)
    }

    /// Writes the message as `version` lays it out.
    ///
    /// Fails, as Kafka does, on a value in a field that `version` lacks, unless the field is ignorable.
    fn encode(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        encoder.begin(Self::SCHEMA, version)?;
        self.write_fields(encoder)
    }
}

/// A message that a client sends, with the message it gets back.
pub trait Request: Message {
    /// The API.
    const KEY: ApiKey;
    /// The answer, in the request's version.
    type Response: Message;
}
