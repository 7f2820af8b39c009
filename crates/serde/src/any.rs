//! Records of whatever language, as JSON.

use std::sync::Arc;

use client::Header;
use serde_json::Value;

use crate::{
    AvroDeserializer, Field, Framed, JsonDeserializer, Language, ProtobufDeserializer, RegistryClient,
    Resolved, SerdeError,
};

/// Reads keys and values by the schema that each names, whatever its language, and shows them as JSON.
#[derive(Clone)]
pub struct AnyDeserializer {
    registry: RegistryClient,
    avro: AvroDeserializer,
    json: JsonDeserializer,
    protobuf: ProtobufDeserializer,
}

impl AnyDeserializer {
    /// One that shows records as they were written.
    pub fn new(registry: RegistryClient) -> Self {
        Self {
            avro: AvroDeserializer::new(registry.clone()),
            // What a record holds is to be seen, valid or not.
            json: JsonDeserializer::new(registry.clone()).validates(false),
            protobuf: ProtobufDeserializer::new(registry.clone()),
            registry,
        }
    }

    /// One that shows Avro as this schema has it.
    pub fn reading(registry: RegistryClient, avro: &str) -> Result<Self, SerdeError> {
        let avro = AvroDeserializer::reading(registry.clone(), avro)?;
        Ok(Self { avro, ..Self::new(registry) })
    }

    /// The value as JSON, and the schema that it names.
    pub async fn json(
        &self,
        field: Field,
        bytes: &[u8],
        headers: &[Header],
    ) -> Result<(Arc<Resolved>, Value), SerdeError> {
        let framed = Framed::read(field, bytes, headers)?;
        let resolved = self.registry.schema(framed.id, None).await?;
        let value = match resolved.registered.schema.language {
            Language::Avro => self.avro.datum(field, bytes, headers).await?.to_json(),
            Language::Json => self.json.deserialize(field, bytes, headers).await?,
            Language::Protobuf => self.protobuf.json(field, bytes, headers).await?,
        };
        Ok((resolved, value))
    }
}
