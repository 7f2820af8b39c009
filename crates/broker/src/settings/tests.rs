//! What topics and brokers set reaches what goes by it.

use super::*;
use crate::config::Origin;

fn settings(pairs: &[(&str, &str)]) -> (Arc<TopicSettings>, Arc<LogConfig>) {
    settings_of("t", pairs)
}

fn settings_of(topic: &'static str, pairs: &[(&str, &str)]) -> (Arc<TopicSettings>, Arc<LogConfig>) {
    let mut properties = Properties::default();
    pairs.iter().for_each(|(key, value)| properties.set(*key, *value, Origin::Embedder));
    let (image, topic) = (MetadataImage::default(), Str::from_static(topic));
    let configs =
        TopicConfigs { image: &image, properties: &properties, node_id: 1, topic: &topic, checks: None };
    (configs.topic(), configs.log())
}

#[test]
fn nothing_set_means_kafkas_defaults_and_durable() {
    let (topic, log) = settings(&[]);
    assert_eq!((topic.validation, topic.min_insync_replicas), (Validation::default(), 1));
    assert_eq!(*log, LogConfig::default());
}

#[test]
fn the_brokers_names_and_units_count() {
    let (_, log) = settings(&[
        ("log.retention.hours", "2"),
        ("log.segment.bytes", "1048576"),
        ("log.cleanup.policy", "compact"),
    ]);
    assert_eq!(
        (log.retention_ms, log.segment_bytes, log.delete, log.compact),
        (7_200_000, 1 << 20, false, true)
    );
    let (_, log) = settings(&[("log.retention.hours", "2"), ("log.retention.ms", "-1")]);
    assert_eq!(log.retention_ms, -1);
    let (_, log) = settings(&[("log.flush.interval.messages", "1000")]);
    assert!(matches!(log.durability, Durability::Relaxed { flush_messages: 1000, .. }));
}

#[test]
fn internal_topics_stay_durable_whatever_the_broker_does_for_others() {
    let pairs = [("log.flush.interval.messages", "1000"), ("log.flush.interval.ms", "100")];
    assert_ne!(settings(&pairs).1.durability, Durability::Durable);
    assert_eq!(settings_of("__consumer_offsets", &pairs).1.durability, Durability::Durable);
}

#[test]
fn trusted_producers_are_not_looked_at_but_where_keys_matter() {
    let trusted = ("mekong.produce.validation", "header-only");
    for (pairs, mode) in [
        (&[][..], Mode::Strict),
        (&[trusted], Mode::HeaderOnly),
        (&[trusted, ("log.cleanup.policy", "compact,delete")], Mode::Strict),
    ] {
        assert_eq!(settings(pairs).0.validation.mode, mode);
    }
}

#[test]
fn a_topic_decides_how_closely_it_is_looked_at_then_the_listener_then_the_broker() {
    let (strict, trusted) = (Some("strict"), Some("header-only"));
    for (topic, listener, broker, compacted, mode) in [
        (None, None, None, false, Mode::Strict),
        (None, None, trusted, false, Mode::HeaderOnly),
        (None, trusted, None, false, Mode::HeaderOnly),
        (None, strict, trusted, false, Mode::Strict),
        (strict, trusted, trusted, false, Mode::Strict),
        (trusted, strict, strict, false, Mode::HeaderOnly),
        (trusted, trusted, trusted, true, Mode::Strict),
    ] {
        let mut image = MetadataImage::default();
        let mut set = |name: &'static str, value: Option<&'static str>| {
            let (resource_type, resource_name) = (2, Str::from_static("t"));
            let value = value.map(Str::from_static);
            let record =
                metadata::record::ConfigRecord { resource_type, resource_name, name: name.into(), value };
            image.replay(&record.into(), &mut metadata::Delta::default()).unwrap();
        };
        set(PRODUCE_VALIDATION, topic);
        set("cleanup.policy", compacted.then_some("compact"));
        let mut properties = Properties::default();
        if let Some(value) = broker {
            properties.set(PRODUCE_VALIDATION, value, Origin::Embedder);
        }
        let (topic, checks) = (Str::from_static("t"), None);
        let configs =
            TopicConfigs { image: &image, properties: &properties, node_id: 1, topic: &topic, checks };
        let by_listener = listener.and_then(validation_mode);
        assert_eq!(configs.topic().validation_by(by_listener).mode, mode, "{topic} {listener:?} {broker:?}");
    }
}

#[test]
fn compression_has_its_level() {
    let (topic, _) = settings(&[("compression.type", "gzip"), ("compression.gzip.level", "9")]);
    assert_eq!(topic.validation.compression, Some(Compression::Gzip { level: 9 }));
    let (topic, _) = settings(&[("compression.type", "uncompressed")]);
    assert_eq!(topic.validation.compression, Some(Compression::None));
}

/// Each number of a topic, set as the broker's config and as the topic's own, reaches what goes by it.
#[test]
fn every_number_of_a_topic_reaches_what_goes_by_it() {
    type Told = fn(&(Arc<TopicSettings>, Arc<LogConfig>, CompactionPolicy)) -> i64;
    let table: &[(&str, &str, Told)] = &[
        ("segment.bytes", "log.segment.bytes", |all| all.1.segment_bytes as i64),
        ("segment.ms", "log.roll.ms", |all| all.1.segment_ms),
        ("segment.jitter.ms", "log.roll.jitter.ms", |all| all.1.segment_jitter_ms),
        ("segment.index.bytes", "log.index.size.max.bytes", |all| all.1.segment_index_bytes as i64),
        ("index.interval.bytes", "log.index.interval.bytes", |all| all.1.index_interval_bytes as i64),
        ("retention.ms", "log.retention.ms", |all| all.1.retention_ms),
        ("retention.bytes", "log.retention.bytes", |all| all.1.retention_bytes),
        ("file.delete.delay.ms", "log.segment.delete.delay.ms", |all| all.1.file_delete_delay_ms),
        ("max.message.bytes", "message.max.bytes", |all| all.0.validation.max_message_bytes as i64),
        ("message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms", |all| {
            all.0.validation.timestamp_before_max_ms
        }),
        ("message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms", |all| {
            all.0.validation.timestamp_after_max_ms
        }),
        ("min.insync.replicas", "min.insync.replicas", |all| i64::from(all.0.min_insync_replicas)),
        ("min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", |all| all.2.min_lag_ms),
        ("max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms", |all| all.2.max_lag_ms),
        ("delete.retention.ms", "log.cleaner.delete.retention.ms", |all| all.2.delete_retention_ms),
    ];
    for (own, brokers, told) in table {
        let by_broker = all_settings(&[], &[(*brokers, "1234567")]);
        assert_eq!(told(&by_broker), 1_234_567, "{brokers}");
        let by_topic = all_settings(&[(*own, "2345678")], &[(*brokers, "1234567")]);
        assert_eq!(told(&by_topic), 2_345_678, "{own}");
        assert_ne!(told(&all_settings(&[], &[])), 1_234_567, "{own}: its default would hide it");
    }
}

/// A topic's settings by its own configs and the broker's.
fn all_settings(
    own: &[(&'static str, &'static str)],
    brokers: &[(&str, &str)],
) -> (Arc<TopicSettings>, Arc<LogConfig>, CompactionPolicy) {
    let mut image = MetadataImage::default();
    for (name, value) in own {
        let (resource_type, resource_name) = (2, Str::from_static("t"));
        let (name, value) = (Str::from_static(name), Some(Str::from_static(value)));
        let record = metadata::record::ConfigRecord { resource_type, resource_name, name, value };
        image.replay(&record.into(), &mut metadata::Delta::default()).unwrap();
    }
    let mut properties = Properties::default();
    brokers.iter().for_each(|(key, value)| properties.set(*key, *value, Origin::Embedder));
    let topic = Str::from_static("t");
    let configs =
        TopicConfigs { image: &image, properties: &properties, node_id: 1, topic: &topic, checks: None };
    (configs.topic(), configs.log(), configs.compaction())
}

/// KIP-354: what is to be compacted within an hour is in a closed segment by then.
#[test]
fn a_segment_of_a_compacted_topic_is_closed_within_the_largest_lag() {
    let lag = ("max.compaction.lag.ms", "3600000");
    let segment_ms = |own: &[(&'static str, &'static str)]| all_settings(own, &[]).1.segment_ms;
    assert_eq!(segment_ms(&[("cleanup.policy", "compact"), lag]), 3_600_000);
    assert_eq!(segment_ms(&[("cleanup.policy", "compact,delete"), lag]), 3_600_000);
    assert_eq!(segment_ms(&[("cleanup.policy", "compact"), lag, ("segment.ms", "1000")]), 1000);
    assert_eq!(segment_ms(&[lag]), 604_800_000);
}

#[test]
fn what_is_no_number_reaches_what_goes_by_it() {
    let (topic, ..) = all_settings(&[], &[("log.message.timestamp.type", "LogAppendTime")]);
    assert_eq!(topic.validation.timestamp_type, TimestampType::LogAppendTime);
    let (topic, ..) = all_settings(
        &[("message.timestamp.type", "CreateTime")],
        &[("log.message.timestamp.type", "LogAppendTime")],
    );
    assert_eq!(topic.validation.timestamp_type, TimestampType::CreateTime);
    let (.., compaction) = all_settings(&[], &[("log.cleaner.min.cleanable.ratio", "0.25")]);
    assert_eq!(compaction.min_dirty_ratio, 0.25);
    let (.., compaction) = all_settings(&[("min.cleanable.dirty.ratio", "0.75")], &[]);
    assert_eq!(compaction.min_dirty_ratio, 0.75);
    let (topic, log, _) =
        all_settings(&[], &[("replica.lag.time.max.ms", "4321"), ("producer.id.expiration.ms", "8765")]);
    assert_eq!((topic.lag_time_max_ms, log.producer_id_expiration_ms), (4321, 8765));
    let (_, log, _) = all_settings(&[("flush.ms", "50")], &[]);
    assert!(matches!(log.durability, Durability::Relaxed { flush_ms: 50, .. }));
    let (_, log, _) = all_settings(&[], &[("log.flush.scheduler.interval.ms", "60")]);
    assert!(matches!(log.durability, Durability::Relaxed { flush_ms: 60, .. }));
    for (codec, name, value) in [
        ("lz4", "compression.lz4.level", "5"),
        ("zstd", "compression.zstd.level", "7"),
        ("gzip", "compression.gzip.level", "3"),
    ] {
        let (topic, ..) = all_settings(&[("compression.type", codec), (name, value)], &[]);
        let wanted = Compression::with_level(codec.parse().unwrap(), value.parse().unwrap());
        assert_eq!(topic.validation.compression, wanted.ok(), "{codec}");
    }
}

#[test]
fn longer_units_of_the_brokers_names_count() {
    let told = |pairs| all_settings(&[], pairs).1;
    assert_eq!(told(&[("log.retention.minutes", "3")]).retention_ms, 180_000);
    assert_eq!(told(&[("log.roll.hours", "2")]).segment_ms, 7_200_000);
    assert_eq!(told(&[("log.roll.jitter.hours", "1")]).segment_jitter_ms, 3_600_000);
}
