//! The Avro deserializer.

use std::sync::Arc;

use ::schema::avro::{AvroSchema, Strictness};
use client::Header;
use serde::de::DeserializeOwned;

use super::Datum;
use super::raw::from_payload;
use super::serialize::avro;
use crate::{Field, Framed, RegistryClient, SerdeError};

/// Reads Avro with the schema that each record names, and shows it by the reader's schema if there is one.
#[derive(Clone)]
pub struct AvroDeserializer {
    registry: RegistryClient,
    reader: Option<Arc<AvroSchema>>,
}

impl AvroDeserializer {
    /// One that shows records as they were written.
    pub fn new(registry: RegistryClient) -> Self {
        Self { registry, reader: None }
    }

    /// One that shows records as this schema has them: new fields with their defaults, gone ones left out, types widened.
    pub fn reading(registry: RegistryClient, schema: &str) -> Result<Self, SerdeError> {
        let reader = AvroSchema::parse(schema, &[], Strictness::Stored)?;
        Ok(Self { registry, reader: Some(Arc::new(reader)) })
    }

    /// A value of any type that serde can read.
    pub async fn deserialize<T: DeserializeOwned>(
        &self,
        field: Field,
        bytes: &[u8],
        headers: &[Header],
    ) -> Result<T, SerdeError> {
        let datum = self.datum(field, bytes, headers).await?;
        T::deserialize(datum).map_err(|error| SerdeError::Value(error.to_string()))
    }

    /// A value of whatever type.
    pub async fn datum(&self, field: Field, bytes: &[u8], headers: &[Header]) -> Result<Datum, SerdeError> {
        let framed = Framed::read(field, bytes, headers)?;
        let resolved = self.registry.schema(framed.id, None).await?;
        let writer = avro(&resolved)?;
        from_payload(writer, self.reader.as_deref().unwrap_or(writer), framed.rest)
    }
}
