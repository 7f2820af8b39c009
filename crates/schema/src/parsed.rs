//! A schema of any language behind one face.

use crate::avro::AvroSchema;
pub use crate::avro::Strictness;
use crate::jsonschema::JsonSchema;
use crate::protobuf::ProtobufSchema;
use crate::{Language, SchemaError};

/// The text of a schema that another refers to, in dependency order: what it refers to itself comes before it.
#[derive(Clone, Copy, Debug)]
pub struct ReferencedText<'a> {
    /// How the referring schema names it.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Subject and version, if the schema itself refers to it; absent for references of references.
    pub source: Option<(&'a str, i32)>,
}

/// A parsed schema.
#[derive(Clone, Debug)]
pub enum Parsed {
    /// Avro.
    Avro(AvroSchema),
    /// JSON Schema.
    Json(JsonSchema),
    /// Protobuf.
    Protobuf(ProtobufSchema),
}

impl Parsed {
    /// Parses a schema with what it refers to.
    pub fn parse(
        language: Language,
        text: &str,
        references: &[ReferencedText<'_>],
        strictness: Strictness,
    ) -> Result<Self, SchemaError> {
        match language {
            Language::Avro => {
                let texts: Vec<&str> = references.iter().map(|reference| reference.text).collect();
                AvroSchema::parse(text, &texts, strictness).map(Self::Avro)
            }
            Language::Json => {
                let texts: Vec<(&str, &str)> = references.iter().map(|r| (r.name, r.text)).collect();
                JsonSchema::parse(text, &texts).map(Self::Json)
            }
            Language::Protobuf => {
                let texts: Vec<_> = references
                    .iter()
                    .map(|r| {
                        (r.name, r.text, r.source.map(|(subject, version)| (subject.to_owned(), version)))
                    })
                    .collect();
                let schema = ProtobufSchema::parse(text, &texts)?;
                if strictness == Strictness::New {
                    schema.check_types()?;
                }
                Ok(Self::Protobuf(schema))
            }
        }
    }

    /// Its language.
    pub fn language(&self) -> Language {
        match self {
            Self::Avro(_) => Language::Avro,
            Self::Json(_) => Language::Json,
            Self::Protobuf(_) => Language::Protobuf,
        }
    }

    /// The text whose hash is the identity.
    pub fn canonical(&self) -> Result<String, SchemaError> {
        match self {
            Self::Avro(schema) => schema.canonical(),
            Self::Json(schema) => Ok(schema.canonical()),
            Self::Protobuf(schema) => schema.canonical(),
        }
    }

    /// The canonical text of the normalized schema.
    pub fn normalized(&self) -> Result<String, SchemaError> {
        match self {
            Self::Avro(schema) => schema.normalized()?.canonical(),
            Self::Json(schema) => Ok(schema.normalized()),
            Self::Protobuf(schema) => schema.normalized()?.canonical(),
        }
    }

    /// The text in one of the formats of the registry's `format` parameter; an unknown one is the default.
    pub fn formatted(&self, format: &str) -> Result<String, SchemaError> {
        match (self, format) {
            (Self::Avro(schema), "resolved") => schema.resolved(),
            (Self::Protobuf(schema), "ignore_extensions") => schema.without_extensions(),
            (Self::Protobuf(schema), "serialized") => schema.serialized("default"),
            _ => self.canonical(),
        }
    }

    /// The name of a record: a record's full name, a JSON Schema's title, the first message.
    pub fn record_name(&self) -> Option<String> {
        match self {
            Self::Avro(schema) => schema.record_name(),
            Self::Json(schema) => {
                schema.tree().get("title").and_then(|title| title.as_str()).map(str::to_owned)
            }
            Self::Protobuf(schema) => schema.first_message(),
        }
    }
}
