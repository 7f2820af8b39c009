//! The broker: everything between a socket and the cores that decide.
//!
//! ```text
//! listener ─► connection ─► dispatch ─► handlers/<api> ─► partition | coordinator | controller
//! ```
//!
//! [`serve`] starts one from a [`Config`] and returns a [`Handle`]; it prints nothing. To add an API see `dispatch.rs`.

mod accounting;
mod blocking;
mod cluster;
mod compaction;
pub mod config;
mod connection;
mod connections;
mod controller;
mod coordinators;
mod dispatch;
mod errors;
mod fetch;
mod handlers;
mod housekeeping;
mod listener;
mod loggers;
mod logs;
mod metrics;
mod moves;
mod nodes;
mod partition;
mod producer_ids;
mod relaxed;
mod replication;
mod request;
mod server;
mod settings;
mod throttle;
mod topic_name;
mod waiters;

pub use accounting::{Account, Accounts, Party};
pub use config::Config;
pub use connections::Connections;
pub use controller::MetadataError;
pub use listener::{Endpoint, Listener};
pub use loggers::{Apply, Loggers};
pub use metrics::{ApiMetrics, Metrics};
pub use nodes::Node;
pub use partition::verify::{Check, Checks, Refusal, Verdict};
pub use partition::{Partition, Topic, TopicSettings, Topics};
pub use request::{ConnectionInfo, Need, Operation, RequestContext, ResourceType};
pub use server::{Broker, Handle, Served, StartError, serve};
pub use waiters::{Key, Registration, Waiter, Waiters};
