//! IncrementalAlterConfigs and AlterConfigs, and what the configs come to.

use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterableConfig as Replacement,
};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource as Resource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::*;
use crate::config::{Source, topic_config_entries};
use crate::image::ConfigResource;
use crate::map::Map;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

fn alter(cluster: &mut Cluster, kind: i8, resource: &str, changes: &[(&str, i8, Option<&str>)]) -> String {
    let each = changes.iter();
    let configs = each
        .map(|(name, operation, value)| AlterableConfig {
            name: (*name).into(),
            config_operation: *operation,
            value: value.map(Into::into),
        })
        .collect();
    let resource = Resource { resource_type: kind, resource_name: resource.into(), configs };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    let result = cluster.handle(&request).responses.remove(0);
    told(result.error_code, result.error_message.as_deref())
}

/// Kind, resource, config, operation, value, and what the answer says.
type Case = (i8, &'static str, &'static str, i8, Option<&'static str>, &'static str);

const BAD_CHANGES: &[Case] = &[
    (
        TOPIC,
        "nosuch",
        "retention.ms",
        SET,
        Some("1"),
        "UNKNOWN_TOPIC_OR_PARTITION: The topic 'nosuch' does not exist.",
    ),
    (TOPIC, "t", "foo", SET, Some("1"), "INVALID_CONFIG: Unknown topic config name: foo"),
    (TOPIC, "t", "foo", DELETE, Some("1"), "NONE"),
    (
        TOPIC,
        "t",
        "retention.ms",
        APPEND,
        Some("1"),
        "INVALID_CONFIG: Can't APPEND to key retention.ms because its type is not LIST.",
    ),
    (
        TOPIC,
        "t",
        "retention.ms",
        SUBTRACT,
        Some("1"),
        "INVALID_CONFIG: Can't SUBTRACT to key retention.ms because its type is not LIST.",
    ),
    (TOPIC, "t", "retention.ms", SET, None, "INVALID_REQUEST: Null value not supported for : retention.ms"),
    (
        TOPIC,
        "t",
        "cleanup.policy",
        APPEND,
        Some("bogus"),
        "INVALID_CONFIG: Invalid value bogus for configuration cleanup.policy: String must be one of: compact, delete",
    ),
    (TOPIC, "", "retention.ms", SET, Some("1"), "INVALID_REQUEST: Default topic resources are not allowed."),
    (BROKER, "1", "log.retention.ms", SET, Some("1000"), "NONE"),
    (
        BROKER,
        "",
        "log.retention.ms",
        SET,
        Some("abc"),
        "INVALID_REQUEST: Invalid value abc for configuration log.retention.ms: Not a number of type LONG",
    ),
    (
        BROKER,
        "1",
        "num.partitions",
        SET,
        Some("2"),
        "INVALID_REQUEST: Cannot update these configs dynamically: [num.partitions]",
    ),
    (BROKER, "1", "foo.bar", SET, Some("2"), "NONE"),
    (
        BROKER,
        "",
        "listeners",
        SET,
        Some("PLAINTEXT://:1"),
        "INVALID_REQUEST: Cannot update these configs at default cluster level, broker id must be specified: [listeners]",
    ),
    (
        BROKER,
        "1",
        "num.io.threads",
        SET,
        Some("0"),
        "INVALID_REQUEST: Invalid value 0 for configuration num.io.threads: Value must be at least 1",
    ),
    (
        BROKER,
        "x",
        "log.retention.ms",
        SET,
        Some("1"),
        "INVALID_REQUEST: Node id must be an integer, but it is: x",
    ),
    (GROUP, "g", "foo", SET, Some("2"), "INVALID_CONFIG: Unknown group config name: foo"),
    (
        GROUP,
        "g",
        "consumer.session.timeout.ms",
        SET,
        Some("2"),
        "INVALID_CONFIG: consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms",
    ),
    (
        GROUP,
        "",
        "consumer.session.timeout.ms",
        SET,
        Some("45000"),
        "INVALID_REQUEST: Default group resources are not allowed.",
    ),
    (
        CLIENT_METRICS,
        "",
        "interval.ms",
        SET,
        Some("1000"),
        "INVALID_REQUEST: Subscription name can't be empty",
    ),
    (
        CLIENT_METRICS,
        "m",
        "interval.ms",
        SET,
        Some("1"),
        "INVALID_REQUEST: Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)",
    ),
    (
        CLIENT_METRICS,
        "m",
        "match",
        SET,
        Some("foo=bar"),
        "INVALID_CONFIG: Illegal client matching pattern: foo=bar",
    ),
    (
        CLIENT_METRICS,
        "m",
        "foo",
        SET,
        Some("bar"),
        "INVALID_REQUEST: Unknown client metrics configuration: foo",
    ),
];

#[test]
fn bad_changes_get_kafkas_words() {
    let mut cluster = Cluster::of(1);
    cluster.create(topic("t", 1, 1)).unwrap();
    for (kind, resource, name, operation, value, wanted) in BAD_CHANGES {
        assert_eq!(alter(&mut cluster, *kind, resource, &[(name, *operation, *value)]), *wanted);
    }
    let twice = [("retention.ms", SET, Some("1")), ("retention.ms", SET, Some("2"))];
    assert_eq!(
        alter(&mut cluster, TOPIC, "t", &twice),
        "INVALID_REQUEST: Error due to duplicate config keys"
    );
}

#[test]
fn lists_grow_from_their_default_and_shrink_to_nothing() {
    let mut cluster = Cluster::of(1);
    cluster.create(topic("t", 1, 1)).unwrap();
    let resource = ConfigResource::topic("t");
    for (operation, value, wanted) in
        [(APPEND, "compact", "delete,compact"), (SUBTRACT, "delete", "compact"), (SUBTRACT, "compact", "")]
    {
        assert_eq!(alter(&mut cluster, TOPIC, "t", &[("cleanup.policy", operation, Some(value))]), "NONE");
        assert_eq!(cluster.controller.image().config(&resource, "cleanup.policy").unwrap(), wanted);
    }
}

#[test]
fn the_older_way_replaces_everything() {
    let mut cluster = Cluster::of(1);
    cluster.create(topic("t", 1, 1)).unwrap();
    alter(&mut cluster, TOPIC, "t", &[("retention.ms", SET, Some("1")), ("segment.ms", SET, Some("2"))]);
    let config = Replacement { name: "retention.ms".into(), value: Some("3".into()) };
    let resource =
        AlterConfigsResource { resource_type: TOPIC, resource_name: "t".into(), configs: vec![config] };
    let request = AlterConfigsRequest { resources: vec![resource], validate_only: false };
    assert_eq!(cluster.handle(&request).responses[0].error_code, ErrorCode::NONE);
    let configs = cluster.controller.image().configs(&ConfigResource::topic("t")).unwrap();
    assert_eq!(configs.iter().collect::<Vec<_>>(), [(&"retention.ms".into(), &"3".into())]);
}

#[test]
fn a_topics_value_comes_from_the_nearest_place() {
    let mut cluster = Cluster::of(1);
    cluster.create(topic("t", 1, 1)).unwrap();
    let look = |cluster: &Cluster, name: &str| {
        let broker = cluster.controller.broker_configs();
        let own =
            cluster.controller.image().configs(&ConfigResource::topic("t")).cloned().unwrap_or_default();
        let entry =
            topic_config_entries(&broker, &own).into_iter().find(|entry| entry.config.name == name).unwrap();
        let chain = entry.synonyms.iter().map(|synonym| synonym.source).collect::<Vec<_>>();
        (entry.value.unwrap().to_string(), entry.source, chain)
    };
    // As Kafka tells it: the hours are effective, yet in nobody's chain.
    assert_eq!(look(&cluster, "retention.ms"), ("604800000".into(), Source::Default, vec![]));
    let steps: [(i8, &str, &str, &str, &[Source]); 3] = [
        (BROKER, "", "log.retention.ms", "1", &[Source::DynamicDefaultBroker, Source::Default]),
        (
            BROKER,
            "1",
            "log.retention.ms",
            "2",
            &[Source::DynamicBroker, Source::DynamicDefaultBroker, Source::Default],
        ),
        (
            TOPIC,
            "t",
            "retention.ms",
            "3",
            &[Source::Topic, Source::DynamicBroker, Source::DynamicDefaultBroker, Source::Default],
        ),
    ];
    for (kind, resource, name, value, chain) in steps {
        assert_eq!(alter(&mut cluster, kind, resource, &[(name, SET, Some(value))]), "NONE");
        assert_eq!(look(&cluster, "retention.ms"), (value.into(), chain[0], chain.to_vec()));
    }
    let hours = topic_config_entries(&cluster.controller.broker_configs(), &Map::new());
    assert_eq!(hours.len(), 33, "internal configs are not shown");
}
