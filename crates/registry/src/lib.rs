//! A schema registry that Confluent's clients cannot tell from their own.
//!
//! It sees the cluster only through a log of records (`_schemas`, one compacted partition) and answers over HTTP. Requests
//! that change something are decided on a state that already counts the decisions before them, appended, and answered only
//! when the registry's own replay shows that they won. See `docs/registry.md` and ADR 7.

mod access;
mod candidate;
mod config;
mod core;
mod election;
mod error;
mod fence;
mod follow;
pub mod http;
mod jobs;
mod json;
mod kafka;
mod log;
mod mend;
mod options;
mod record;
mod service;
mod settings;
mod store;
mod subject;
mod validator;

pub use access::{Access, Tls};
pub use config::{Config, Mode};
pub use election::{Instance, Leader, is_loopback};
pub use error::RestError;
pub use fence::Fence;
pub use kafka::{KafkaLog, Place};
pub use log::{Appended, BoxFuture, LogEntry, LogError, MemoryLog, SchemasLog, SchemasReader};
pub use options::{DEFAULT_PORT, Elect, Listen, Options, serve, serve_on};
pub use record::{Content, Key, Record, SchemaValue};
pub use service::Registry;
pub use settings::{Profile, Settings};
pub use store::{Applied, Live, Store, Version};
pub use validator::{Part, Rest, Session, Strategy, Unfit, Validator};
