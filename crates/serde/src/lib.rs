//! Schemas for records: a client of the schema registry, and serializers that speak Confluent's wire formats.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use schema_serde::{AvroDeserializer, AvroSerializer, Field, RegistryClient};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct User {
//!     name: String,
//! }
//!
//! let registry = RegistryClient::new("http://127.0.0.1:8081")?;
//! let schema = r#"{"type":"record","name":"User","fields":[{"name":"name","type":"string"}]}"#;
//! let serializer = AvroSerializer::new(registry.clone(), schema)?;
//! let record = client::ProducerRecord { topic: "users".into(), ..Default::default() };
//! let record = serializer.serialize("users", Field::Value, &User { name: "Ada".into() }).await?.put(record);
//!
//! let user: User = AvroDeserializer::new(registry)
//!     .deserialize(Field::Value, record.value.as_deref().unwrap_or_default(), &record.headers)
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! A record names its schema by an id in front of its bytes or by a GUID in a header ([`Frame`]). Writers find their subject
//! by a [`SubjectStrategy`]; readers follow whatever the record names.

mod any;
pub mod avro;
mod descriptors;
mod error;
mod frame;
mod http;
mod json;
mod protobuf;
mod registry;
mod serializer;
mod subject;
mod tls;

pub use any::AnyDeserializer;
pub use avro::{AvroDeserializer, AvroSerializer};
pub use descriptors::{check, compile, pool, schema_of};
pub use error::{Reason, Refusal, RegistryError, SerdeError};
pub use frame::{Encoded, Field, Frame, Framed, KEY_HEADER, SchemaId, VALUE_HEADER};
pub use http::{Method, encoded};
pub use json::{JsonDeserializer, JsonSerializer};
pub use prost_reflect::FileDescriptor;
pub use protobuf::{ProtobufDeserializer, ProtobufSerializer};
pub use registry::{Check, Registered, RegistryClient, RegistryOptions, Resolved, Schema, VersionSpec};
pub use schema::{Guid, Language, Reference};
pub use serializer::SerializerOptions;
pub use subject::SubjectStrategy;
