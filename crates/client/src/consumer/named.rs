//! A consumer's settings by Kafka's names.

use std::time::Duration;

use super::builder::ConsumerBuilder;
use super::positions::Reset;
use crate::assignor::Assignor;
use crate::setting::{Taker, count, flag, millis, other, unfit};

impl ConsumerBuilder {
    /// A setting by Kafka's name, such as `option("max.poll.records", "100")`. A name that changes nothing here is said in the log;
    /// unknown and unsupported ones, and values that cannot be, fail at [`ConsumerBuilder::start`].
    pub fn option(mut self, name: &str, value: &str) -> Self {
        if let Err(refused) = self.set(name, value) {
            self.refused.get_or_insert(refused);
        }
        self
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let settings = &mut self.settings;
        let text = value.trim();
        match name {
            "group.instance.id" => self.instance_id = Some(text.into()),
            "auto.offset.reset" => settings.reset = reset(name, text)?,
            "enable.auto.commit" => self.commits_itself = flag(name, value)?,
            "auto.commit.interval.ms" => self.commit_interval = millis(name, value)?,
            "isolation.level" => {
                settings.read_committed = match text {
                    "read_committed" => true,
                    "read_uncommitted" => false,
                    _ => return Err(unfit(name, value, "read_committed or read_uncommitted")),
                }
            }
            "partition.assignment.strategy" => settings.assignors = assignors(name, text)?,
            "session.timeout.ms" => settings.session_timeout = millis(name, value)?,
            "heartbeat.interval.ms" => settings.heartbeat_interval = millis(name, value)?,
            "max.poll.interval.ms" => settings.poll_interval = millis(name, value)?,
            "max.poll.records" => settings.poll_records_max = count(name, value, 1)?,
            "fetch.max.wait.ms" => settings.fetch_wait = millis(name, value)?,
            "fetch.min.bytes" => settings.fetch_bytes_min = count(name, value, 0)?,
            "fetch.max.bytes" => settings.fetch_bytes_max = count(name, value, 0)?,
            "max.partition.fetch.bytes" => settings.partition_bytes_max = count(name, value, 0)?,
            "check.crcs" => settings.check_crcs = flag(name, value)?,
            "allow.auto.create.topics" => settings.create_topics = flag(name, value)?,
            "metadata.max.age.ms" => self.metadata_max_age = millis(name, value)?,
            _ => return other(Taker::Consumer, name, value),
        }
        Ok(())
    }
}

fn reset(name: &str, text: &str) -> Result<Option<Reset>, String> {
    Ok(match text {
        "earliest" => Some(Reset::Earliest),
        "latest" => Some(Reset::Latest),
        "none" => None,
        _ => Some(Reset::ByDuration(
            text.strip_prefix("by_duration:")
                .and_then(iso_duration)
                .ok_or_else(|| unfit(name, text, "earliest, latest, none or by_duration:P1DT2H3M4S"))?,
        )),
    })
}

/// `PnDTnHnMn.nS` of ISO 8601 (KIP-1106).
fn iso_duration(text: &str) -> Option<Duration> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let parts = [(days, &[('D', 86_400.0)][..]), (time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)][..])];
    let mut seconds = 0.0;
    let mut is_empty = true;
    for (mut rest, units) in parts {
        for (letter, worth) in units {
            if let Some((number, behind)) = rest.split_once(*letter) {
                seconds += number.parse::<f64>().ok()? * worth;
                (rest, is_empty) = (behind, false);
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !is_empty)
}

/// By the names that members send, or by those of Kafka's classes.
fn assignors(name: &str, text: &str) -> Result<Vec<Assignor>, String> {
    let one = |named: &str| {
        let named = named.trim();
        let plain = named.strip_prefix("org.apache.kafka.clients.consumer.").unwrap_or(named);
        let plain = match plain {
            "RangeAssignor" => "range",
            "RoundRobinAssignor" => "roundrobin",
            "StickyAssignor" => "sticky",
            "CooperativeStickyAssignor" => "cooperative-sticky",
            other => other,
        };
        let allowed = "range, roundrobin, sticky or cooperative-sticky, with commas between";
        Assignor::by_name(plain).ok_or_else(|| unfit(name, named, allowed))
    };
    text.split(',').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConsumeError;
    use crate::setting::{CONSUMER, samples};

    fn base() -> ConsumerBuilder {
        ConsumerBuilder::new(samples::cluster(), 1, Some("g".into()))
    }

    fn settled(builder: ConsumerBuilder) -> Result<String, ConsumeError> {
        let builder = builder.settled()?;
        Ok(format!("{:?} {:?} {:?}", builder.settings, builder.instance_id, builder.metadata_max_age))
    }

    #[test]
    fn every_setting_has_its_effect() {
        for name in CONSUMER {
            let (good, bad) = samples::values_of(name);
            let changed = settled(base().option(name, good)).unwrap();
            assert_ne!(changed, settled(base()).unwrap(), "{name} changes nothing");
            if !bad.is_empty() {
                let error = settled(base().option(name, bad)).unwrap_err().to_string();
                assert!(error.starts_with(&format!("{name}={bad}: ")), "{error}");
            }
        }
    }

    #[test]
    fn durations_are_those_of_iso_8601() {
        for (text, expected) in [
            ("P1D", Some(86_400.0)),
            ("PT0.5S", Some(0.5)),
            ("P1DT2H3M4S", Some(93_784.0)),
            ("P", None),
            ("PT", None),
            ("1D", None),
            ("PT1D", None),
            ("P1H", None),
            ("PT-1S", None),
            ("PTNaNS", None),
        ] {
            assert_eq!(iso_duration(text).map(|found| found.as_secs_f64()), expected, "{text}");
        }
    }
}
