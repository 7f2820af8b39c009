//! CreateTopics, DeleteTopics, CreatePartitions, ElectLeaders, reassignments.

use alloc::format;

use wire::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use wire::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use wire::messages::create_topics::{CreatableReplicaAssignment, CreatableTopicConfig};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::elect_leaders::{ElectLeadersRequest, TopicPartitions};

use super::*;

fn assigned(name: &str, assignments: &[(i32, &[i32])]) -> CreatableTopic {
    let each = assignments.iter();
    let assignments = each
        .map(|(partition_index, brokers)| CreatableReplicaAssignment {
            partition_index: *partition_index,
            broker_ids: brokers.to_vec(),
        })
        .collect();
    CreatableTopic { assignments, ..topic(name, -1, -1) }
}

fn configured(name: &str, configs: &[(&str, Option<&str>)]) -> CreatableTopic {
    let each = configs.iter();
    let configs = each
        .map(|(name, value)| CreatableTopicConfig { name: (*name).into(), value: value.map(Into::into) })
        .collect();
    CreatableTopic { configs, ..topic(name, 1, 1) }
}

fn bad_topics() -> Vec<(CreatableTopic, &'static str)> {
    vec![
        (topic("taken", 3, 1), "TOPIC_ALREADY_EXISTS: Topic 'taken' already exists."),
        (
            topic("b", 3, 3),
            "INVALID_REPLICATION_FACTOR: Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 broker(s) are registered or some brokers have all their log directories cordoned.",
        ),
        (
            topic("b", 3, 0),
            "INVALID_REPLICATION_FACTOR: Replication factor must be larger than 0, or -1 to use the default value.",
        ),
        (
            topic("b", 0, 1),
            "INVALID_PARTITIONS: Number of partitions was set to an invalid non-positive value.",
        ),
        (topic("", 1, 1), "INVALID_TOPIC_EXCEPTION: Topic name is invalid: the empty string is not allowed"),
        (topic(".", 1, 1), "INVALID_TOPIC_EXCEPTION: Topic name is invalid: '.' is not allowed"),
        (
            topic("a b", 1, 1),
            "INVALID_TOPIC_EXCEPTION: Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        ),
        (topic("a_c.d", 1, 1), "INVALID_TOPIC_EXCEPTION: Topic 'a_c.d' collides with existing topic: a.c_d"),
        (
            topic("__cluster_metadata", 1, 1),
            "INVALID_REQUEST: Creation of internal topic __cluster_metadata is prohibited.",
        ),
        (topic("b", 10_001, 1), "POLICY_VIOLATION: Excessively large number of partitions per request."),
        (configured("b", &[("foo.bar", Some("1"))]), "INVALID_CONFIG: Unknown topic config name: foo.bar"),
        (
            configured("b", &[("retention.ms", None)]),
            "INVALID_CONFIG: Null value not supported for topic configs: retention.ms",
        ),
        (
            configured("b", &[("min.compaction.lag.ms", Some("10")), ("max.compaction.lag.ms", Some("5"))]),
            "INVALID_CONFIG: conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)",
        ),
        (
            configured("b", &[("remote.storage.enable", Some("true"))]),
            "INVALID_CONFIG: Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
        ),
        (
            assigned("b", &[(0, &[1]), (2, &[1])]),
            "INVALID_REPLICA_ASSIGNMENT: partitions should be a consecutive 0-based integer sequence",
        ),
        (
            assigned("b", &[(0, &[9])]),
            "INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (
            assigned("b", &[(0, &[1, 1])]),
            "INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes the broker 1 more than once.",
        ),
        (
            assigned("b", &[(0, &[])]),
            "INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes an empty replica list.",
        ),
        (
            CreatableTopic { replication_factor: 1, ..assigned("b", &[(0, &[1])]) },
            "INVALID_REQUEST: A manual partition assignment was specified, but replication factor was not set to -1.",
        ),
    ]
}

#[test]
fn bad_topics_get_kafkas_words() {
    let mut cluster = Cluster::of(1);
    cluster.create(topic("taken", 3, 1)).unwrap();
    cluster.create(topic("a.c_d", 1, 1)).unwrap();
    let long = "a".repeat(250);
    for (asked, wanted) in bad_topics() {
        assert_eq!(cluster.create(asked).unwrap_err(), wanted);
    }
    assert_eq!(
        cluster.create(topic(&long, 1, 1)).unwrap_err(),
        format!(
            "INVALID_TOPIC_EXCEPTION: Topic name is invalid: the length of '{long}' is longer than the max allowed length 249"
        )
    );
}

#[test]
fn a_topic_is_what_was_asked_or_what_the_broker_says() {
    let mut cluster = Cluster::of(1);
    let request = CreateTopicsRequest {
        topics: vec![topic("d", -1, -1), configured("c", &[("retention.ms", Some("7"))])],
        ..Default::default()
    };
    let answer = cluster.handle(&request);
    let default = &answer.topics[0];
    assert_eq!((default.num_partitions, default.replication_factor), (1, 1));
    assert_eq!(default.topic_id, cluster.controller.image().topic_named("d").unwrap().id().0);
    let told = answer.topics[1].configs.as_ref().unwrap();
    let retention = told.iter().find(|config| config.name == "retention.ms").unwrap();
    assert_eq!((retention.value.as_deref(), retention.config_source), (Some("7"), 1));
    let segment = told.iter().find(|config| config.name == "segment.ms").unwrap();
    assert_eq!((segment.value.as_deref(), segment.config_source), (Some("604800000"), 5));
}

#[test]
fn validating_changes_nothing_and_repeated_names_are_refused() {
    let mut cluster = Cluster::of(1);
    let mut request =
        CreateTopicsRequest { topics: vec![topic("v", 1, 1)], validate_only: true, ..Default::default() };
    assert_eq!(cluster.decide(&request).records, []);
    request.topics.push(topic("v", 2, 1));
    let answer = cluster.handle(&request);
    assert_eq!(answer.topics.len(), 1);
    let result = &answer.topics[0];
    assert_eq!(
        told(result.error_code, result.error_message.as_deref()),
        "INVALID_REQUEST: Duplicate topic name."
    );
}

#[test]
fn leaders_and_replicas_spread_evenly_and_over_racks() {
    let mut cluster = Cluster::of(3);
    cluster.create(topic("spread", 9, 2)).unwrap();
    let mut load = alloc::collections::BTreeMap::<i32, (i32, i32)>::new();
    for index in 0..9 {
        let partition = cluster.partition("spread", index);
        assert_eq!((partition.leader, &partition.isr), (partition.replicas[0], &partition.replicas));
        load.entry(partition.replicas[0]).or_default().0 += 1;
        partition.replicas.iter().for_each(|replica| load.entry(*replica).or_default().1 += 1);
    }
    assert_eq!(load.into_values().collect::<Vec<_>>(), [(3, 6); 3]);

    let mut cluster = Cluster::of(0);
    for (id, rack) in [(1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "c"), (6, "c")] {
        let request = BrokerRegistrationRequest { rack: Some(rack.into()), ..registration(id, id as u8, 1) };
        let epoch = cluster.handle(&request).broker_epoch;
        cluster.handle(&heartbeat(id, epoch));
    }
    cluster.create(topic("racks", 12, 3)).unwrap();
    for index in 0..12 {
        let mut racks: Vec<_> =
            cluster.partition("racks", index).replicas.iter().map(|id| (id + 1) / 2).collect();
        racks.sort();
        assert_eq!(racks, [1, 2, 3], "partition {index}");
    }
}

#[test]
fn topics_are_deleted_by_name_or_by_identity() {
    let mut cluster = Cluster::of(1);
    let id = cluster.create(topic("a", 1, 1)).unwrap();
    cluster.create(topic("b", 1, 1)).unwrap();
    let by =
        |name: Option<&str>, id: TopicId| DeleteTopicState { name: name.map(Into::into), topic_id: id.0 };
    let nowhere = TopicId(Uuid([9; 16]));
    let request = DeleteTopicsRequest {
        topics: vec![
            by(Some("b"), TopicId::ZERO),
            by(None, id),
            by(Some("nosuch"), TopicId::ZERO),
            by(None, nowhere),
            by(Some("b"), nowhere),
            by(None, TopicId::ZERO),
        ],
        ..Default::default()
    };
    let answer = cluster.handle(&request);
    let found: Vec<_> =
        answer.responses.iter().map(|each| told(each.error_code, each.error_message.as_deref())).collect();
    assert_eq!(
        found,
        [
            "NONE",
            "NONE",
            "UNKNOWN_TOPIC_OR_PARTITION: This server does not host this topic-partition.",
            "UNKNOWN_TOPIC_ID: This server does not host this topic ID.",
            "INVALID_REQUEST: You may not specify both topic name and topic id.",
            "INVALID_REQUEST: Neither topic name nor id were specified.",
        ]
    );
    assert_eq!(answer.responses[1].name.as_deref(), Some("a"));
    assert!(cluster.controller.image().topics().is_empty());
    let again = cluster.create(topic("a", 1, 1)).unwrap();
    assert_ne!(again, id, "a recreated topic is another one");
}

#[test]
fn partitions_are_only_added() {
    let mut cluster = Cluster::of(1);
    cluster.create(topic("t", 3, 1)).unwrap();
    let mut add = |name: &str, count, assignments: Option<&[&[i32]]>| {
        let assignments = assignments.map(|each| {
            each.iter().map(|brokers| CreatePartitionsAssignment { broker_ids: brokers.to_vec() }).collect()
        });
        let topics = vec![CreatePartitionsTopic { name: name.into(), count, assignments }];
        let result =
            cluster.handle(&CreatePartitionsRequest { topics, ..Default::default() }).results.remove(0);
        told(result.error_code, result.error_message.as_deref())
    };
    assert_eq!(add("t", 5, None), "NONE");
    assert_eq!(add("t", 5, None), "INVALID_PARTITIONS: Topic already has 5 partition(s).");
    assert_eq!(
        add("t", 2, None),
        "INVALID_PARTITIONS: The topic t currently has 5 partition(s); 2 would not be an increase."
    );
    assert_eq!(add("nosuch", 2, None), "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(
        add("t", 7, Some(&[&[1]])),
        "INVALID_REPLICA_ASSIGNMENT: Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."
    );
    assert_eq!(
        add("t", 6, Some(&[&[1, 2]])),
        "INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes broker 2, but no such broker is registered."
    );
    assert_eq!(add("t", 6, Some(&[&[1]])), "NONE");
    assert_eq!(cluster.controller.image().topic_named("t").unwrap().partitions().len(), 6);
}

#[test]
fn elections_happen_where_they_are_needed() {
    let mut cluster = Cluster::of(2);
    cluster.create(assigned("t", &[(0, &[1, 2])])).unwrap();
    let elect = |cluster: &mut Cluster, kind: i8, name: &str, index: i32| {
        let asked = TopicPartitions { topic: name.into(), partitions: vec![index] };
        let request = ElectLeadersRequest {
            election_type: kind,
            topic_partitions: Some(vec![asked]),
            ..Default::default()
        };
        let result = cluster.handle(&request).replica_election_results.remove(0).partition_result.remove(0);
        told(result.error_code, result.error_message.as_deref())
    };
    let not_needed = "ELECTION_NOT_NEEDED: Leader election not needed for topic partition.";
    assert_eq!(elect(&mut cluster, 0, "t", 0), not_needed);
    assert_eq!(elect(&mut cluster, 1, "t", 0), not_needed);
    assert_eq!(elect(&mut cluster, 0, "nosuch", 0), "UNKNOWN_TOPIC_OR_PARTITION: No such topic as nosuch");
    assert_eq!(elect(&mut cluster, 0, "t", 7), "UNKNOWN_TOPIC_OR_PARTITION: No such partition as t-7");
    let all = ElectLeadersRequest { topic_partitions: None, ..Default::default() };
    assert_eq!(cluster.handle(&all).replica_election_results, []);

    // Broker 1 goes and comes again, out of sync: it cannot be elected until it has caught up.
    let epoch = cluster.controller.image().brokers().get(&1).unwrap().epoch;
    cluster.handle(&BrokerHeartbeatRequest { want_fence: true, ..heartbeat(1, epoch) });
    assert_eq!((cluster.partition("t", 0).leader, &*cluster.partition("t", 0).isr), (2, &[2][..]));
    cluster.handle(&heartbeat(1, epoch));
    assert_eq!(
        elect(&mut cluster, 0, "t", 0),
        "PREFERRED_LEADER_NOT_AVAILABLE: The preferred leader was not available."
    );
}

#[test]
fn reassignments_begin_end_and_are_cancelled() {
    let mut cluster = Cluster::of(3);
    cluster.create(assigned("t", &[(0, &[1, 2])])).unwrap();
    let alter = |cluster: &mut Cluster, name: &str, index, replicas: Option<&[i32]>, may_change: bool| {
        let partition =
            ReassignablePartition { partition_index: index, replicas: replicas.map(<[i32]>::to_vec) };
        let request = AlterPartitionReassignmentsRequest {
            allow_replication_factor_change: may_change,
            topics: vec![ReassignableTopic { name: name.into(), partitions: vec![partition] }],
            ..Default::default()
        };
        let result = cluster.handle(&request).responses.remove(0).partitions.remove(0);
        told(result.error_code, result.error_message.as_deref())
    };
    type Case = (&'static str, i32, Option<&'static [i32]>, bool, &'static str);
    let cases: [Case; 6] = [
        ("nosuch", 0, None, true, "UNKNOWN_TOPIC_OR_PARTITION: Unable to find a topic named nosuch."),
        ("t", 7, None, true, "UNKNOWN_TOPIC_OR_PARTITION: Unable to find partition t:7."),
        ("t", 0, None, true, "NO_REASSIGNMENT_IN_PROGRESS: No partition reassignment is in progress."),
        (
            "t",
            0,
            Some(&[9]),
            true,
            "INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (
            "t",
            0,
            Some(&[1]),
            false,
            "INVALID_REPLICATION_FACTOR: The replication factor is changed from 2 to 1",
        ),
        ("t", 0, Some(&[1, 2]), true, "NONE"),
    ];
    for (name, index, replicas, may_change, wanted) in cases {
        assert_eq!(alter(&mut cluster, name, index, replicas, may_change), wanted);
    }
    assert_eq!(cluster.partition("t", 0).partition_epoch, 0, "nothing to do is no change");

    assert_eq!(alter(&mut cluster, "t", 0, Some(&[3, 2]), true), "NONE");
    let moving = cluster.partition("t", 0);
    assert_eq!((&*moving.adding_replicas, &*moving.removing_replicas), (&[3][..], &[1][..]));
    assert_eq!((&*moving.replicas, moving.leader), (&[3, 2, 1][..], 1));
    assert_eq!(alter(&mut cluster, "t", 0, None, true), "NONE");
    let back = cluster.partition("t", 0);
    assert!(!back.is_reassigning());
    assert_eq!((&*back.replicas, back.leader), (&[2, 1][..], 1));

    // What only removes replicas is done at once, with a new leader where the old one goes.
    assert_eq!(alter(&mut cluster, "t", 0, Some(&[2]), true), "NONE");
    let done = cluster.partition("t", 0);
    assert_eq!((&*done.replicas, done.leader, &*done.isr), (&[2][..], 2, &[2][..]));
    assert_eq!(done.leader_epoch, 2, "each replica that leaves is told by a new epoch");
}

#[test]
fn no_topic_is_deleted_where_that_is_switched_off() {
    let mut cluster = Cluster::of(1);
    cluster.create(topic("a", 1, 1)).unwrap();
    let request = DeleteTopicsRequest {
        topics: vec![DeleteTopicState { name: Some("a".into()), ..Default::default() }],
        ..Default::default()
    };
    let mut refused = |enabled: &str| {
        let statics = &mut cluster.controller.settings.static_configs;
        statics.insert("delete.topic.enable".into(), enabled.into());
        let answer = cluster.handle(&request);
        (answer.responses[0].error_code, cluster.controller.image().topics().len())
    };
    assert_eq!(refused("false"), (ErrorCode::TOPIC_DELETION_DISABLED, 1));
    assert_eq!(refused("true"), (ErrorCode::NONE, 0));
}
