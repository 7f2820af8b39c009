//! Protobuf: serializer and deserializer, for messages of types that have descriptors and for JSON.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ::schema::protobuf::{ProtobufSchema, is_bundled};
use client::Header;
use prost::Message;
use prost_reflect::{DynamicMessage, FileDescriptor, ReflectMessage, SerializeOptions};
use serde_json::Value;

use crate::descriptors::{indexes_in, indexes_of, pool, read, schema_of, wrong};
use crate::serializer::Writer;
use crate::{Encoded, Field, Framed, Reference, RegistryClient, Schema, SerdeError, SerializerOptions};

/// Writes messages as Protobuf.
#[derive(Clone)]
pub struct ProtobufSerializer {
    registry: RegistryClient,
    options: SerializerOptions,
    schema: Option<Schema>,
    /// The schemas of files, with what they import registered.
    files: Arc<Mutex<BTreeMap<String, Schema>>>,
}

impl ProtobufSerializer {
    /// A serializer that registers the file of each message, and what that imports, with the first record.
    pub fn new(registry: RegistryClient) -> Self {
        Self::with(registry, None, SerializerOptions::default())
    }

    /// A serializer with options, and a schema for JSON values if it is not to be the latest or a given version.
    pub fn with(registry: RegistryClient, schema: Option<Schema>, options: SerializerOptions) -> Self {
        Self { registry, options, schema, files: Arc::default() }
    }

    fn writer(&self, schema: Option<Schema>, name: Option<String>) -> Writer {
        Writer {
            registry: self.registry.clone(),
            options: self.options,
            schema: schema.map(|schema| (schema, name)),
        }
    }

    /// A message of a type with a descriptor.
    pub async fn serialize<M: ReflectMessage>(
        &self,
        topic: &str,
        field: Field,
        message: &M,
    ) -> Result<Encoded, SerdeError> {
        let descriptor = message.descriptor();
        let schema = self.file_schema(&descriptor.parent_file()).await?;
        let writer = self.writer(Some(schema), Some(descriptor.full_name().to_owned()));
        let SerializerOptions { use_latest, version, normalize, .. } = self.options;
        // Another schema than the message's own may have it at another place.
        let (registered, indexes) = match use_latest || version.is_some() || normalize {
            true => {
                let (registered, resolved) = writer.resolved_for(topic, field).await?;
                let indexes = indexes_in(&pool(&resolved)?, descriptor.full_name())?;
                (registered, indexes)
            }
            false => (writer.schema_for(topic, field).await?, indexes_of(&descriptor)),
        };
        writer.framed(&registered, field, Some(&indexes), &message.encode_to_vec()).await
    }

    /// A message as Protobuf's JSON: the one of that full name, or the first of the schema.
    pub async fn serialize_json(
        &self,
        topic: &str,
        field: Field,
        name: Option<&str>,
        json: &Value,
    ) -> Result<Encoded, SerdeError> {
        let name = match (name, &self.schema) {
            (Some(name), _) => Some(name.to_owned()),
            (None, Some(schema)) => ProtobufSchema::parse(&schema.text, &[])?.first_message(),
            (None, None) => None,
        };
        let writer = self.writer(self.schema.clone(), name.clone());
        let (registered, resolved) = writer.resolved_for(topic, field).await?;
        let file = pool(&resolved)?;
        let descriptor = match name {
            Some(name) => file.parent_pool().get_message_by_name(&name),
            None => file.messages().next(),
        };
        let descriptor = descriptor.ok_or_else(|| wrong("it has no such message"))?;
        let message = DynamicMessage::deserialize(descriptor.clone(), json);
        let message = message.map_err(|error| SerdeError::Value(error.to_string()))?;
        let indexes = indexes_of(&descriptor);
        writer.framed(&registered, field, Some(&indexes), &message.encode_to_vec()).await
    }

    /// The schema of a file; what it imports is registered before it.
    async fn file_schema(&self, file: &FileDescriptor) -> Result<Schema, SerdeError> {
        let known = |file: &FileDescriptor| {
            let key = file_key(file);
            self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
        };
        if let Some(schema) = known(file) {
            return Ok(schema);
        }
        // Imports first, without recursion: a file is done when all that it imports is.
        let mut open = vec![file.clone()];
        while let Some(next) = open.last().cloned() {
            let imports: Vec<FileDescriptor> =
                next.dependencies().filter(|import| !is_bundled(import.name())).collect();
            let missing: Vec<FileDescriptor> =
                imports.iter().filter(|import| known(import).is_none()).cloned().collect();
            if !missing.is_empty() {
                open.extend(missing);
                continue;
            }
            let mut references = Vec::with_capacity(imports.len());
            for import in imports {
                let schema = known(&import).unwrap_or_default();
                references.push(self.reference(import.name(), &schema).await?);
            }
            let schema = schema_of(&next, references)?;
            self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(file_key(&next), schema);
            open.pop();
        }
        known(file).ok_or_else(|| wrong("its file has no schema"))
    }

    async fn reference(&self, name: &str, schema: &Schema) -> Result<Reference, SerdeError> {
        let (registry, normalize) = (&self.registry, self.options.normalize);
        if self.options.auto_register {
            registry.register(name, schema, normalize).await?;
        }
        let found = registry.lookup(name, schema, normalize).await?;
        let version = found.version.ok_or_else(|| wrong("the registry told no version of an import"))?;
        Ok(Reference { name: name.to_owned(), subject: name.to_owned(), version })
    }
}

fn file_key(file: &FileDescriptor) -> String {
    format!("{} {}", file.name(), file.package_name())
}

/// Reads Protobuf.
#[derive(Clone)]
pub struct ProtobufDeserializer {
    registry: RegistryClient,
}

impl ProtobufDeserializer {
    /// One that follows the schema each record names.
    pub fn new(registry: RegistryClient) -> Self {
        Self { registry }
    }

    /// A message of a known type; the registry is not asked, Protobuf needs no writer's schema.
    pub fn deserialize<M: Message + Default>(
        &self,
        field: Field,
        bytes: &[u8],
        headers: &[Header],
    ) -> Result<M, SerdeError> {
        let framed = Framed::read(field, bytes, headers)?;
        let (_, payload) = framed.indexes()?;
        M::decode(payload).map_err(|error| SerdeError::Bytes(error.to_string()))
    }

    /// A message of whatever type the record names.
    pub async fn dynamic(
        &self,
        field: Field,
        bytes: &[u8],
        headers: &[Header],
    ) -> Result<DynamicMessage, SerdeError> {
        let framed = Framed::read(field, bytes, headers)?;
        let (indexes, payload) = framed.indexes()?;
        let resolved = self.registry.schema(framed.id, None).await?;
        let file = pool(&resolved)?;
        read(&file, &indexes, payload)
    }

    /// A message as Protobuf's JSON, by the names of the `.proto` file.
    pub async fn json(&self, field: Field, bytes: &[u8], headers: &[Header]) -> Result<Value, SerdeError> {
        let message = self.dynamic(field, bytes, headers).await?;
        let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
        message
            .serialize_with_options(serde_json::value::Serializer, &options)
            .map_err(|error| SerdeError::Value(error.to_string()))
    }
}
