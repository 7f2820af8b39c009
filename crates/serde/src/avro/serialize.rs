//! The Avro serializer.

use ::schema::avro::AvroSchema;
use ::schema::{Language, Parsed};
use serde::Serialize;
use serde_json::Value;

use super::raw::to_payload;
use super::{Datum, from_json, to_datum};
use crate::serializer::{Writer, setting, wrong_language};
use crate::{Encoded, Field, RegistryClient, Resolved, Schema, SerdeError, SerializerOptions};

/// Writes values as Avro.
#[derive(Clone)]
pub struct AvroSerializer {
    writer: Writer,
}

impl AvroSerializer {
    /// A serializer that registers this schema with the first record and writes with it.
    pub fn new(registry: RegistryClient, schema: &str) -> Result<Self, SerdeError> {
        Self::with(registry, Some(Schema::new(Language::Avro, schema)), SerializerOptions::default())
    }

    /// A serializer with options. It needs no schema if it is to write with the latest or a given version.
    pub fn with(
        registry: RegistryClient,
        schema: Option<Schema>,
        options: SerializerOptions,
    ) -> Result<Self, SerdeError> {
        if schema.is_none() && !options.use_latest && options.version.is_none() {
            return Err(setting("a serializer without a schema must use the latest or a given version"));
        }
        let schema = schema.map(|schema| {
            let name = record_name(&schema)?;
            Ok::<_, SerdeError>((schema, name))
        });
        Ok(Self { writer: Writer { registry, options, schema: schema.transpose()? } })
    }

    /// A value of any type that serde can write.
    pub async fn serialize<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        field: Field,
        value: &T,
    ) -> Result<Encoded, SerdeError> {
        let datum = to_datum(value)?;
        self.write(topic, field, |_| Ok(datum)).await
    }

    /// A value that is built by hand.
    pub async fn serialize_datum(
        &self,
        topic: &str,
        field: Field,
        datum: Datum,
    ) -> Result<Encoded, SerdeError> {
        self.write(topic, field, |_| Ok(datum)).await
    }

    /// A value as JSON.
    pub async fn serialize_json(
        &self,
        topic: &str,
        field: Field,
        json: &Value,
    ) -> Result<Encoded, SerdeError> {
        self.write(topic, field, |schema| from_json(schema, json)).await
    }

    async fn write(
        &self,
        topic: &str,
        field: Field,
        datum: impl FnOnce(&AvroSchema) -> Result<Datum, SerdeError>,
    ) -> Result<Encoded, SerdeError> {
        let (registered, resolved) = self.writer.resolved_for(topic, field).await?;
        let schema = avro(&resolved)?;
        let payload = to_payload(schema, &datum(schema)?)?;
        self.writer.framed(&registered, field, None, &payload).await
    }
}

/// The model of an Avro schema.
pub(super) fn avro(resolved: &Resolved) -> Result<&AvroSchema, SerdeError> {
    match &resolved.parsed {
        Parsed::Avro(schema) => Ok(schema),
        _ => Err(wrong_language(resolved, "AVRO")),
    }
}

/// The full name of the record that the text declares; what it refers to is not needed for that.
fn record_name(schema: &Schema) -> Result<Option<String>, SerdeError> {
    let json: Value = match serde_json::from_str(&schema.text) {
        Ok(json) => json,
        // A bare name, such as `string`.
        Err(_) => return Ok(Some(schema.text.trim().to_owned())),
    };
    let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok(match (text("name"), text("namespace")) {
        (Some(name), Some(space)) if !name.contains('.') => Some(format!("{space}.{name}")),
        (Some(name), _) => Some(name.to_owned()),
        (None, _) => json.as_str().or(text("type")).map(str::to_owned),
    })
}
