//! A Kafka client: producer, consumer and admin over one set of connections.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = client::Client::connect("localhost:9092").await?;
//! client.send(("greetings", "key", "hello")).await?;
//! # Ok(()) }
//! ```
//!
//! Works with Mekong and with Apache Kafka 2.1 and later. Plaintext only for now: TLS and SASL settings are refused.

mod address;
pub mod admin;
pub mod assignor;
mod backoff;
mod client;
mod cluster;
mod connection;
pub mod consumer;
mod error;
mod group_member;
mod options;
pub mod producer;
mod random;
mod record;
mod setting;
mod topic_partition;

pub use address::{Address, BadBootstrap, Bootstrap, DEFAULT_PORT};
pub use admin::{Admin, AdminError};
pub use client::Client;
pub use cluster::{Broker, ClusterView, PartitionView, TopicView};
pub use connection::{Connection, Reply};
pub use consumer::{
    Batch, CommitError, ConsumeError, Consumer, ConsumerBuilder, PartitionReader, Rebalance, Reset, Split,
    StartAt, Subscription,
};
pub use error::{CallError, ConnectError};
pub use group_member::{GroupMember, GroupOptions, GroupProtocol};
pub use options::ClientOptions;
pub use producer::{Ack, Acks, ProduceError, Producer, ProducerBuilder, ProducerIdentity};
pub use record::{ConsumerRecord, Header, IntoBytes, ProducerRecord, RecordMetadata};
pub use records::Compression;
pub use topic_partition::TopicPartition;
pub use wire::ErrorCode;
