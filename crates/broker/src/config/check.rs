//! Every property given is looked at in the catalog before anything starts.
//!
//! A bad value, or a property whose silence would betray whoever set it, stops the start. A name that nobody knows, and a
//! property without effect here, is said once.

use metadata::config::{BROKER, Config as Row, Kind, Status, Valid, broker_config};
use records::Mode;

use super::{ConfigError, Properties, Property};

/// Something to say once at the start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// The property.
    pub key: String,
    /// What is to be said of it.
    pub text: String,
}

/// How closely the records of producers are looked at: `strict`, as Kafka does, or `header-only`, for producers one trusts. A topic
/// may have it as a config of its own, a listener under its prefix. Topics that are compacted are always looked at.
pub const PRODUCE_VALIDATION: &str = "mekong.produce.validation";

/// Checks all properties; the first that cannot be used is the error.
pub fn check(properties: &Properties) -> Result<Vec<Note>, ConfigError> {
    let mut notes = Vec::new();
    for (key, property) in properties.iter() {
        if let Some((_, allowed)) = OWN.iter().find(|(own, _)| *own == key || is_of_listener(key, own)) {
            check_own(key, property, allowed)?;
            continue;
        }
        let Some(row) = row_of(key) else {
            notes.push(unknown(key, property));
            continue;
        };
        let wrong = |problem| ConfigError {
            key: key.to_owned(),
            value: shown(row, &property.value),
            origin: property.origin.clone(),
            problem,
        };
        let value =
            row.parse(property.value.trim()).map_err(|_| wrong(format!("must be {}", allowed(row))))?;
        let is_default = row.default_value().is_some_and(|default| row.parse(default) == Ok(value));
        match row.status {
            Status::Refused(reason) if !is_default && !property.value.trim().is_empty() => {
                return Err(wrong(reason.to_owned()));
            }
            Status::NoUse(reason) if !is_default => {
                notes.push(Note { key: key.to_owned(), text: format!("has no effect: {reason}") });
            }
            Status::Effective | Status::NoUse(_) | Status::Refused(_) => {}
        }
    }
    check_selector(properties)?;
    Ok(notes)
}

/// Properties that Kafka does not have, each with its values; the first is the default.
const OWN: &[(&str, &[&str])] = &[(PRODUCE_VALIDATION, &["strict", "header-only"])];

/// What `strict` and `header-only` stand for.
pub(crate) fn validation_mode(text: &str) -> Option<Mode> {
    match text.trim() {
        "strict" => Some(Mode::Strict),
        "header-only" => Some(Mode::HeaderOnly),
        _ => None,
    }
}

/// Whether the key is `own` under a listener's prefix.
fn is_of_listener(key: &str, own: &str) -> bool {
    let rest = key.strip_prefix("listener.name.").and_then(|rest| rest.split_once('.'));
    rest.is_some_and(|(_, rest)| rest == own)
}

fn check_own(key: &str, property: &Property, allowed: &[&str]) -> Result<(), ConfigError> {
    if allowed.contains(&property.value.trim()) {
        return Ok(());
    }
    Err(ConfigError {
        key: key.to_owned(),
        value: property.value.clone(),
        origin: property.origin.clone(),
        problem: format!("must be one of {}", allowed.join(", ")),
    })
}

/// The row of a property, also under a listener's prefix such as `listener.name.internal.` or, with a mechanism behind that,
/// `listener.name.internal.scram-sha-256.`.
fn row_of(key: &str) -> Option<&'static Row> {
    if let Some(row) = broker_config(key) {
        return Some(row);
    }
    let (_, rest) = key.strip_prefix("listener.name.")?.split_once('.')?;
    broker_config(rest).or_else(|| broker_config(rest.split_once('.')?.1))
}

fn shown(row: &Row, value: &str) -> String {
    if row.is_sensitive() { "[hidden]".to_owned() } else { value.to_owned() }
}

fn unknown(key: &str, property: &Property) -> Note {
    let origin = &property.origin;
    let text = match nearest(key) {
        _ if key.starts_with("zookeeper.") => {
            format!("went with ZooKeeper ({origin}): the brokers hold the quorum; it is ignored")
        }
        Some(near) => format!("is no property of Kafka's ({origin}); is {near} meant? It is ignored"),
        None => format!("is no property of Kafka's ({origin}) and is ignored"),
    };
    Note { key: key.to_owned(), text }
}

/// The known name that is fewest changes away, if those are few.
fn nearest(key: &str) -> Option<&'static str> {
    let names = BROKER.iter().flat_map(|table| table.iter()).map(|row| row.name);
    let distances = names.map(|name| (distance(key, name), name));
    let (changes, name) = distances.min()?;
    (changes * 4 <= name.len()).then_some(name)
}

/// How many letters must be put in, taken out or replaced to make one text of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (place, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(row.first_mut().unwrap_or(&mut 0), place + 1);
        let mut left = place + 1;
        for (above, wanted) in row.iter_mut().skip(1).zip(other.chars()) {
            let replaced = diagonal + usize::from(letter != wanted);
            diagonal = *above;
            left = replaced.min(left + 1).min(*above + 1);
            *above = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// What a property may be, for people.
pub(super) fn allowed(row: &Row) -> String {
    let kind = match row.kind {
        Kind::Boolean => "true or false",
        Kind::Int | Kind::Short | Kind::Long => "a whole number",
        Kind::Double => "a number",
        Kind::List => "a list, separated by commas",
        Kind::String | Kind::Class | Kind::Password => "text",
    };
    match row.valid {
        Valid::Any => kind.to_owned(),
        Valid::AtLeast(min) => format!("{kind}, at least {min}"),
        Valid::Between(min, max) => format!("{kind} from {min} to {max}"),
        Valid::Fraction(min, max) => format!("{kind} from {min} to {max}"),
        Valid::GzipLevel => format!("{kind} from 1 to 9, or -1"),
        Valid::OneOf(all) | Valid::OneOfAnyCase(all) => format!("one of {}", all.join(", ")),
        Valid::ListOf(all) | Valid::SomeOf(all) => format!("a list of any of {}", all.join(", ")),
        Valid::Distinct | Valid::DistinctSome => format!("{kind}, without repetitions"),
        Valid::NonEmpty => format!("{kind} that is not empty"),
        Valid::ThrottledReplicas => "* or a list of partition:broker pairs".to_owned(),
        Valid::OffsetReset => "latest, earliest or by_duration: with an ISO 8601 duration".to_owned(),
    }
}

/// The one way of choosing replicas for consumers that is built in.
pub(super) const RACK_AWARE: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

/// Java classes cannot be loaded; the one that Kafka brings is built in.
fn check_selector(properties: &Properties) -> Result<(), ConfigError> {
    let key = "replica.selector.class";
    let Some(property) = properties.get(key) else { return Ok(()) };
    match property.value.trim() {
        "" | RACK_AWARE => Ok(()),
        _ => Err(ConfigError {
            key: key.to_owned(),
            value: property.value.clone(),
            origin: property.origin.clone(),
            problem: format!("Java classes cannot be loaded here; {RACK_AWARE} is built in"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn checked(text: &str) -> Result<Vec<String>, String> {
        let notes = check(&Properties::parse(text, Path::new("server.properties")));
        let said =
            |notes: Vec<Note>| notes.into_iter().map(|note| format!("{} {}", note.key, note.text)).collect();
        notes.map(said).map_err(|error| error.to_string())
    }

    #[test]
    fn kafkas_own_file_is_taken() {
        let file = "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n\
            listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n\
            advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
            controller.listener.names=CONTROLLER\nnum.network.threads=3\nnum.io.threads=8\n\
            listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n\
            socket.send.buffer.bytes=102400\nlog.dirs=/tmp/kraft-combined-logs\nnum.partitions=1\n\
            num.recovery.threads.per.data.dir=1\noffsets.topic.replication.factor=1\n\
            share.coordinator.state.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
            log.retention.hours=168\nlog.segment.bytes=1073741824\nlog.retention.check.interval.ms=300000\n";
        let notes = checked(file).unwrap();
        assert!(notes.iter().all(|note| note.contains("has no effect: ")), "{notes:?}");
    }

    #[test]
    fn a_misspelt_name_is_told_with_its_neighbour() {
        assert_eq!(
            checked("\nlog.retention.mss=5").unwrap(),
            [
                "log.retention.mss is no property of Kafka's (server.properties:2); is log.retention.ms meant? It is ignored"
            ]
        );
        assert_eq!(
            checked("my.plugin.setting=5").unwrap(),
            ["my.plugin.setting is no property of Kafka's (server.properties:1) and is ignored"]
        );
        assert_eq!(
            checked("zookeeper.connect=z:2181").unwrap(),
            [
                "zookeeper.connect went with ZooKeeper (server.properties:1): the brokers hold the quorum; it is ignored"
            ]
        );
    }

    #[test]
    fn what_cannot_be_used_stops_the_start() {
        for (text, said) in [
            (
                "mekong.produce.validation=none",
                "mekong.produce.validation=none: must be one of strict, header-only",
            ),
            (
                "listener.name.a.mekong.produce.validation=none",
                "listener.name.a.mekong.produce.validation=none: must be one of strict, header-only",
            ),
            ("log.segment.bytes=1", "log.segment.bytes=1: must be a whole number, at least 1048576"),
            (
                "log.cleanup.policy=shred",
                "log.cleanup.policy=shred: must be a list of any of compact, delete",
            ),
            (
                "compression.type=zip",
                "compression.type=zip: must be one of uncompressed, zstd, lz4, snappy, gzip, producer",
            ),
            ("authorizer.class.name=a.B", "authorizer.class.name=a.B: Java classes cannot be loaded here"),
            ("ssl.keystore.password=secret", "ssl.keystore.password=[hidden]: TLS is not there yet"),
            (
                "listener.name.a.ssl.client.auth=required",
                "listener.name.a.ssl.client.auth=required: TLS is not there yet",
            ),
            (
                "remote.log.storage.system.enable=true",
                "remote.log.storage.system.enable=true: tiered storage is not there yet",
            ),
        ] {
            assert_eq!(checked(text).unwrap_err(), format!("server.properties:1: {said}"));
        }
    }

    #[test]
    fn defaults_and_effective_properties_need_no_word() {
        for text in ["authorizer.class.name=", "ssl.client.auth=none", "num.partitions=3", "num.io.threads=8"]
        {
            assert_eq!(checked(text), Ok(vec![]), "{text}");
        }
    }
}
