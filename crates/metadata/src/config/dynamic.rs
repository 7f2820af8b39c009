//! What a broker says of configs that are to be changed while it runs, beyond what their rows say: the answers of Kafka's parts
//! that would have to follow the change.
//!
//! Errors are for INVALID_REQUEST. A change that Mekong could not follow is refused, so that nobody believes in it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::catalog::DYNAMIC_ONLY;
use super::{BrokerConfigs, Config, Kind, broker_config, split_list};

/// Kafka's own metrics reporter, the only class that may be named.
const JMX_REPORTER: &str = "org.apache.kafka.common.metrics.JmxReporter";

/// Kafka keeps more than this many bytes of the cleaner's buffer for each of its threads.
const DEDUPE_BYTES_PER_THREAD: i64 = 1 << 20;

/// Sizes of thread pools, which change at most by half or to the double at once.
const POOLS: &[&str] = &[
    "background.threads",
    "num.io.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size",
    "remote.log.reader.threads",
];

/// The row behind a config that may be set on a running broker, also under a listener's prefix such as
/// `listener.name.internal.`.
pub fn dynamic_config(name: &str) -> Option<&'static Config> {
    let own = || DYNAMIC_ONLY.iter().find(|config| config.name == name);
    broker_config(name).or_else(own).or_else(|| broker_config(base_name(name)?))
}

/// The name behind a listener's prefix.
pub fn base_name(name: &str) -> Option<&str> {
    Some(name.strip_prefix("listener.name.")?.split_once('.')?.1)
}

/// A broker, as far as it judges changes of its configs.
pub struct RunningBroker<'a> {
    /// Its configs before the change.
    pub configs: BrokerConfigs<'a>,
    /// Whether one of its log directories has this name.
    pub has_log_dir: &'a dyn Fn(&str) -> bool,
}

impl RunningBroker<'_> {
    /// Whether this broker can follow the change: names with the values they are to get. What the rows forbid is not looked at.
    pub fn check(&self, changes: &[(&str, &str)]) -> Result<(), String> {
        changes.iter().try_for_each(|(name, value)| self.check_one(name, value, changes))
    }

    fn check_one(&self, name: &str, value: &str, changes: &[(&str, &str)]) -> Result<(), String> {
        let Some(row) = dynamic_config(name) else { return Ok(()) };
        let Ok(parsed) = row.parse(value) else { return Ok(()) };
        if row.kind == Kind::Class && row.default_value() != Some(value.trim()) && !value.trim().is_empty() {
            return Err(format!(
                "Invalid value {value} for configuration {name}: Class {value} could not be found."
            ));
        }
        match name {
            "log.cleaner.dedupe.buffer.size" => self.check_cleaner(changes),
            "log.cleaner.threads" => {
                let now = self.configs.number(name);
                check_cleaner_threads(parsed.as_i64(), now)?;
                self.check_cleaner(changes)
            }
            "metric.reporters" => check_reporters(parsed.as_list()),
            "cordoned.log.dirs" => self.check_cordoned(parsed.as_list()),
            "max.connections.per.ip.overrides" => check_overrides(value),
            "listeners" | "listener.security.protocol.map" => self.check_fixed(name, value),
            name if POOLS.contains(&name) => check_pool(name, parsed.as_i64(), self.configs.number(name)),
            _ => Ok(()),
        }
    }

    /// The number that a config will have.
    fn coming(&self, name: &str, changes: &[(&str, &str)]) -> i64 {
        let set = changes.iter().rev().find(|(changed, _)| *changed == name);
        let set = set.and_then(|(_, value)| Some(broker_config(name)?.parse(value).ok()?.as_i64()));
        set.unwrap_or_else(|| self.configs.number(name))
    }

    fn check_cleaner(&self, changes: &[(&str, &str)]) -> Result<(), String> {
        let threads = self.coming("log.cleaner.threads", changes).max(1);
        if self.coming("log.cleaner.dedupe.buffer.size", changes) / threads > DEDUPE_BYTES_PER_THREAD {
            return Ok(());
        }
        Err("requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread."
            .into())
    }

    fn check_cordoned(&self, names: &[String]) -> Result<(), String> {
        let is_known = |name: &&String| name.is_empty() || *name == "*" || (self.has_log_dir)(name);
        let missing: Vec<&str> = names.iter().filter(|name| !is_known(name)).map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!(
            "requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : {}",
            missing.join(", ")
        ))
    }

    /// What only a start can change.
    fn check_fixed(&self, name: &str, value: &str) -> Result<(), String> {
        let now = self.configs.text(name).unwrap_or_default();
        if split_list(value.trim()) == split_list(now.trim()) {
            return Ok(());
        }
        Err(format!("{name} cannot be changed while the broker runs; it is {now}"))
    }
}

fn check_reporters(names: &[String]) -> Result<(), String> {
    if names.iter().all(|name| name.is_empty() || name == JMX_REPORTER) {
        return Ok(());
    }
    Err(refused_by_part(
        "Validation of dynamic config update of Set(metric.reporters) failed with class class kafka.server.DynamicMetricsReporters",
    ))
}

fn check_overrides(text: &str) -> Result<(), String> {
    let mut entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let is_override =
        |entry: &str| entry.rsplit_once(':').is_some_and(|(_, count)| count.trim().parse::<i32>().is_ok());
    match entries.find(|entry| !is_override(entry)) {
        None => Ok(()),
        Some(bad) => Err(format!(
            "Error parsing configuration property 'max.connections.per.ip.overrides': {bad} is not host:count"
        )),
    }
}

fn check_pool(name: &str, wanted: i64, now: i64) -> Result<(), String> {
    let why = if wanted == now {
        return Ok(());
    } else if wanted <= 0 {
        "value should be at least 1".into()
    } else if wanted < now / 2 {
        format!("value should be at least half the current value {now}")
    } else if wanted > now * 2 {
        format!("value should not be greater than double the current value {now}")
    } else {
        return Ok(());
    };
    Err(refused_by_part(&format!("Dynamic thread count update validation failed for {name}={wanted}, {why}")))
}

fn check_cleaner_threads(wanted: i64, now: i64) -> Result<(), String> {
    let why = if wanted < 1 {
        "Log cleaner threads should be at least 1".into()
    } else if wanted < now / 2 {
        format!("Log cleaner threads cannot be reduced to less than half the current value {now}")
    } else if wanted > now * 2 {
        format!("Log cleaner threads cannot be increased to more than double the current value {now}")
    } else {
        return Ok(());
    };
    Err(refused_by_part(&why))
}

/// Kafka wraps what its parts say in these words.
fn refused_by_part(why: &str) -> String {
    format!(
        "Invalid value org.apache.kafka.common.config.ConfigException: {why} for configuration Invalid dynamic configuration"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MetadataImage;
    use crate::config::StaticConfigs;

    #[test]
    fn a_broker_takes_only_changes_that_it_can_follow() {
        let statics: StaticConfigs = [("listeners".into(), "PLAINTEXT://:9092".into())].into();
        let (image, has_log_dir) = (MetadataImage::default(), |name: &str| name == "/data/a");
        let configs = BrokerConfigs { node_id: 1, statics: &statics, image: &image };
        let broker = RunningBroker { configs, has_log_dir: &has_log_dir };
        for (changes, refused) in [
            (&[("log.cleaner.dedupe.buffer.size", "1048576")][..], "at least 1MB per cleaner thread"),
            (&[("log.cleaner.dedupe.buffer.size", "1048577")], ""),
            (&[("log.cleaner.dedupe.buffer.size", "1048577"), ("log.cleaner.threads", "2")], "at least 1MB"),
            (&[("log.cleaner.threads", "3")], "more than double the current value 1"),
            (&[("log.cleaner.threads", "0")], "at least 1"),
            (&[("num.io.threads", "3")], "at least half the current value 8"),
            (&[("num.io.threads", "4")], ""),
            (&[("num.io.threads", "17")], "greater than double the current value 8"),
            (&[("remote.log.manager.copier.thread.pool.size", "3")], "at least half the current value 10"),
            (&[("metric.reporters", "foo")], "DynamicMetricsReporters"),
            (&[("metric.reporters", "")], ""),
            (&[("principal.builder.class", "x")], "Class x could not be found."),
            (&[("cordoned.log.dirs", "/data/b,/data/a")], "Missing entries : /data/b"),
            (&[("cordoned.log.dirs", "/data/a")], ""),
            (&[("cordoned.log.dirs", "*")], ""),
            (&[("max.connections.per.ip.overrides", "a")], "max.connections.per.ip.overrides"),
            (&[("max.connections.per.ip.overrides", "127.0.0.1:3")], ""),
            (&[("listeners", "PLAINTEXT://:9093")], "cannot be changed while the broker runs"),
            (&[("listeners", "PLAINTEXT://:9092")], ""),
            (&[("num.partitions", "soon"), ("no.such.thing", "1")], ""),
        ] {
            let said = broker.check(changes).err().unwrap_or_default();
            assert!(said.contains(refused) && said.is_empty() == refused.is_empty(), "{changes:?}: {said}");
        }
    }

    #[test]
    fn names_under_a_listener_are_known() {
        for (name, known) in [
            ("listener.name.plaintext.max.connections", Some("max.connections")),
            ("leader.replication.throttled.rate", Some("leader.replication.throttled.rate")),
            ("num.io.threads", Some("num.io.threads")),
            ("listener.name.plaintext", None),
            ("foo", None),
        ] {
            assert_eq!(dynamic_config(name).map(|row| row.name), known, "{name}");
        }
    }
}
