//! Every config of Kafka 4.3: what it is, what it may be, and what Mekong does with it.
//!
//! The rows stand in `catalog/`, one file per area. A row says name, type, default, valid values, importance, whether it may
//! change while running, its effect in Mekong ([`Status`]), and in a few words what it is for. Lookups are by binary search
//! over tables that are sorted when first written down; a test keeps them so and compares each fact with Kafka's own.

mod catalog;
mod check;
mod dynamic;
mod resolve;
mod valid;

pub use catalog::{BROKER, CLIENT_METRICS, DYNAMIC_ONLY, GROUP, TOPIC, broker_config, config_of};
pub(crate) use check::split_list;
pub use check::{ConfigError, Value};
pub use dynamic::{RunningBroker, base_name, dynamic_config};
pub use resolve::{
    BrokerConfigs, ConfigRef, Entry, Source, StaticConfigs, Synonym, group_config_entries,
    topic_config_entries, topic_config_text, topic_config_value,
};
pub use valid::Valid;

/// The type of a value, with Kafka's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
    /// 32 bits.
    Int,
    /// 16 bits.
    Short,
    /// 64 bits.
    Long,
    /// A floating-point number.
    Double,
    /// Texts, separated by commas.
    List,
    /// The name of a Java class.
    Class,
    /// Text that is never told.
    Password,
}

impl Kind {
    /// Kafka's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }

    /// The number that DescribeConfigs answers carry (KIP-569).
    pub const fn code(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }
}

/// What a config has when nobody sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Default {
    /// This value.
    Is(&'static str),
    /// No value.
    Null,
    /// Kafka demands one; Mekong finds one by itself.
    Required,
}

/// How much it matters, in Kafka's judgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Importance {
    /// Look at it first.
    High,
    /// Look at it to tune.
    Medium,
    /// Leave it alone.
    Low,
}

/// Whether a broker's config may change while the broker runs (KIP-226).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Only by a restart.
    ReadOnly,
    /// For each broker by itself.
    PerBroker,
    /// For each broker or for all of them.
    ClusterWide,
    /// Only by a restart, and not shown.
    Internal,
}

/// What Mekong does with a config.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// What it says.
    Effective,
    /// Takes it and does without, for this reason; said once at the start.
    NoUse(&'static str),
    /// Does not start with anything but the default, for this reason: to ignore it would betray whoever set it.
    Refused(&'static str),
}

/// One row of the catalog.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Kafka's name.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// What it has when nobody sets it.
    pub default: Default,
    /// What it may be.
    pub valid: Valid,
    /// How much it matters.
    pub importance: Importance,
    /// Whether it may change while running; for topics and groups always.
    pub scope: Scope,
    /// What Mekong does with it.
    pub status: Status,
    /// What it is for.
    pub doc: &'static str,
    /// The broker's config that gives the default, for configs of topics and groups.
    pub synonym: Option<&'static str>,
}

impl Config {
    /// Whether its value must never be told.
    pub const fn is_sensitive(&self) -> bool {
        matches!(self.kind, Kind::Password)
    }

    /// Whether DescribeConfigs leaves it out.
    pub const fn is_internal(&self) -> bool {
        matches!(self.scope, Scope::Internal)
    }

    /// Whether it cannot change while the broker runs.
    pub const fn is_read_only(&self) -> bool {
        matches!(self.scope, Scope::ReadOnly | Scope::Internal)
    }

    /// The default, if it is a value.
    pub const fn default_value(&self) -> Option<&'static str> {
        match self.default {
            Default::Is(value) => Some(value),
            Default::Null | Default::Required => None,
        }
    }
}

#[cfg(test)]
mod tests;
