//! What a file or a command line may say, and what comes of it.

use super::*;

fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut properties = Properties::default();
    for (key, value) in pairs {
        properties.set(*key, *value, Origin::CommandLine);
    }
    Config::new(properties)
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = config(&[]).unwrap();
    assert_eq!((config.node_id, config.topics.partitions, config.fetch.max_bytes), (1, 1, 57_671_680));
    assert_eq!(config.log_dirs, [PathBuf::from(DEFAULT_LOG_DIR)]);
    assert!(config.topics.auto_create);
}

#[test]
fn synonyms_and_values_are_read() {
    let config = config(&[
        ("broker.id", "7"),
        ("log.dir", "/a"),
        ("log.dirs", "/b, /c"),
        ("connections.max.idle.ms", "-1"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.node_id, 7);
    assert_eq!(config.log_dirs, [PathBuf::from("/b"), PathBuf::from("/c")]);
    assert_eq!(config.network.idle_max, None);
}

#[test]
fn what_a_start_reads_reaches_what_goes_by_it() {
    let config = config(&[
        ("broker.rack", "r1"),
        ("fetch.max.bytes", "2048"),
        ("max.incremental.fetch.session.cache.slots", "7"),
        ("default.replication.factor", "2"),
        ("auto.create.topics.enable", "false"),
        ("num.partitions", "5"),
        ("queued.max.request.bytes", "4096"),
        ("socket.listen.backlog.size", "9"),
        ("socket.send.buffer.bytes", "8192"),
        ("socket.receive.buffer.bytes", "16384"),
        ("socket.request.max.bytes", "32768"),
        ("log.retention.check.interval.ms", "11"),
        ("log.flush.offset.checkpoint.interval.ms", "13"),
        ("metadata.log.dir", "/m"),
        ("listeners", "PLAINTEXT://:0,INSIDE://:0"),
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT"),
        ("inter.broker.listener.name", "inside"),
        ("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector"),
    ])
    .unwrap();
    assert_eq!(config.rack.as_deref(), Some("r1"));
    assert_eq!(
        (config.fetch.max_bytes, config.fetch.session_slots, config.fetch.rack_aware),
        (2048, 7, true)
    );
    let topics = &config.topics;
    assert_eq!((topics.partitions, topics.replication_factor, topics.auto_create), (5, 2, false));
    let network = &config.network;
    assert_eq!((network.request_bytes_max, network.backlog, network.request_max_bytes), (4096, 9, 32_768));
    assert_eq!((network.send_buffer_bytes, network.receive_buffer_bytes), (Some(8192), Some(16_384)));
    assert_eq!((config.retention_check_ms, config.recovery_point_ms), (11, 13));
    assert_eq!(config.metadata_dir(), PathBuf::from("/m"));
    assert_eq!(config.inter_broker_listener(), "INSIDE");
}

#[test]
fn brokers_meet_at_the_first_listener_of_their_protocol() {
    let listeners = [
        ("listeners", "CLIENTS://:0,PLAINTEXT://:0"),
        ("listener.security.protocol.map", "CLIENTS:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
        ("security.inter.broker.protocol", "PLAINTEXT"),
    ];
    assert_eq!(config(&listeners).unwrap().inter_broker_listener(), "CLIENTS");
}

#[test]
fn the_controllers_listener_is_not_opened() {
    let config = config(&[
        ("listeners", "PLAINTEXT://:0,CONTROLLER://:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
    ]);
    let names: Vec<_> = config.unwrap().listeners.into_iter().map(|listener| listener.name).collect();
    assert_eq!(names, ["PLAINTEXT"]);
}

#[test]
fn a_bad_value_is_named_with_what_is_allowed() {
    for (key, value, said) in [
        ("num.partitions", "0", "--set: num.partitions=0: must be a whole number, at least 1"),
        ("auto.create.topics.enable", "yes", "--set: auto.create.topics.enable=yes: must be true or false"),
        (
            "listeners",
            "SSL://:1",
            "--set: listeners=SSL://:1: listener SSL asks for SSL, which this version does not serve; use PLAINTEXT",
        ),
        (
            "max.connections.per.ip.overrides",
            "x",
            "--set: max.connections.per.ip.overrides=x: 'x' is not address:count",
        ),
    ] {
        assert_eq!(config(&[(key, value)]).unwrap_err().to_string(), said);
    }
}
