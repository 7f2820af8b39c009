//! Images change by records alone, and a snapshot makes the same image again.

use alloc::vec;
use alloc::vec::Vec;

use base::{TopicIdPartition, Uuid};

use super::*;
use crate::record::{
    BrokerChangeRecord, ConfigRecord, FeatureLevelRecord, PartitionChangeRecord, PartitionRecord,
    ProducerIdsRecord, Record, RegisterBrokerRecord, RemoveTopicRecord, TopicRecord,
};

const ORDERS: TopicId = TopicId(Uuid([1; 16]));

fn image_of(records: &[Record]) -> (MetadataImage, Delta) {
    let (mut image, mut delta) = (MetadataImage::default(), Delta::default());
    for record in records {
        image.replay(record, &mut delta).unwrap();
    }
    (image, delta)
}

fn config(kind: i8, resource: &'static str, name: &'static str, value: Option<&'static str>) -> Record {
    let (resource_name, value) = (resource.into(), value.map(Str::from));
    ConfigRecord { resource_type: kind, resource_name, name: name.into(), value }.into()
}

fn some_cluster() -> Vec<Record> {
    let broker = RegisterBrokerRecord { broker_id: 1, broker_epoch: 5, fenced: true, ..Default::default() };
    vec![
        crate::record::ClusterIdRecord { id: "c".into() }.into(),
        broker.into(),
        BrokerChangeRecord { broker_id: 1, broker_epoch: 5, fenced: Some(false), ..Default::default() }
            .into(),
        FeatureLevelRecord { name: "metadata.version".into(), level: 30 }.into(),
        FeatureLevelRecord { name: "group.version".into(), level: 1 }.into(),
        FeatureLevelRecord { name: "group.version".into(), level: 0 }.into(),
        TopicRecord { name: "orders".into(), topic_id: ORDERS }.into(),
        PartitionRecord {
            topic_id: ORDERS,
            replicas: vec![1],
            isr: vec![1],
            leader: 1,
            ..Default::default()
        }
        .into(),
        config(2, "orders", "retention.ms", Some("1")),
        config(4, "", "log.retention.ms", Some("2")),
        config(4, "1", "log.retention.ms", Some("3")),
        config(4, "1", "log.retention.ms", None),
        ProducerIdsRecord { broker_id: 1, broker_epoch: 5, next_producer_id: 1000 }.into(),
    ]
}

#[test]
fn records_become_an_image() {
    let (image, delta) = image_of(&some_cluster());
    assert_eq!(image.topic_named("orders").map(Topic::id), Some(ORDERS));
    assert_eq!(image.partition(ORDERS, 0).unwrap().leader, 1);
    assert!(image.live_broker(1).is_some());
    assert_eq!((image.feature("metadata.version"), image.feature("group.version")), (30, 0));
    assert_eq!(image.config(&ConfigResource::topic("orders"), "retention.ms").unwrap(), "1");
    assert_eq!(image.configs(&ConfigResource::broker(1)), None);
    assert_eq!(image.next_producer_id(), 1000);
    assert!(delta.created_topics.contains(&ORDERS));
    assert!(delta.partitions.contains(&TopicIdPartition { topic: ORDERS, partition: 0 }));
}

#[test]
fn a_snapshot_makes_the_same_image() {
    let mut records = some_cluster();
    records.push(crate::record::UnregisterBrokerRecord { broker_id: 1, broker_epoch: 5 }.into());
    let (image, _) = image_of(&records);
    assert_eq!(image_of(&image.to_records()).0, image);
}

#[test]
fn a_new_leader_raises_both_epochs_and_leaves_copies_alone() {
    let (before, _) = image_of(&some_cluster());
    let mut after = before.clone();
    let change = PartitionChangeRecord { topic_id: ORDERS, leader: Some(1), ..Default::default() };
    after.replay(&change.into(), &mut Delta::default()).unwrap();
    let shrink = PartitionChangeRecord { topic_id: ORDERS, isr: Some(vec![]), ..Default::default() };
    after.replay(&shrink.into(), &mut Delta::default()).unwrap();
    let partition = after.partition(ORDERS, 0).unwrap();
    assert_eq!((partition.leader_epoch, partition.partition_epoch), (1, 2));
    assert_eq!(before.partition(ORDERS, 0).unwrap().partition_epoch, 0);
}

#[test]
fn a_deleted_topic_takes_its_configs_along() {
    let mut records = some_cluster();
    records.push(RemoveTopicRecord { topic_id: ORDERS }.into());
    let (image, delta) = image_of(&records);
    assert!(image.topics().is_empty() && image.topic_names().is_empty());
    assert_eq!(image.configs(&ConfigResource::topic("orders")), None);
    assert!(delta.created_topics.is_empty() && delta.partitions.is_empty());
    assert_eq!(delta.removed_topics.get(&ORDERS).unwrap(), "orders");
}

#[test]
fn contradictions_are_errors() {
    let (image, _) = image_of(&some_cluster());
    let nowhere = TopicId(Uuid([8; 16]));
    let cases: Vec<(Record, ReplayError)> = vec![
        (TopicRecord { name: "orders".into(), topic_id: nowhere }.into(), ReplayError::TopicExists(nowhere)),
        (RemoveTopicRecord { topic_id: nowhere }.into(), ReplayError::NoSuchTopic(nowhere)),
        (
            PartitionChangeRecord { topic_id: ORDERS, partition: 9, ..Default::default() }.into(),
            ReplayError::NoSuchPartition(TopicIdPartition { topic: ORDERS, partition: 9 }),
        ),
        (
            BrokerChangeRecord { broker_id: 1, broker_epoch: 4, ..Default::default() }.into(),
            ReplayError::NoSuchBroker(1),
        ),
        (
            ProducerIdsRecord { next_producer_id: 1000, ..Default::default() }.into(),
            ReplayError::ProducerIdsAgain(1000),
        ),
    ];
    for (record, error) in cases {
        assert_eq!(image.clone().replay(&record, &mut Delta::default()), Err(error));
    }
}

#[test]
fn only_the_incarnation_that_registered_last_is_known() {
    let register = |incarnation: u8| {
        let incarnation_id = Uuid([incarnation; 16]);
        let broker_epoch = i64::from(incarnation);
        Record::from(RegisterBrokerRecord {
            broker_id: 1,
            broker_epoch,
            incarnation_id,
            ..Default::default()
        })
    };
    let (image, _) = image_of(&[register(1), register(2)]);
    for (broker, incarnation, expected) in [(1, 2, true), (1, 1, false), (2, 2, false)] {
        assert_eq!(image.is_registered(broker, Uuid([incarnation; 16])), expected, "{broker} {incarnation}");
    }
}
