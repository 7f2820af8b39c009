//! The broker's configuration: Kafka's property names, read once into values that are passed down.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

mod check;
mod limits;
pub mod listeners;
pub mod properties;
mod quorum;

use metadata::MetadataImage;
use metadata::config::{BrokerConfigs, StaticConfigs};

use crate::loggers::Loggers;
use crate::partition::verify::Checks;

pub(crate) use check::validation_mode;
pub use check::{Note, PRODUCE_VALIDATION};
pub use limits::ConnectionLimits;
pub use listeners::{ListenerConfig, SecurityProtocol};
pub use properties::{Origin, Properties, Property};
pub use quorum::{QuorumConfig, Roles};

/// The data folder when nobody names one.
pub const DEFAULT_LOG_DIR: &str = "./mekong-data";

/// Everything a broker is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The properties as given, for DescribeConfigs and messages.
    pub properties: Properties,
    /// The properties as the catalog of configs wants them.
    pub statics: StaticConfigs,
    /// The log levels of the process.
    pub loggers: Loggers,
    /// What is to be said once of some of them.
    pub notes: Vec<Note>,
    /// `node.id` (or `broker.id`).
    pub node_id: i32,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// `listeners` with what is advertised for each.
    pub listeners: Vec<ListenerConfig>,
    /// `log.dirs` (or `log.dir`).
    pub log_dirs: Vec<PathBuf>,
    /// Sockets and connections.
    pub network: NetworkConfig,
    /// Limits of Fetch.
    pub fetch: FetchConfig,
    /// Topics nobody configured.
    pub topics: TopicDefaults,
    /// What looks at records on their way in, for topics that ask for it.
    pub checks: Option<Arc<dyn Checks>>,
    /// `log.retention.check.interval.ms`.
    pub retention_check_ms: u64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub recovery_point_ms: i64,
    /// Which part this node has in the cluster, and who the others are.
    pub quorum: QuorumConfig,
}

/// Sockets and connections.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// `socket.request.max.bytes`.
    pub request_max_bytes: usize,
    /// `socket.listen.backlog.size`.
    pub backlog: i32,
    /// `socket.send.buffer.bytes`, if set; else the kernel sizes it.
    pub send_buffer_bytes: Option<usize>,
    /// `socket.receive.buffer.bytes`, if set; else the kernel sizes it.
    pub receive_buffer_bytes: Option<usize>,
    /// `connections.max.idle.ms`; `None`: never.
    pub idle_max: Option<Duration>,
    /// How many connections there may be.
    pub limits: ConnectionLimits,
    /// `queued.max.request.bytes`; unset: a quarter of the memory this process may use.
    pub request_bytes_max: u64,
}

/// Limits of Fetch.
#[derive(Clone, Debug)]
pub struct FetchConfig {
    /// `fetch.max.bytes`.
    pub max_bytes: usize,
    /// `max.incremental.fetch.session.cache.slots`.
    pub session_slots: usize,
    /// Whether consumers are sent to replicas in their rack (`replica.selector.class`, KIP-392).
    pub rack_aware: bool,
}

/// Topics nobody configured.
#[derive(Clone, Debug)]
pub struct TopicDefaults {
    /// `num.partitions`.
    pub partitions: i32,
    /// `default.replication.factor`.
    pub replication_factor: i16,
    /// `auto.create.topics.enable`.
    pub auto_create: bool,
}

/// A property whose value cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The key.
    pub key: String,
    /// The value given.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}={}: {}", self.origin, self.key, self.value, self.problem)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the properties; the first that cannot be used is the error.
    pub fn new(properties: Properties) -> Result<Self, ConfigError> {
        let read = Reader(&properties);
        let notes = check::check(&properties)?;
        let node_id = read.number_of(&["node.id", "broker.id"], 0..=i32::MAX, 1)?;
        let log_dirs = read.log_dirs()?;
        let quorum = read.quorum(node_id)?;
        let statics = statics(&properties, node_id, &log_dirs, &quorum);
        Ok(Self {
            notes,
            loggers: Loggers::default(),
            node_id,
            rack: read.text("broker.rack").map(str::to_owned),
            listeners: read.listeners(node_id)?,
            log_dirs,
            network: read.network(&statics)?,
            fetch: FetchConfig {
                max_bytes: read.number("fetch.max.bytes", 1024..=i32::MAX as usize, 55 << 20)?,
                session_slots: read.number(
                    "max.incremental.fetch.session.cache.slots",
                    0..=i32::MAX as usize,
                    1000,
                )?,
                rack_aware: read.text("replica.selector.class") == Some(check::RACK_AWARE),
            },
            topics: TopicDefaults {
                partitions: read.number("num.partitions", 1..=i32::MAX, 1)?,
                replication_factor: read.number("default.replication.factor", 1..=i16::MAX, 1)?,
                auto_create: read.flag("auto.create.topics.enable", true)?,
            },
            checks: None,
            retention_check_ms: read.number("log.retention.check.interval.ms", 1..=u64::MAX, 300_000)?,
            quorum,
            statics,
            recovery_point_ms: read.number(
                "log.flush.offset.checkpoint.interval.ms",
                0..=i64::MAX,
                60_000,
            )?,
            properties,
        })
    }
}

impl Config {
    /// `metadata.log.dir`, or the first of `log.dirs`.
    pub fn metadata_dir(&self) -> PathBuf {
        let named = self.properties.get("metadata.log.dir").map(|one| PathBuf::from(one.value.trim()));
        named.or_else(|| self.log_dirs.first().cloned()).unwrap_or_else(|| PathBuf::from(DEFAULT_LOG_DIR))
    }
}

/// The properties with what Mekong finds by itself where Kafka demands it, so that DescribeConfigs tells what is.
fn statics(
    properties: &Properties,
    node_id: i32,
    log_dirs: &[PathBuf],
    quorum: &QuorumConfig,
) -> StaticConfigs {
    let given = properties.iter().map(|(key, one)| (key.to_owned(), one.value.trim().to_owned()));
    let mut all: StaticConfigs = given.collect();
    for key in ["node.id", "broker.id"] {
        all.insert(key.to_owned(), node_id.to_string());
    }
    all.entry("process.roles".to_owned()).or_insert_with(|| "broker,controller".to_owned());
    if !quorum.is_alone() {
        let heartbeat_ms = quorum.heartbeat_interval.as_millis();
        all.insert("broker.session.timeout.ms".to_owned(), quorum.session_ms.to_string());
        all.insert("broker.heartbeat.interval.ms".to_owned(), heartbeat_ms.to_string());
    }
    let dirs: Vec<_> = log_dirs.iter().map(|dir| dir.display().to_string()).collect();
    all.entry("log.dirs".to_owned()).or_insert_with(|| dirs.join(","));
    all
}

/// Typed access with Kafka's bounds.
struct Reader<'a>(&'a Properties);

impl<'a> Reader<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).map(|property| property.value.trim())
    }

    fn wrong(&self, key: &str, problem: String) -> ConfigError {
        let (value, origin) = match self.0.get(key) {
            Some(property) => (property.value.clone(), property.origin.clone()),
            None => (String::new(), Origin::Embedder),
        };
        ConfigError { key: key.to_owned(), value, origin, problem }
    }

    fn number<N>(&self, key: &str, allowed: std::ops::RangeInclusive<N>, default: N) -> Result<N, ConfigError>
    where
        N: FromStr + PartialOrd + fmt::Display,
    {
        let Some(text) = self.text(key) else { return Ok(default) };
        match text.parse::<N>() {
            Ok(number) if allowed.contains(&number) => Ok(number),
            _ => Err(self
                .wrong(key, format!("must be a whole number from {} to {}", allowed.start(), allowed.end()))),
        }
    }

    /// The first of several names for one setting.
    fn number_of<N>(
        &self,
        keys: &[&str],
        allowed: std::ops::RangeInclusive<N>,
        default: N,
    ) -> Result<N, ConfigError>
    where
        N: FromStr + PartialOrd + fmt::Display,
    {
        match keys.iter().find(|key| self.text(key).is_some()) {
            Some(key) => self.number(key, allowed, default),
            None => Ok(default),
        }
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.text(key) {
            None => Ok(default),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(self.wrong(key, "must be true or false".to_owned())),
        }
    }

    fn listeners(&self, node_id: i32) -> Result<Vec<ListenerConfig>, ConfigError> {
        let keys = ["listeners", "advertised.listeners", "listener.security.protocol.map"];
        let [listeners, advertised, map] = keys.map(|key| self.text(key));
        let parsed = listeners::parse(listeners, advertised, map).map_err(|problem| {
            let key = keys.into_iter().find(|key| self.text(key).is_some()).unwrap_or("listeners");
            self.wrong(key, problem)
        })?;
        let of_controller = self.text("controller.listener.names").unwrap_or_default();
        let is_controllers =
            |name: &str| of_controller.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
        let mut parsed = parsed;
        for listener in &mut parsed {
            listener.is_controllers = is_controllers(&listener.name);
            let key = format!("listener.name.{}.{PRODUCE_VALIDATION}", listener.name.to_lowercase());
            listener.produce_validation = self.text(&key).and_then(validation_mode);
        }
        let quorum = self.quorum(node_id)?;
        self.check_listeners(&quorum, &parsed)?;
        // With one node the controller's role needs no listener of its own.
        parsed.retain(|listener| !listener.is_controllers || !quorum.is_alone());
        match parsed.iter().find(|listener| listener.protocol != SecurityProtocol::Plaintext) {
            Some(other) => Err(self.wrong(
                "listeners",
                format!(
                    "listener {} asks for {}, which this version does not serve; use PLAINTEXT",
                    other.name,
                    other.protocol.name()
                ),
            )),
            None => Ok(parsed),
        }
    }

    fn log_dirs(&self) -> Result<Vec<PathBuf>, ConfigError> {
        let key = if self.text("log.dirs").is_some() { "log.dirs" } else { "log.dir" };
        let text = self.text(key).unwrap_or(DEFAULT_LOG_DIR);
        let dirs: Vec<PathBuf> =
            text.split(',').map(str::trim).filter(|dir| !dir.is_empty()).map(PathBuf::from).collect();
        if dirs.is_empty() {
            return Err(self.wrong(key, "must name at least one folder".to_owned()));
        }
        Ok(dirs)
    }

    fn network(&self, statics: &StaticConfigs) -> Result<NetworkConfig, ConfigError> {
        let idle_ms: i64 = self.number("connections.max.idle.ms", i64::MIN..=i64::MAX, 600_000)?;
        let queued: i64 = self.number("queued.max.request.bytes", -1..=i64::MAX, -1)?;
        let send_buffer: i32 = self.number("socket.send.buffer.bytes", -1..=i32::MAX, -1)?;
        let receive_buffer: i32 = self.number("socket.receive.buffer.bytes", -1..=i32::MAX, -1)?;
        Ok(NetworkConfig {
            request_max_bytes: self.number("socket.request.max.bytes", 1..=i32::MAX as usize, 100 << 20)?,
            backlog: self.number("socket.listen.backlog.size", 1..=i32::MAX, 1024)?,
            send_buffer_bytes: usize::try_from(send_buffer).ok(),
            receive_buffer_bytes: usize::try_from(receive_buffer).ok(),
            idle_max: u64::try_from(idle_ms).ok().map(Duration::from_millis),
            limits: self.limits(statics)?,
            request_bytes_max: u64::try_from(queued).unwrap_or_else(|_| net::memory_limit_bytes() / 4),
        })
    }

    fn limits(&self, statics: &StaticConfigs) -> Result<ConnectionLimits, ConfigError> {
        let configs = BrokerConfigs { node_id: 0, statics, image: &MetadataImage::default() };
        ConnectionLimits::of(&configs)
            .map_err(|problem| self.wrong("max.connections.per.ip.overrides", problem))
    }
}

#[cfg(test)]
mod tests;
