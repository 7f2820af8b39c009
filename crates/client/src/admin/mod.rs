//! Asking and changing a cluster: topics, configs, groups, offsets, records, brokers.
//!
//! ```no_run
//! # async fn example(client: client::Client) -> Result<(), client::AdminError> {
//! let admin = client.admin();
//! admin.create_topic("orders").partitions(6).config("retention.ms", "86400000").await?;
//! for topic in admin.list_topics().await? {
//!     println!("{}: {} partitions", topic.name, topic.partitions.len());
//! }
//! # Ok(()) }
//! ```

mod brokers;
mod configs;
mod create_topic;
mod error;
pub(crate) mod fetch_committed;
mod groups;
mod offsets;
mod quorum;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use crate::cluster::Cluster;
pub use brokers::{ClusterDescription, LogDir, OfferedApi, ReplicaSize};
pub use configs::{ConfigChange, ConfigEntry, ConfigResource, ConfigSource};
pub use create_topic::{CreateTopic, CreatedTopic};
pub use error::AdminError;
pub use fetch_committed::CommittedOffset;
pub use groups::{GroupDescription, ListedGroup, MemberDescription};
pub(crate) use offsets::list_offsets;
pub use offsets::{FoundOffset, FoundOffsets, OffsetSpec};
pub use quorum::{QuorumDescription, QuorumMember};

/// Asks and changes a cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admin {
    cluster: Arc<Cluster>,
}

impl Admin {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    /// How long a broker may take over a change before it answers.
    fn timeout_ms(&self) -> i32 {
        millis(self.cluster.options.request_timeout)
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
