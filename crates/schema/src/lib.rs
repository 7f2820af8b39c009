//! Schemas of the three languages that the registry, the serializers and the broker share.
//!
//! Pure: text in, models and verdicts out; no clock, no disk, no network, no randomness. Every parser and every
//! comparison is bounded in depth, steps and printed bytes (`base::limits`), so that no input can hang or exhaust a server.

pub mod avro;
mod error;
pub mod json;
pub mod jsonschema;
pub mod protobuf;

pub use error::SchemaError;
