//! Kafka's property names as this client takes them: what has an effect, where it belongs, and what has none.
//!
//! A name with an effect is taken or, with a value that cannot be, refused. A name of Kafka's that changes nothing here is said once in the
//! log and else ignored, so that a properties file can be brought along. What would change what records mean or who may read them
//! (transactions, interceptors, TLS) is refused rather than ignored, and so is a name that Kafka does not know.

use std::time::Duration;

/// Who takes a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taker {
    Client,
    Producer,
    Consumer,
}

impl Taker {
    const fn shown(self) -> &'static str {
        match self {
            Self::Client => "the client (`ClientOptions::option`)",
            Self::Producer => "a producer (`ProducerBuilder::option`)",
            Self::Consumer => "a consumer (`ConsumerBuilder::option`)",
        }
    }

    const fn effective(self) -> &'static [&'static str] {
        match self {
            Self::Client => CLIENT,
            Self::Producer => PRODUCER,
            Self::Consumer => CONSUMER,
        }
    }
}

/// What the whole client takes.
pub(crate) const CLIENT: &[&str] = &[
    "bootstrap.servers",
    "client.id",
    "request.timeout.ms",
    "default.api.timeout.ms",
    "socket.connection.setup.timeout.ms",
    "metadata.max.age.ms",
    "retry.backoff.ms",
    "retry.backoff.max.ms",
    "security.protocol",
];

/// What a producer takes.
pub(crate) const PRODUCER: &[&str] = &[
    "acks",
    "linger.ms",
    "batch.size",
    "compression.type",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "enable.idempotence",
    "max.in.flight.requests.per.connection",
    "delivery.timeout.ms",
    "retries",
    "max.request.size",
    "buffer.memory",
];

/// What a consumer takes.
pub(crate) const CONSUMER: &[&str] = &[
    "group.instance.id",
    "auto.offset.reset",
    "enable.auto.commit",
    "auto.commit.interval.ms",
    "isolation.level",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "max.poll.records",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "fetch.max.bytes",
    "max.partition.fetch.bytes",
    "check.crcs",
    "allow.auto.create.topics",
    "metadata.max.age.ms",
];

/// Names of Kafka's that change nothing here, each with the reason.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("auto.include.jmx.reporter", METRICS),
    ("client.dns.lookup", "every address of a name is tried"),
    ("connections.max.idle.ms", "connections stay open"),
    ("enable.metrics.push", METRICS),
    ("exclude.internal.topics", "a filter of topics sees all of them"),
    ("key.deserializer", TYPES),
    ("key.serializer", TYPES),
    ("max.block.ms", "a call that waits for room waits until it is dropped"),
    ("metadata.max.idle.ms", "topics stay known"),
    (
        "metadata.recovery.rebootstrap.trigger.ms",
        "the bootstrap addresses are always tried when no broker answers",
    ),
    ("metadata.recovery.strategy", "the bootstrap addresses are always tried when no broker answers"),
    ("metric.reporters", METRICS),
    ("metrics.num.samples", METRICS),
    ("metrics.recording.level", METRICS),
    ("metrics.sample.window.ms", METRICS),
    ("partitioner.adaptive.partitioning.enable", "records without key always avoid long queues"),
    ("partitioner.availability.timeout.ms", "records without key avoid partitions without leader at once"),
    ("receive.buffer.bytes", BUFFERS),
    ("reconnect.backoff.max.ms", RECONNECT),
    ("reconnect.backoff.ms", RECONNECT),
    ("send.buffer.bytes", BUFFERS),
    ("socket.connection.setup.timeout.max.ms", RECONNECT),
    ("transaction.timeout.ms", "there are no transactions yet"),
    ("value.deserializer", TYPES),
    ("value.serializer", TYPES),
];
const METRICS: &str = "this client keeps no metrics";
const TYPES: &str = "keys and values are bytes or text here";
const BUFFERS: &str = "the system sizes the sockets' buffers";
const RECONNECT: &str = "`retry.backoff.ms` spaces all attempts";

/// Names of Kafka's that cannot be ignored.
const REFUSED: &[(&str, &str)] = &[
    ("client.rack", "reading from the nearest replica"),
    ("config.providers", "values from elsewhere"),
    ("group.protocol", "another group protocol than `classic`"),
    ("group.remote.assignor", "the consumer protocol of KIP-848"),
    ("interceptor.classes", "Java classes"),
    ("partitioner.class", "Java classes; name the partition in the record"),
    ("partitioner.ignore.keys", "ignoring keys; leave the key out or name the partition"),
    ("security.providers", "Java classes"),
    ("transaction.two.phase.commit.enable", "transactions"),
    ("transactional.id", "transactions"),
];

/// What becomes of a setting that `taker` does not take: nothing, said in the log, or a refusal.
pub(crate) fn other(taker: Taker, name: &str, value: &str) -> Result<(), String> {
    if name == "group.protocol" && value.trim().eq_ignore_ascii_case("classic") {
        return Ok(());
    }
    if let Some((_, reason)) = WITHOUT_EFFECT.iter().find(|(known, _)| *known == name) {
        tracing::warn!(setting = name, "{name} has no effect in this client: {reason}");
        return Ok(());
    }
    if let Some((_, what)) = REFUSED.iter().find(|(known, _)| *known == name) {
        return Err(format!("{name}={value} is not supported: this client does not have {what}"));
    }
    if name.starts_with("ssl.") || name.starts_with("sasl.") {
        return Err(format!("{name} is not supported yet; this client speaks plaintext only"));
    }
    if name == "group.id" {
        return Err("group.id is the argument of `Client::consumer`".to_owned());
    }
    let all = [Taker::Client, Taker::Producer, Taker::Consumer];
    match all.into_iter().find(|other| *other != taker && other.effective().contains(&name)) {
        Some(other) => Err(format!("{name} is a setting of {}, not of {}", other.shown(), taker.shown())),
        None => Err(format!("{name} is not a setting of Kafka's clients{}", near(name, taker))),
    }
}

/// A setting with the most letters in common at both ends, if that is nearly all.
fn near(name: &str, taker: Taker) -> String {
    let likeness = |known: &str| {
        let front = known.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        let back = known.bytes().rev().zip(name.bytes().rev()).take_while(|(a, b)| a == b).count();
        front + back
    };
    let best = taker.effective().iter().max_by_key(|known| likeness(known));
    match best.filter(|known| likeness(known) + 3 >= known.len()) {
        Some(known) => format!("; did you mean {known}?"),
        None => String::new(),
    }
}

/// A number of milliseconds.
pub(crate) fn millis(name: &str, value: &str) -> Result<Duration, String> {
    let parsed = value.trim().parse().map(Duration::from_millis);
    parsed.map_err(|_| format!("{name}={value}: a number of milliseconds is wanted"))
}

/// A whole number of at least `least`.
pub(crate) fn count(name: &str, value: &str, least: usize) -> Result<usize, String> {
    let parsed: Option<usize> = value.trim().parse().ok();
    let most = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
    let fits = parsed.filter(|parsed| (least..=most).contains(parsed));
    fits.ok_or_else(|| format!("{name}={value}: a number from {least} to {most} is wanted"))
}

/// `true` or `false`.
pub(crate) fn flag(name: &str, value: &str) -> Result<bool, String> {
    match value.trim() {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(format!("{name}={value}: true or false is wanted")),
    }
}

/// A value that is none of those allowed.
pub(crate) fn unfit(name: &str, value: &str, allowed: &str) -> String {
    format!("{name}={value}: wanted is {allowed}")
}

/// What the tests of both builders share.
#[cfg(test)]
pub(crate) mod samples {
    use std::sync::Arc;

    use crate::ClientOptions;
    use crate::cluster::Cluster;

    /// A cluster that nobody asks.
    pub(crate) fn cluster() -> Arc<Cluster> {
        Arc::new(Cluster::new(ClientOptions::new("localhost:1"), Vec::new()))
    }

    /// A value that is not the default, for every name that a producer or a consumer takes, and one that cannot be.
    const VALUES: &[(&str, &str, &str)] = &[
        ("acks", "1", "2"),
        ("linger.ms", "77", "x"),
        ("batch.size", "99", "-1"),
        ("compression.type", "zstd", "brotli"),
        ("compression.gzip.level", "9", "10"),
        ("compression.lz4.level", "3", "0"),
        ("compression.zstd.level", "-5", "23"),
        ("enable.idempotence", "false", "maybe"),
        ("max.in.flight.requests.per.connection", "2", "0"),
        ("delivery.timeout.ms", "5000", "1s"),
        ("retries", "3", "-1"),
        ("max.request.size", "4096", "1k"),
        ("buffer.memory", "65536", "-1"),
        ("group.instance.id", "one", ""),
        ("auto.offset.reset", "by_duration:P1DT1H", "soon"),
        ("enable.auto.commit", "false", "0"),
        ("auto.commit.interval.ms", "100", "-1"),
        ("isolation.level", "read_committed", "serializable"),
        ("partition.assignment.strategy", "org.apache.kafka.clients.consumer.StickyAssignor, range", "best"),
        ("session.timeout.ms", "6000", "x"),
        ("heartbeat.interval.ms", "100", "x"),
        ("max.poll.interval.ms", "1000", "x"),
        ("max.poll.records", "7", "0"),
        ("fetch.max.wait.ms", "10", "x"),
        ("fetch.min.bytes", "100", "x"),
        ("fetch.max.bytes", "1000", "4294967296"),
        ("max.partition.fetch.bytes", "1000", "x"),
        ("check.crcs", "false", "x"),
        ("allow.auto.create.topics", "false", "x"),
        ("metadata.max.age.ms", "1000", "x"),
    ];

    /// A value of the setting that is not its default, and one that cannot be.
    pub(crate) fn values_of(name: &str) -> (&'static str, &'static str) {
        let row = VALUES.iter().find(|row| row.0 == name).unwrap_or_else(|| panic!("{name} has no values"));
        (row.1, row.2)
    }
}

#[cfg(test)]
mod tests {
    use super::samples::cluster;
    use super::*;
    use crate::{ClientOptions, ConnectError, ConsumeError, ConsumerBuilder, ProducerBuilder};

    #[tokio::test]
    async fn what_has_no_effect_is_taken_and_what_is_unknown_is_refused() {
        for (name, _) in WITHOUT_EFFECT {
            for taker in [Taker::Client, Taker::Producer, Taker::Consumer] {
                assert_eq!(other(taker, name, "1"), Ok(()), "{name}");
                assert!(!taker.effective().contains(name), "{name} has an effect");
            }
        }
        for (name, value, expected) in [
            ("colour", "5", "colour is not a setting of Kafka's clients"),
            ("liger.ms", "5", "liger.ms is not a setting of Kafka's clients; did you mean linger.ms?"),
            (
                "transactional.id",
                "t",
                "transactional.id=t is not supported: this client does not have transactions",
            ),
            (
                "sasl.mechanism",
                "PLAIN",
                "sasl.mechanism is not supported yet; this client speaks plaintext only",
            ),
            (
                "max.poll.records",
                "5",
                "max.poll.records is a setting of a consumer (`ConsumerBuilder::option`), not of a producer (`ProducerBuilder::option`)",
            ),
        ] {
            let refused = ProducerBuilder::new(cluster(), 1).option(name, value).build().err();
            assert_eq!(refused, Some(ConnectError::Setting(expected.to_owned())), "{name}");
        }
        let group = ConsumerBuilder::new(cluster(), 1, None).option("group.id", "g").start().await.err();
        assert!(matches!(group, Some(ConsumeError::Setting(text)) if text.contains("Client::consumer")));
        let refused = ClientOptions::new("localhost:1").option("linger.ms", "5").connect().await.err();
        assert!(refused.unwrap().to_string().contains("ProducerBuilder::option"));
    }
}
