//! What configs are set on.

use base::Str;

/// Kafka's type of a config resource; an open number, since the wire may carry any.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ResourceType(pub i8);

impl ResourceType {
    /// A topic.
    pub const TOPIC: Self = Self(2);
    /// A broker, or with an empty name the default of all brokers.
    pub const BROKER: Self = Self(4);
    /// The log levels of a broker; never stored.
    pub const BROKER_LOGGER: Self = Self(8);
    /// A subscription to clients' metrics (KIP-714).
    pub const CLIENT_METRICS: Self = Self(16);
    /// A group of any protocol.
    pub const GROUP: Self = Self(32);

    /// Kafka's name of the type, if it has one.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::TOPIC => "TOPIC",
            Self::BROKER => "BROKER",
            Self::BROKER_LOGGER => "BROKER_LOGGER",
            Self::CLIENT_METRICS => "CLIENT_METRICS",
            Self::GROUP => "GROUP",
            _ => return None,
        })
    }
}

/// One thing that configs are set on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ConfigResource {
    /// Its type.
    pub kind: ResourceType,
    /// Its name; empty for the default of all brokers.
    pub name: Str,
}

impl ConfigResource {
    /// A topic.
    pub fn topic(name: impl Into<Str>) -> Self {
        Self { kind: ResourceType::TOPIC, name: name.into() }
    }

    /// One broker, named by its id.
    pub fn broker(id: i32) -> Self {
        Self { kind: ResourceType::BROKER, name: alloc::format!("{id}").into() }
    }

    /// The default of all brokers.
    pub const fn all_brokers() -> Self {
        Self { kind: ResourceType::BROKER, name: Str::from_static("") }
    }

    /// A group.
    pub fn group(name: impl Into<Str>) -> Self {
        Self { kind: ResourceType::GROUP, name: name.into() }
    }
}
