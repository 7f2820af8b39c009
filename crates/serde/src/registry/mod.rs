//! A client of the registry's REST interface.

mod cache;
mod client;
mod model;
mod options;
mod resolve;

pub use client::RegistryClient;
pub use model::{Check, Registered, Schema, VersionSpec};
pub use options::RegistryOptions;
pub use resolve::Resolved;
