//! Protobuf: messages by their descriptors, the registry's text as descriptors and back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ::schema::Parsed;
use ::schema::protobuf::{ProtobufSchema, is_bundled};
use client::Header;
use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FileDescriptor, MessageDescriptor, ReflectMessage, SerializeOptions,
};
use serde_json::Value;

use crate::serializer::{Writer, wrong_language};
use crate::{
    Encoded, Field, Framed, Language, Reference, RegistryClient, Resolved, Schema, SerdeError,
    SerializerOptions,
};

/// The name under which a registered file stands in a pool: registries know texts, not file names.
const FILE: &str = "schema.proto";

/// Descriptors are kept for so many schemas.
const POOLS_MAX: usize = 1_000;

fn wrong(error: impl std::fmt::Display) -> SerdeError {
    SerdeError::Schema(error.to_string())
}

/// The descriptors of a registered schema and all that it imports.
pub fn pool(resolved: &Resolved) -> Result<FileDescriptor, SerdeError> {
    let Parsed::Protobuf(schema) = &resolved.parsed else {
        return Err(wrong_language(resolved, "PROTOBUF"));
    };
    let mut pool = DescriptorPool::global();
    let texts: Vec<_> =
        resolved.references.iter().map(|r| (r.name.as_str(), r.text.as_str(), None)).collect();
    for (name, text, _) in &texts {
        if pool.get_file_by_name(name).is_none() {
            add(&mut pool, &ProtobufSchema::parse(text, &texts)?, name)?;
        }
    }
    add(&mut pool, schema, FILE)?;
    pool.get_file_by_name(FILE).ok_or_else(|| wrong("it has no descriptor"))
}

fn add(pool: &mut DescriptorPool, schema: &ProtobufSchema, name: &str) -> Result<(), SerdeError> {
    let bytes = from_base64(&schema.serialized(name)?).ok_or_else(|| wrong("its descriptor is damaged"))?;
    pool.decode_file_descriptor_proto(&bytes[..]).map_err(wrong)
}

/// Standard base64, with or without padding.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut word, mut bits, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.trim_end_matches('=').bytes() {
        let sextet = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        word = (word << 6) | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

fn to_base64(bytes: &[u8]) -> String {
    crate::http::base64(bytes)
}

/// The text of a file, without what it imports.
fn text_of(file: &FileDescriptor) -> Result<String, SerdeError> {
    let compiled = to_base64(&file.encode_to_vec());
    Ok(ProtobufSchema::parse(&compiled, &[])?.canonical()?)
}

/// The schema of a message's file. What it imports is registered under the import's name, as Confluent's serializers do;
/// `references` tells subject and version of each.
pub fn schema_of(file: &FileDescriptor, references: Vec<Reference>) -> Result<Schema, SerdeError> {
    let text = text_of(file)?;
    Ok(Schema { references, ..Schema::new(Language::Protobuf, text) })
}

/// The places of a message in its file, outermost first.
fn indexes_of(message: &MessageDescriptor) -> Vec<i32> {
    // A path alternates between the field of the descriptor and the index there.
    message.path().iter().skip(1).step_by(2).copied().collect()
}

/// The message at those places.
fn message_at(file: &FileDescriptor, indexes: &[i32]) -> Option<MessageDescriptor> {
    let (first, rest) = indexes.split_first()?;
    let mut message = file.messages().nth(usize::try_from(*first).ok()?)?;
    for index in rest {
        let next = message.child_messages().nth(usize::try_from(*index).ok()?)?;
        message = next;
    }
    Some(message)
}

type Pools = Arc<Mutex<BTreeMap<String, FileDescriptor>>>;

fn pooled(pools: &Pools, resolved: &Resolved) -> Result<FileDescriptor, SerdeError> {
    let registered = &resolved.registered;
    let key = registered.guid.map_or_else(|| registered.id.to_string(), |guid| guid.to_string());
    if let Some(known) = pools.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(known.clone());
    }
    let file = pool(resolved)?;
    let mut kept = pools.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= POOLS_MAX {
        kept.clear();
    }
    kept.insert(key, file.clone());
    Ok(file)
}

/// Writes messages as Protobuf.
#[derive(Clone)]
pub struct ProtobufSerializer {
    registry: RegistryClient,
    options: SerializerOptions,
    schema: Option<Schema>,
    /// The schemas of files, with what they import registered.
    files: Arc<Mutex<BTreeMap<String, Schema>>>,
    pools: Pools,
}

impl ProtobufSerializer {
    /// A serializer that registers the file of each message, and what that imports, with the first record.
    pub fn new(registry: RegistryClient) -> Self {
        Self::with(registry, None, SerializerOptions::default())
    }

    /// A serializer with options, and a schema for JSON values if it is not to be the latest or a given version.
    pub fn with(registry: RegistryClient, schema: Option<Schema>, options: SerializerOptions) -> Self {
        Self { registry, options, schema, files: Arc::default(), pools: Arc::default() }
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
        let registered = writer.schema_for(topic, field).await?;
        let indexes = indexes_of(&descriptor);
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
        let file = pooled(&self.pools, &resolved)?;
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
    pools: Pools,
}

impl ProtobufDeserializer {
    /// One that follows the schema each record names.
    pub fn new(registry: RegistryClient) -> Self {
        Self { registry, pools: Arc::default() }
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
        let file = pooled(&self.pools, &resolved)?;
        let descriptor = message_at(&file, &indexes)
            .ok_or_else(|| SerdeError::Bytes(format!("the schema has no message {indexes:?}")))?;
        DynamicMessage::decode(descriptor, payload).map_err(|error| SerdeError::Bytes(error.to_string()))
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
