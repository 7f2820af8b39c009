//! The catalog says what Kafka says, and every row says what Mekong does.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use super::*;
use crate::ResourceType;

/// The facts, taken from Kafka 4.3.1 itself.
const GOLDEN: &str = include_str!("golden/kafka-4.3.1.tsv");

fn all() -> Vec<(&'static str, &'static Config)> {
    let mut rows: Vec<_> =
        BROKER.iter().flat_map(|table| table.iter()).map(|config| ("broker", config)).collect();
    for (name, table) in [("topic", TOPIC), ("group", GROUP), ("client-metrics", CLIENT_METRICS)] {
        rows.extend(table.iter().map(|config| (name, config)));
    }
    rows
}

fn facts(resource: &str, config: &Config) -> String {
    let default = match config.default {
        Default::Is(value) => value,
        Default::Null => "\\N",
        Default::Required => "REQUIRED",
    };
    let importance = match config.importance {
        Importance::High => "HIGH",
        Importance::Medium => "MEDIUM",
        Importance::Low => "LOW",
    };
    let mode = match config.scope {
        _ if resource != "broker" => "any",
        Scope::ReadOnly | Scope::Internal => "read-only",
        Scope::PerBroker => "per-broker",
        Scope::ClusterWide => "cluster-wide",
    };
    let (name, kind, synonym) = (config.name, config.kind.name(), config.synonym.unwrap_or_default());
    let internal = config.is_internal();
    format!("{resource}\t{name}\t{kind}\t{default}\t{importance}\t{internal}\t{mode}\t{synonym}")
}

#[test]
fn the_catalog_is_kafkas() {
    let mut wanted: Vec<_> = GOLDEN.lines().filter(|line| !line.starts_with('#')).map(String::from).collect();
    // Configs that others gave topics, or we: shown only where they are set.
    let is_foreign =
        |config: &Config| config.name.starts_with("confluent.") || config.name.starts_with("mekong.");
    assert!(all().iter().all(|(_, config)| !is_foreign(config) || config.is_internal()));
    let kafkas = all().into_iter().filter(|(_, config)| !is_foreign(config));
    let mut found: Vec<_> = kafkas.map(|(resource, config)| facts(resource, config)).collect();
    wanted.sort();
    found.sort();
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
    assert_eq!(found.len(), wanted.len());
}

#[test]
fn tables_are_sorted_and_rows_say_something() {
    for table in BROKER.iter().chain(&[TOPIC, GROUP, CLIENT_METRICS]) {
        assert!(table.is_sorted_by(|one, next| one.name < next.name), "{}", table[0].name);
    }
    for (_, config) in all() {
        assert!(config.doc.len() > 10 && !config.doc.ends_with('.'), "{}: {}", config.name, config.doc);
        match config.status {
            Status::Effective => {}
            Status::NoUse(reason) | Status::Refused(reason) => assert!(reason.len() > 10, "{}", config.name),
        }
    }
}

#[test]
fn every_row_is_found_and_takes_its_own_default() {
    for (resource, config) in all() {
        let kind = match resource {
            "topic" => ResourceType::TOPIC,
            "group" => ResourceType::GROUP,
            "client-metrics" => ResourceType::CLIENT_METRICS,
            _ => ResourceType::BROKER,
        };
        assert!(core::ptr::eq(config_of(kind, config.name).unwrap(), config));
        if let Some(default) = config.default_value() {
            assert_eq!(config.parse(default).err(), None, "{}", config.name);
        }
        if let Some(synonym) = config.synonym {
            assert!(broker_config(synonym).is_some(), "{synonym}");
        }
    }
    assert!(config_of(ResourceType::TOPIC, "no.such").is_none());
}

#[test]
fn values_are_read_or_refused_in_kafkas_words() {
    let cases = [
        (
            "retention.ms",
            "abc",
            "Invalid value abc for configuration retention.ms: Not a number of type LONG",
        ),
        ("retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
        (
            "segment.bytes",
            "1",
            "Invalid value 1 for configuration segment.bytes: Value must be at least 1048576",
        ),
        (
            "cleanup.policy",
            "bogus",
            "Invalid value bogus for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        (
            "compression.type",
            "bogus",
            "Invalid value bogus for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
        ),
        (
            "min.cleanable.dirty.ratio",
            "1.5",
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
        ),
        (
            "preallocate",
            "yes",
            "Invalid value yes for configuration preallocate: Expected value to be either true or false",
        ),
    ];
    for (name, value, message) in cases {
        let config = config_of(ResourceType::TOPIC, name).unwrap();
        assert_eq!(config.parse(value).unwrap_err().0, message);
    }
    let taken = [
        ("cleanup.policy", "compact, delete", Value::List(vec!["compact".into(), "delete".into()])),
        ("cleanup.policy", "", Value::List(vec![])),
        ("retention.ms", " 7 ", Value::Number(7)),
        ("preallocate", "TRUE", Value::Boolean(true)),
        ("min.cleanable.dirty.ratio", "0.25", Value::Fraction(0.25)),
        ("compression.gzip.level", "-1", Value::Number(-1)),
        ("leader.replication.throttled.replicas", "*", Value::List(vec!["*".into()])),
        ("leader.replication.throttled.replicas", "0:1,1:2", Value::List(vec!["0:1".into(), "1:2".into()])),
    ];
    for (name, text, value) in taken {
        assert_eq!(config_of(ResourceType::TOPIC, name).unwrap().parse(text), Ok(value), "{name}={text}");
    }
}

#[test]
fn share_groups_begin_where_a_duration_says() {
    let config = config_of(ResourceType::GROUP, "share.auto.offset.reset").unwrap();
    for good in ["latest", "earliest", "by_duration:PT1H", "by_duration:P1DT2H3M4.5S", "by_duration:P3D"] {
        assert!(config.parse(good).is_ok(), "{good}");
    }
    for bad in
        ["", "zzz", "by_duration:", "by_duration:P", "by_duration:PT", "by_duration:1h", "by_duration:PT1M1H"]
    {
        assert!(config.parse(bad).is_err(), "{bad}");
    }
}
