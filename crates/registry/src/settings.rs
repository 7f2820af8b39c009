//! How a registry behaves: values given at its start.

use std::sync::Arc;
use std::time::Duration;

use schema::Level;

use crate::access::Access;

/// Which version of Confluent's registry the answers are those of, in the few places where versions differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// 7.5 to 7.9: a registration answers its id, and what was registered where that is more than was sent; incompatibility is 409, Avro's
    /// type is not named.
    V7,
    /// As 7.x, with the GUID beside every id, and a registration answered by these alone: what today's client libraries expect,
    /// including those that send GUIDs.
    #[default]
    Current,
    /// 8.0 and 8.1: whole records, incompatibility is 409.
    V8,
    /// 8.1.2 and later: whole records, incompatibility is 40901.
    V82,
}

impl Profile {
    /// The profile of `compat.profile`.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "7" => Some(Self::V7),
            "current" => Some(Self::Current),
            "8" | "8.1" => Some(Self::V8),
            "8.2" => Some(Self::V82),
            _ => None,
        }
    }

    /// The code of an incompatible registration.
    pub(crate) fn incompatible_code(self) -> u32 {
        if self == Self::V82 { 40901 } else { 409 }
    }

    /// Whether answers carry GUIDs.
    pub(crate) fn tells_guids(self) -> bool {
        self >= Self::Current
    }

    /// Whether answers carry timestamps and Avro's type, and registrations whole records.
    pub(crate) fn is_whole(self) -> bool {
        self >= Self::V8
    }

    /// The version that `/v1/metadata/version` tells.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::V7 | Self::Current => "7.9.0",
            Self::V8 => "8.1.1",
            Self::V82 => "8.2.0",
        }
    }
}

/// How a registry behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The level where none is configured (`schema.compatibility.level`).
    pub level: Level,
    /// Which version's answers to give.
    pub profile: Profile,
    /// Whether modes may be changed (`mode.mutability`).
    pub mode_mutability: bool,
    /// Whether schemas are normalized where nothing else is said.
    pub normalize: bool,
    /// How long a write may wait for its record (`kafkastore.timeout.ms`).
    pub timeout: Duration,
    /// How long a caller may take to send a request's head, or its body (`idle.timeout.ms`).
    pub idle_timeout: Duration,
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// The largest record that a write may make: what a topic takes without a configuration (`max.message.bytes`).
    pub record_bytes_max: usize,
    /// Entries of one answer to a search that asks for no number, or for more than it may (`schema.search.default.limit`).
    pub search_limit: usize,
    /// Entries that a search may ask for (`schema.search.max.limit`).
    pub search_limit_max: usize,
    /// Bytes of schemas in one answer to a search: after so many it ends, and the caller asks for the next page.
    pub search_bytes_max: usize,
    /// The cluster's id, for `/v1/metadata/id`.
    pub cluster_id: String,
    /// The registry's group id, for `/v1/metadata/id` (`schema.registry.group.id`).
    pub group_id: String,
    /// Who may ask.
    pub access: Access,
    /// Whether every write is refused, for a replica (`read.only=true`).
    pub read_only: bool,
    /// How other registries are spoken to by https (`ssl.truststore.location`).
    pub peers: Option<Arc<rustls::ClientConfig>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            level: Level::Backward,
            profile: Profile::default(),
            mode_mutability: true,
            normalize: false,
            timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            body_bytes_max: base::limits::SCHEMA_TEXT_BYTES_MAX,
            record_bytes_max: 1_048_576,
            search_limit: 1000,
            search_limit_max: 1000,
            search_bytes_max: 16 * 1024 * 1024,
            cluster_id: String::new(),
            group_id: "schema-registry".to_owned(),
            access: Access::default(),
            read_only: false,
            peers: None,
        }
    }
}
