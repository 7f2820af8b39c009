//! Records written and read by the registry: what `--schema` means to `produce` and `consume`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use client::{ConsumerRecord, ProducerRecord};
use schema_serde::{
    AnyDeserializer, AvroSerializer, Encoded, Field, Frame, JsonSerializer, Language, ProtobufSerializer,
    RegistryClient, Schema, SerializerOptions, SubjectStrategy, VersionSpec,
};
use serde_json::{Value, json};

use super::{RegistryArguments, read};
use crate::connect::Connect;
use crate::failure::{Failure, Outcome};
use crate::text;

/// Arguments of `mekong produce`.
#[derive(clap::Args)]
pub struct EncodeArguments {
    #[command(flatten)]
    registry: RegistryArguments,
    /// Values are JSON, to be written with this schema: a file (.avsc, .json, .proto), a version of the subject, or latest.
    #[arg(long, short = 's', value_name = "FILE|VERSION")]
    schema: Option<String>,
    /// Keys are JSON too, to be written with this schema.
    #[arg(long, value_name = "FILE|VERSION")]
    key_schema: Option<String>,
    /// How the subject is named: topic, record or topic-record.
    #[arg(long, default_value = "topic", value_name = "STRATEGY")]
    subject_strategy: String,
    /// The message of a Protobuf schema, by its full name [default: the first]
    #[arg(long, value_name = "NAME")]
    message: Option<String>,
    /// Use only schemas that are registered already.
    #[arg(long)]
    no_register: bool,
    /// Name the schema by a GUID in a header, not by an id in front of the bytes.
    #[arg(long)]
    schema_header: bool,
}

/// Writes the keys and values of records.
pub struct Encoder {
    registry: RegistryClient,
    options: SerializerOptions,
    message: Option<String>,
    key: Option<Source>,
    value: Option<Source>,
    /// By topic and field, for topics differ in their latest schemas.
    made: HashMap<(String, bool), Serializer>,
}

/// Where a schema comes from.
#[derive(Clone)]
enum Source {
    File(Schema),
    Registered(VersionSpec),
}

enum Serializer {
    Avro(AvroSerializer),
    Json(JsonSerializer),
    Protobuf(ProtobufSerializer),
}

impl EncodeArguments {
    /// Whether any schema is named.
    pub fn is_wanted(&self) -> bool {
        self.schema.is_some() || self.key_schema.is_some()
    }

    /// What they ask for.
    pub fn encoder(&self, connect: &Connect) -> Outcome<Option<Encoder>> {
        if !self.is_wanted() {
            return Ok(None);
        }
        let name = &self.subject_strategy;
        let strategy = SubjectStrategy::of_name(name).ok_or_else(|| {
            Failure::new(format!("`{name}` is no strategy; there are topic, record and topic-record"))
        })?;
        let frame = if self.schema_header { Frame::Header } else { Frame::Prefix };
        let options = SerializerOptions {
            auto_register: !self.no_register,
            strategy,
            frame,
            ..SerializerOptions::default()
        };
        Ok(Some(Encoder {
            registry: self.registry.client(connect)?,
            options,
            message: self.message.clone(),
            key: self.key_schema.as_deref().map(source).transpose()?,
            value: self.schema.as_deref().map(source).transpose()?,
            made: HashMap::new(),
        }))
    }
}

fn source(text: &str) -> Outcome<Source> {
    if let Some(version) = VersionSpec::parse(text) {
        return Ok(Source::Registered(version));
    }
    let path = Path::new(text);
    let language = read::by_ending(path).ok_or_else(|| {
        Failure::new(format!("`{text}` is neither a version nor a file with a known ending"))
            .advise("Endings are .avsc, .json and .proto; `latest` takes the subject's latest version.")
    })?;
    Ok(Source::File(Schema::new(language, read::text(path)?)))
}

impl Encoder {
    /// The record with its JSON written by the schemas. What is null stays so.
    pub async fn encode(&mut self, mut record: ProducerRecord) -> Outcome<ProducerRecord> {
        for field in [Field::Key, Field::Value] {
            let (source, bytes) = match field {
                Field::Key => (&self.key, record.key.take()),
                Field::Value => (&self.value, record.value.take()),
            };
            let (source, bytes) = match (source.clone(), bytes) {
                (Some(source), Some(bytes)) => (source, bytes),
                (_, bytes) => {
                    match field {
                        Field::Key => record.key = bytes,
                        Field::Value => record.value = bytes,
                    }
                    continue;
                }
            };
            let topic = record.topic.as_str().to_owned();
            record = self.field(source, &topic, field, &bytes).await?.put(record);
        }
        Ok(record)
    }

    async fn field(&mut self, source: Source, topic: &str, field: Field, bytes: &[u8]) -> Outcome<Encoded> {
        let key = (topic.to_owned(), field == Field::Key);
        if !self.made.contains_key(&key) {
            let made = self.serializer(source, topic, field).await?;
            self.made.insert(key.clone(), made);
        }
        let serializer = self.made.get(&key).ok_or_else(|| Failure::new("no serializer"))?;
        let value = json_of(bytes)?;
        Ok(match serializer {
            Serializer::Avro(serializer) => serializer.serialize_json(topic, field, &value).await?,
            Serializer::Json(serializer) => serializer.serialize(topic, field, &value).await?,
            Serializer::Protobuf(serializer) => {
                serializer.serialize_json(topic, field, self.message.as_deref(), &value).await?
            }
        })
    }

    async fn serializer(&self, source: Source, topic: &str, field: Field) -> Outcome<Serializer> {
        let (registry, mut options) = (self.registry.clone(), self.options);
        let (language, schema) = match source {
            Source::File(schema) => (schema.language, Some(schema)),
            Source::Registered(version) => {
                match version {
                    VersionSpec::Latest => options.use_latest = true,
                    VersionSpec::Number(number) => options.version = Some(number),
                }
                let subject = options.strategy.subject(topic, field, self.message.as_deref())?;
                (registry.version(&subject, version).await?.schema.language, None)
            }
        };
        Ok(match language {
            Language::Avro => Serializer::Avro(AvroSerializer::with(registry, schema, options)?),
            Language::Json => Serializer::Json(JsonSerializer::with(registry, schema, options)?),
            Language::Protobuf => Serializer::Protobuf(ProtobufSerializer::with(registry, schema, options)),
        })
    }
}

/// A line as JSON. Text that is none stands for itself, so that plain strings need no quotes.
fn json_of(bytes: &[u8]) -> Outcome<Value> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(error) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.trim_start().starts_with(['{', '[', '"']) => Ok(Value::from(text)),
            _ => Err(Failure::new(format!("a record is no JSON: {error}"))),
        },
    }
}

/// Arguments of `mekong consume`.
#[derive(clap::Args)]
pub struct DecodeArguments {
    #[command(flatten)]
    registry: RegistryArguments,
    /// Show values, and keys that name a schema, as JSON by the schema that each names in the registry.
    #[arg(long, short = 's')]
    schema: bool,
    /// Show Avro as this schema has it: new fields with their defaults, gone ones left out.
    #[arg(long, value_name = "FILE", requires = "schema")]
    reader_schema: Option<PathBuf>,
}

impl DecodeArguments {
    /// What they ask for.
    pub fn decoder(&self, connect: &Connect) -> Outcome<Option<Decoder>> {
        if !self.schema {
            return Ok(None);
        }
        let registry = self.registry.client(connect)?;
        Ok(Some(Decoder(match &self.reader_schema {
            Some(path) => AnyDeserializer::reading(registry, &read::text(path)?)?,
            None => AnyDeserializer::new(registry),
        })))
    }
}

/// Reads the keys and values of records.
pub struct Decoder(AnyDeserializer);

impl Decoder {
    /// The record with JSON in place of its bytes, and the whole as an object.
    pub async fn decode(&self, mut record: ConsumerRecord) -> Outcome<(ConsumerRecord, Value)> {
        let mut object = text::record_to_json(&record);
        if let Some(bytes) = record.key.clone()
            && let Ok((resolved, key)) = self.0.json(Field::Key, &bytes, &record.headers).await
        {
            put(&mut object, "key", &key, &resolved.registered);
            record.key = Some(key.to_string().into());
        }
        if let Some(bytes) = record.value.clone() {
            let read = self.0.json(Field::Value, &bytes, &record.headers).await;
            let (resolved, value) = read.map_err(|error| {
                let place = format!("{} at offset {}", record.partition, record.offset);
                Failure::new(format!("{place}: {error}")).advise("Without --schema its bytes are shown.")
            })?;
            put(&mut object, "value", &value, &resolved.registered);
            record.value = Some(value.to_string().into());
        }
        Ok((record, object))
    }
}

fn put(object: &mut Value, name: &str, value: &Value, registered: &schema_serde::Registered) {
    let Some(object) = object.as_object_mut() else { return };
    object.remove(&format!("{name}_base64"));
    object.insert(name.to_owned(), value.clone());
    let mut schema = serde_json::Map::new();
    schema.insert("type".to_owned(), json!(registered.schema.language.name()));
    if registered.id >= 0 {
        schema.insert("id".to_owned(), json!(registered.id));
    }
    if let Some(guid) = registered.guid {
        schema.insert("guid".to_owned(), json!(guid.to_string()));
    }
    object.insert(format!("{name}_schema"), Value::Object(schema));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json_or_plain_text() {
        assert_eq!(json_of(b"{\"a\":1}").unwrap(), json!({"a": 1}));
        assert_eq!(json_of(b"hello there").unwrap(), json!("hello there"));
        assert_eq!(json_of(b"12").unwrap(), json!(12));
        assert!(json_of(b"{\"a\":").is_err());
        assert!(json_of(&[0xff]).is_err());
    }

    #[test]
    fn schemas_are_files_or_versions() {
        assert!(matches!(source("latest").unwrap(), Source::Registered(VersionSpec::Latest)));
        assert!(matches!(source("3").unwrap(), Source::Registered(VersionSpec::Number(3))));
        assert!(source("there-is-no-such-file.avsc").is_err());
        assert!(source("what").is_err());
    }
}
