//! What a config's value is, and where it comes from.
//!
//! A broker's config is looked for in this order: set on this broker, set on all brokers, in the properties the node was
//! started with, the default. A topic's or group's own value stands before the broker's config of its synonym. The answers of
//! DescribeConfigs list the whole chain as synonyms (KIP-226).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base::Str;

use super::{BROKER, Config, GROUP, TOPIC, Value, base_name, broker_config};
use crate::image::{ConfigResource, MetadataImage};
use crate::map::Map;

/// The properties a node was started with.
pub type StaticConfigs = BTreeMap<String, String>;

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Set on the topic.
    Topic,
    /// Set on this broker while running.
    DynamicBroker,
    /// Set on all brokers while running.
    DynamicDefaultBroker,
    /// In the properties the node was started with.
    StaticBroker,
    /// Nobody set it.
    Default,
    /// Set on the subscription to clients' metrics.
    ClientMetrics,
    /// Set on the group.
    Group,
}

impl Source {
    /// The number that answers carry.
    pub const fn code(self) -> i8 {
        match self {
            Self::Topic => 1,
            Self::DynamicBroker => 2,
            Self::DynamicDefaultBroker => 3,
            Self::StaticBroker => 4,
            Self::Default => 5,
            Self::ClientMetrics => 7,
            Self::Group => 8,
        }
    }
}

/// One place in the chain that leads to a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synonym {
    /// The config's name at that place.
    pub name: Str,
    /// Its value there, untold if sensitive.
    pub value: Option<Str>,
    /// The place.
    pub source: Source,
}

/// A config with its value and the chain that leads to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// The row of the catalog.
    pub config: ConfigRef,
    /// The effective value; none if there is none or it must not be told.
    pub value: Option<Str>,
    /// Where it comes from.
    pub source: Source,
    /// The chain, the effective place first.
    pub synonyms: Vec<Synonym>,
}

/// A row of the catalog; equal when the names are.
#[derive(Clone, Copy, Debug)]
pub struct ConfigRef(pub &'static Config);

impl core::ops::Deref for ConfigRef {
    type Target = Config;

    fn deref(&self) -> &Config {
        self.0
    }
}

impl PartialEq for ConfigRef {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The configs of one broker, as this node sees them.
#[derive(Clone, Copy, Debug)]
pub struct BrokerConfigs<'a> {
    /// The broker.
    pub node_id: i32,
    /// The properties it was started with.
    pub statics: &'a StaticConfigs,
    /// What was set since.
    pub image: &'a MetadataImage,
}

impl BrokerConfigs<'_> {
    /// The text of a config, if anybody set it, without looking at other names.
    fn set(&self, name: &str) -> Option<&str> {
        let on = |resource: ConfigResource| self.image.config(&resource, name).map(|value| value.as_str());
        on(ConfigResource::broker(self.node_id))
            .or_else(|| on(ConfigResource::all_brokers()))
            .or_else(|| self.statics.get(name).map(String::as_str))
    }

    /// The text of a config if anybody set it: on this broker, on all, or in the properties.
    pub fn set_anywhere(&self, name: &str) -> Option<String> {
        self.set(name).map(String::from)
    }

    /// The effective text of a config, none if it has no value.
    pub fn text(&self, name: &str) -> Option<String> {
        let set = self.set(name).or_else(|| broker_config(name)?.default_value());
        set.map(String::from)
    }

    /// The effective value of a config. A text that is not valid, which the checks keep out, counts as not set.
    pub fn value(&self, name: &str) -> Option<Value> {
        let config = broker_config(name)?;
        let set = self.set(name).and_then(|text| config.parse(text).ok());
        set.or_else(|| config.parse(config.default_value()?).ok())
    }

    /// The effective number of a config, 0 if it has none.
    pub fn number(&self, name: &str) -> i64 {
        self.value(name).map_or(0, |value| value.as_i64())
    }

    /// The effective boolean of a config, `false` if it has none.
    pub fn flag(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value.as_bool())
    }

    /// The value of a config that other configs stand in for when it is not set, in the unit of the first.
    pub fn with_stand_ins(&self, name: &str) -> Option<Value> {
        for (stand_in, unit) in stand_ins(name) {
            let config = broker_config(stand_in)?;
            let set = self.set(stand_in).and_then(|text| config.parse(text).ok());
            if let Some(value) = set.or_else(|| config.parse(config.default_value()?).ok()) {
                return Some(in_unit(value, *unit));
            }
        }
        self.value(name)
    }

    /// The chain of one broker's config. As in Kafka it begins at the config's own name.
    fn chain(&self, name: &str) -> Vec<Synonym> {
        let names: Vec<&str> = family(name);
        let mut chain = Vec::new();
        let dynamic = [
            (Source::DynamicBroker, ConfigResource::broker(self.node_id)),
            (Source::DynamicDefaultBroker, ConfigResource::all_brokers()),
        ];
        for (source, resource) in dynamic {
            let set =
                names.iter().filter_map(|name| Some((*name, self.image.config(&resource, name)?.clone())));
            chain.extend(set.map(|(name, value)| synonym(name, value, source)));
        }
        let set = names.iter().filter_map(|name| Some((*name, Str::from(self.statics.get(*name)?.as_str()))));
        chain.extend(set.map(|(name, value)| synonym(name, value, Source::StaticBroker)));
        let defaults = names.iter().filter_map(|name| Some((*name, broker_config(name)?.default_value()?)));
        chain.extend(defaults.map(|(name, value)| synonym(name, Str::from_static(value), Source::Default)));
        let own = chain.iter().position(|synonym| synonym.name == *name).unwrap_or(chain.len());
        chain.split_off(own)
    }

    /// The chain of a config that the tables do not list: its own places, then those of the name behind a listener's prefix.
    pub fn unlisted_chain(&self, name: &str) -> Vec<Synonym> {
        let mut chain = self.chain(name);
        if let Some(base) = base_name(name) {
            chain.extend(self.chain(base));
        }
        chain
    }

    /// All of this broker's configs, with only what was set on all brokers if `defaults_only`.
    pub fn entries(&self) -> Vec<Entry> {
        let all = BROKER.iter().flat_map(|table| table.iter()).filter(|config| !config.is_internal());
        all.map(|config| self.entry(config)).collect()
    }

    /// One of this broker's configs.
    pub fn entry(&self, config: &'static Config) -> Entry {
        let mut synonyms = self.chain(config.name);
        let value = if config.is_sensitive() { None } else { self.text(config.name).map(Str::from) };
        hide(config, &mut synonyms);
        let source = synonyms.first().map_or(Source::Default, |first| first.source);
        Entry { config: ConfigRef(config), value, source, synonyms }
    }
}

fn synonym(name: &str, value: Str, source: Source) -> Synonym {
    Synonym { name: Str::from(name), value: Some(value), source }
}

fn hide(config: &Config, synonyms: &mut [Synonym]) {
    if config.is_sensitive() {
        synonyms.iter_mut().for_each(|synonym| synonym.value = None);
    }
}

/// The names that a broker's config shares its meaning with, as Kafka lists them in a chain.
fn family(name: &str) -> Vec<&str> {
    match name {
        "log.roll.ms" | "log.roll.hours" => ["log.roll.ms", "log.roll.hours"].into(),
        "log.roll.jitter.ms" | "log.roll.jitter.hours" => {
            ["log.roll.jitter.ms", "log.roll.jitter.hours"].into()
        }
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours" => {
            ["log.retention.ms", "log.retention.minutes", "log.retention.hours"].into()
        }
        "log.flush.interval.ms" => ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"].into(),
        _ => [name].into(),
    }
}

/// The configs that are looked at one after the other for the value of `name`, with what to multiply their number by.
fn stand_ins(name: &str) -> &'static [(&'static str, i64)] {
    const MINUTE_MS: i64 = 60_000;
    const HOUR_MS: i64 = 60 * MINUTE_MS;
    match name {
        "log.roll.ms" => &[("log.roll.ms", 1), ("log.roll.hours", HOUR_MS)],
        "log.roll.jitter.ms" => &[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOUR_MS)],
        "log.retention.ms" => {
            &[("log.retention.ms", 1), ("log.retention.minutes", MINUTE_MS), ("log.retention.hours", HOUR_MS)]
        }
        "log.flush.interval.ms" => &[("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)],
        _ => &[],
    }
}

/// The number in a smaller unit; what is negative stands for "no limit" in any unit.
fn in_unit(value: Value, unit: i64) -> Value {
    match value {
        Value::Number(number) if number < 0 => Value::Number(-1),
        Value::Number(number) => Value::Number(number.saturating_mul(unit)),
        other => other,
    }
}

/// The effective text of a topic's config, given those that are set on the topic.
pub fn topic_config_text(broker: &BrokerConfigs<'_>, own: &Map<Str, Str>, config: &Config) -> Option<Str> {
    if let Some(value) = own.get(config.name) {
        return Some(value.clone());
    }
    let inherited = config.synonym.and_then(|synonym| match broker.with_stand_ins(synonym) {
        Some(Value::Number(number)) => Some(Str::from(number.to_string())),
        _ => broker.text(synonym).map(Str::from),
    });
    inherited.or_else(|| config.default_value().map(Str::from_static))
}

/// The effective value of a topic's config, given those that are set on the topic.
pub fn topic_config_value(broker: &BrokerConfigs<'_>, own: &Map<Str, Str>, name: &str) -> Option<Value> {
    let config = crate::config::config_of(crate::ResourceType::TOPIC, name)?;
    config.parse(&topic_config_text(broker, own, config)?).ok()
}

/// All configs of a topic, given those that are set on it, by name.
pub fn topic_config_entries(broker: &BrokerConfigs<'_>, own: &Map<Str, Str>) -> Vec<Entry> {
    let shown = TOPIC.iter().filter(|config| !config.is_internal() || own.contains_key(config.name));
    shown.map(|config| owned_entry(broker, own, config, Source::Topic)).collect()
}

/// All configs of a group, given those that are set on it, by name.
pub fn group_config_entries(broker: &BrokerConfigs<'_>, own: &Map<Str, Str>) -> Vec<Entry> {
    GROUP.iter().map(|config| owned_entry(broker, own, config, Source::Group)).collect()
}

fn owned_entry(
    broker: &BrokerConfigs<'_>,
    own: &Map<Str, Str>,
    config: &'static Config,
    here: Source,
) -> Entry {
    let mut synonyms: Vec<_> =
        own.get(config.name).map(|value| synonym(config.name, value.clone(), here)).into_iter().collect();
    match config.synonym {
        Some(name) => synonyms.extend(broker.chain(name)),
        None if here == Source::Group => {
            let default = config.default_value().map(Str::from_static);
            synonyms.extend(default.map(|value| synonym(config.name, value, Source::Default)));
        }
        None => {}
    }
    let source = synonyms.first().map_or(Source::Default, |first| first.source);
    Entry { config: ConfigRef(config), value: topic_config_text(broker, own, config), source, synonyms }
}
