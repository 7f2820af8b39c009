//! Schemas of the three languages that the registry, the serializers and the broker share.
//!
//! Pure: text in, models and verdicts out; no clock, no disk, no network, no randomness. Every parser and every
//! comparison is bounded in depth, steps and printed bytes (`base::limits`), so that no input can hang or exhaust a server.

pub mod avro;
mod compatibility;
mod error;
mod identity;
pub mod json;
pub mod jsonschema;
mod language;
mod md5;
mod metadata;
mod names;
mod parsed;
pub mod protobuf;
mod rules;

pub use compatibility::{Direction, Finding, Level, Previous, Verdict, check};
pub use error::SchemaError;
pub use identity::{Guid, Reference, guid};
pub use jsonschema::Policy;
pub use language::Language;
pub use md5::Md5;
pub use metadata::Metadata;
pub use parsed::{Parsed, ReferencedText, Strictness};
pub use rules::{Rule, RuleSet};
