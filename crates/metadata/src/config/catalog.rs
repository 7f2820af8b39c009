//! The rows, and how one is found.

mod client_metrics;
mod cluster;
mod group;
mod groups;
mod log;
mod network;
mod other;
mod security;
mod topic;

use super::Config;
use crate::ResourceType;

const THREADS: &str = "Mekong's threads follow the machine's cores";
const PURGATORY: &str = "a request that has its answer is forgotten at once";
const NO_WINDOWS: &str = "replication throttles keep no windows: what was too much is waited for in full";
const NO_CONSUMER_PROTOCOL: &str = "the consumer group protocol of KIP-848 is not there yet";
const NO_SHARE_GROUPS: &str = "share groups are not there yet";
const NO_STREAMS_PROTOCOL: &str = "the streams group protocol is not there yet";
const NO_TRANSACTIONS: &str = "transactions are not there yet";
const NO_TIERING: &str = "tiered storage is not there yet";
const NO_QUOTAS: &str = "quotas are not there yet";
const NO_JMX: &str = "there is no JMX here";
const NO_TELEMETRY: &str = "clients' metrics are not collected yet";
const NO_JAVA: &str = "Java classes cannot be loaded here";
const NO_TLS: &str = "TLS is not there yet";
const NO_SASL: &str = "SASL is not there yet";
const NO_KERBEROS: &str = "Kerberos is not supported";
const NO_TOKENS: &str = "delegation tokens are not there yet";

/// Rows written as `"name": Type = default, valid, importance, scope, status, "doc";`, with `<- "broker's config"` behind the
/// name where that gives the default.
macro_rules! configs {
    ($($name:literal $(<- $synonym:literal)?: $kind:ident = $default:tt, $valid:expr, $importance:ident, $scope:ident,
        $status:expr, $doc:literal;)*) => {{
        #[allow(unused_imports, reason = "each table uses some of the words")]
        use crate::config::{Status::*, Valid::*};
        &[$(Config {
            name: $name,
            kind: crate::config::Kind::$kind,
            default: configs!(@default $default),
            valid: $valid,
            importance: crate::config::Importance::$importance,
            scope: crate::config::Scope::$scope,
            status: $status,
            doc: $doc,
            synonym: configs!(@synonym $($synonym)?),
        },)*]
    }};
    (@default null) => { crate::config::Default::Null };
    (@default required) => { crate::config::Default::Required };
    (@default $value:literal) => { crate::config::Default::Is($value) };
    (@synonym) => { None };
    (@synonym $synonym:literal) => { Some($synonym) };
}

use configs;

/// The configs of topics, by name.
pub static TOPIC: &[Config] = topic::ROWS;

/// The configs of groups, by name.
pub static GROUP: &[Config] = group::ROWS;

/// The configs of subscriptions to clients' metrics, by name.
pub static CLIENT_METRICS: &[Config] = client_metrics::ROWS;

/// The configs of brokers: one table per area, each by name.
pub static BROKER: &[&[Config]] =
    &[network::ROWS, log::ROWS, cluster::ROWS, groups::ROWS, security::ROWS, other::ROWS];

/// Limits of brokers that Kafka's properties do not have: they are set on running brokers only (KIP-73, KIP-113).
pub static DYNAMIC_ONLY: &[Config] = configs! {
    "follower.replication.throttled.rate": Long = "9223372036854775807", AtLeast(0), Medium, ClusterWide,
        Effective, "How many bytes per second the throttled replicas may copy as followers";
    "leader.replication.throttled.rate": Long = "9223372036854775807", AtLeast(0), Medium, ClusterWide,
        Effective, "How many bytes per second the throttled replicas may send as leaders";
    "replica.alter.log.dirs.io.max.bytes.per.second": Long = "9223372036854775807", AtLeast(0), Medium, ClusterWide,
        Effective, "How many bytes per second may move between log directories";
};

/// The broker's config of this name.
pub fn broker_config(name: &str) -> Option<&'static Config> {
    BROKER.iter().find_map(|table| find(table, name))
}

/// The config of this name for resources of this type.
pub fn config_of(kind: ResourceType, name: &str) -> Option<&'static Config> {
    match kind {
        ResourceType::TOPIC => find(TOPIC, name),
        ResourceType::BROKER => broker_config(name),
        ResourceType::GROUP => find(GROUP, name),
        ResourceType::CLIENT_METRICS => find(CLIENT_METRICS, name),
        _ => None,
    }
}

fn find(table: &'static [Config], name: &str) -> Option<&'static Config> {
    let place = table.binary_search_by(|config| config.name.cmp(name)).ok()?;
    table.get(place)
}
