//! What the configuration says for a topic: its own, else the broker's, else the cluster's, else the file's, else Kafka's default.

use std::sync::Arc;

use base::Str;
use log::cleaner::CompactionPolicy;
use log::{Durability, LogConfig};
use metadata::config::{self, Value};
use metadata::{ConfigResource, MetadataImage, ResourceType};
use records::{Compression, CompressionType, Mode, TimestampType, Validation};

use crate::config::{PRODUCE_VALIDATION, Properties, validation_mode};
use crate::partition::verify::Checks;
use crate::partition::{TopicSettings, is_internal};
use crate::replication::Throttled;

/// Kafka's older names of a broker config, with what one unit of theirs is in milliseconds; the first that is set counts.
const LONGER_UNITS: &[(&str, &[(&str, i64)])] = &[
    ("log.retention.ms", &[("log.retention.minutes", 60_000), ("log.retention.hours", 3_600_000)]),
    ("log.roll.ms", &[("log.roll.hours", 3_600_000)]),
    ("log.roll.jitter.ms", &[("log.roll.jitter.hours", 3_600_000)]),
    ("log.flush.interval.ms", &[("log.flush.scheduler.interval.ms", 1)]),
];

/// A topic's configs, resolved one by one.
pub(crate) struct TopicConfigs<'a> {
    pub image: &'a MetadataImage,
    pub properties: &'a Properties,
    pub node_id: i32,
    pub topic: &'a Str,
    /// Who makes the checks that they ask for.
    pub checks: Option<&'a dyn Checks>,
}

impl TopicConfigs<'_> {
    /// The value that somebody set, as text.
    fn set(&self, name: &str) -> Option<String> {
        if let Some(value) = self.set_on_topic(name) {
            return Some(value);
        }
        let synonym = config::config_of(ResourceType::TOPIC, name)?.synonym?;
        self.set_on_broker(synonym)
    }

    /// The value that somebody set for this very topic.
    fn set_on_topic(&self, name: &str) -> Option<String> {
        let own = ConfigResource::topic(self.topic.clone());
        self.image.config(&own, name).map(ToString::to_string)
    }

    fn set_on_broker(&self, name: &str) -> Option<String> {
        let resources = [ConfigResource::broker(self.node_id), ConfigResource::all_brokers()];
        let dynamic = resources.iter().find_map(|resource| self.image.config(resource, name));
        if let Some(value) = dynamic {
            return Some(value.to_string());
        }
        if let Some(property) = self.properties.get(name) {
            return Some(property.value.trim().to_owned());
        }
        let (_, longer) = LONGER_UNITS.iter().find(|(short, _)| *short == name)?;
        longer.iter().find_map(|(long, unit)| {
            let count: i64 = self.properties.get(long)?.value.trim().parse().ok()?;
            Some(if count < 0 { count } else { count.saturating_mul(*unit) }.to_string())
        })
    }

    /// The value in its type: what was set if it is valid, else the default.
    fn value(&self, name: &str) -> Option<Value> {
        let row = config::config_of(ResourceType::TOPIC, name)?;
        let set = self.set(name).and_then(|text| row.parse(&text).ok());
        set.or_else(|| row.parse(row.default_value()?).ok())
    }

    fn number(&self, name: &str) -> i64 {
        self.value(name).map_or(0, |value| value.as_i64())
    }

    fn size(&self, name: &str) -> u64 {
        u64::try_from(self.number(name)).unwrap_or_default()
    }

    fn has_policy(&self, policy: &str) -> bool {
        self.value("cleanup.policy").is_some_and(|value| value.as_list().iter().any(|one| one == policy))
    }

    /// What those who append must know.
    pub fn topic(&self) -> Arc<TopicSettings> {
        let usize_of = |name| usize::try_from(self.number(name)).unwrap_or_default();
        let append_time =
            self.value("message.timestamp.type").is_some_and(|value| value.as_str() == "LogAppendTime");
        let (mode, is_by_topic) = self.validation_mode();
        Arc::new(TopicSettings {
            validation_is_by_topic: is_by_topic,
            validation: Validation {
                mode,
                max_message_bytes: usize_of("max.message.bytes"),
                compacted: self.has_policy("compact"),
                timestamp_type: if append_time {
                    TimestampType::LogAppendTime
                } else {
                    TimestampType::CreateTime
                },
                timestamp_before_max_ms: self.number("message.timestamp.before.max.ms"),
                timestamp_after_max_ms: self.number("message.timestamp.after.max.ms"),
                compression: self.compression(),
                ..Validation::default()
            },
            min_insync_replicas: i32::try_from(self.number("min.insync.replicas")).unwrap_or(1),
            lag_time_max_ms: self.lag_time_max_ms(),
            checks: self.checks.map(|checks| checks.of_topic(&|name| self.set(name))).unwrap_or_default(),
            deletes: self.has_policy("delete"),
            throttled_as_follower: self.throttled("follower.replication.throttled.replicas"),
            throttled_as_leader: self.throttled("leader.replication.throttled.replicas"),
        })
    }

    fn throttled(&self, name: &str) -> Throttled {
        self.value(name).map(|value| Throttled::of(value.as_list(), self.node_id)).unwrap_or_default()
    }

    /// How closely batches are looked at, and whether the topic says so. Compacted ones need the keys of their records looked at.
    fn validation_mode(&self) -> (Mode, bool) {
        if self.has_policy("compact") {
            return (Mode::Strict, true);
        }
        if let Some(mode) = self.set_on_topic(PRODUCE_VALIDATION).and_then(|text| validation_mode(&text)) {
            return (mode, true);
        }
        let of_broker = self.properties.get(PRODUCE_VALIDATION).and_then(|one| validation_mode(&one.value));
        (of_broker.unwrap_or(Mode::Strict), false)
    }

    fn compression(&self) -> Option<Compression> {
        let value = self.value("compression.type")?;
        let codec = match value.as_str() {
            "uncompressed" => CompressionType::None,
            name => name.parse().ok()?,
        };
        let level = i32::try_from(self.number(&format!("compression.{codec}.level"))).unwrap_or_default();
        Some(Compression::with_level(codec, level).unwrap_or(Compression::of(codec)))
    }

    /// Of a compacted topic a segment is closed in time for what it holds to be compacted (KIP-354).
    fn segment_ms(&self) -> i64 {
        let own = self.number("segment.ms");
        if self.has_policy("compact") { own.min(self.number("max.compaction.lag.ms")) } else { own }
    }

    /// What the log must know.
    pub fn log(&self) -> Arc<LogConfig> {
        // Kafka's internal topics hold what was promised to groups: a broker-wide choice for users' records does not reach them.
        let flush = |name| if is_internal(self.topic) { self.set_on_topic(name) } else { self.set(name) };
        let set_number = |name| flush(name).and_then(|text| text.parse().ok());
        let internal_segment = self.set("internal.segment.bytes").and_then(|text| text.parse().ok());
        let default = LogConfig::default();
        Arc::new(LogConfig {
            segment_bytes: internal_segment.unwrap_or(self.size("segment.bytes")),
            segment_ms: self.segment_ms(),
            segment_jitter_ms: self.number("segment.jitter.ms"),
            segment_index_bytes: self.size("segment.index.bytes"),
            index_interval_bytes: self.size("index.interval.bytes"),
            retention_ms: self.number("retention.ms"),
            retention_bytes: self.number("retention.bytes"),
            file_delete_delay_ms: self.number("file.delete.delay.ms"),
            delete: self.has_policy("delete"),
            compact: self.has_policy("compact"),
            durability: Durability::from_settings(set_number("flush.messages"), set_number("flush.ms")),
            producer_id_expiration_ms: self.producer_id_expiration_ms(default.producer_id_expiration_ms),
        })
    }

    /// What the cleaner must know.
    pub fn compaction(&self) -> CompactionPolicy {
        let ratio = self.value("min.cleanable.dirty.ratio").map(|value| value.as_f64());
        CompactionPolicy {
            min_dirty_ratio: ratio.unwrap_or(CompactionPolicy::default().min_dirty_ratio),
            min_lag_ms: self.number("min.compaction.lag.ms"),
            max_lag_ms: self.number("max.compaction.lag.ms"),
            delete_retention_ms: self.number("delete.retention.ms"),
        }
    }

    fn lag_time_max_ms(&self) -> i64 {
        let text = self.set_on_broker("replica.lag.time.max.ms");
        text.and_then(|text| text.parse().ok()).unwrap_or(30_000)
    }

    fn producer_id_expiration_ms(&self, default: i64) -> i64 {
        let name = "producer.id.expiration.ms";
        let text = self.set_on_broker(name);
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

#[cfg(test)]
mod tests;
