//! Groups whose log cannot be replicated.

use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_replicated_does_not_unload_the_groups() {
    let mut cluster = Cluster::start().await;
    let (id, min) = (TopicId(Uuid::from_random([8; 16])), Str::from_static("min.insync.replicas"));
    let name = Str::from_static("__consumer_offsets");
    cluster.records.push(TopicRecord { name: name.clone(), topic_id: id }.into());
    cluster.records.push(
        ConfigRecord { resource_type: 2, resource_name: name, name: min, value: Some("2".into()) }.into(),
    );
    cluster.records.push(PartitionRecord { topic_id: id, ..replicated() }.into());
    cluster.tell(&[1, 2, 3]).await;
    let mut raw = Raw::connect(cluster.brokers[0].address().unwrap()).await;
    let begun = Instant::now();
    while commit(&mut raw, 5).await == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    let alone = PartitionChangeRecord { topic_id: id, isr: Some(vec![1]), ..Default::default() };
    cluster.records.push(alone.into());
    cluster.tell(&[1, 2, 3]).await;
    for _ in 0..20 {
        assert_eq!(commit(&mut raw, 6).await, ErrorCode::COORDINATOR_NOT_AVAILABLE);
        assert_eq!(committed(&mut raw).await, Ok(5), "the groups stay loaded");
    }
    // Another topic takes the name while the log takes nothing.
    cluster.records.push(RemoveTopicRecord { topic_id: TOPIC }.into());
    cluster.tell(&[1, 2, 3]).await;
    let next = TopicId(Uuid::from_random([9; 16]));
    cluster.records.push(TopicRecord { name: Str::from_static("t"), topic_id: next }.into());
    cluster.records.push(PartitionRecord { topic_id: next, ..replicated() }.into());
    let again = PartitionChangeRecord { topic_id: id, isr: Some(vec![1, 2, 3]), ..Default::default() };
    cluster.records.push(again.into());
    cluster.tell(&[1, 2, 3]).await;
    assert_eq!(commit(&mut raw, 7).await, ErrorCode::NONE);
    // What was put off is done before that commit, not after it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(committed(&mut raw).await, Ok(7));
    cluster.stop().await;
}

/// On all three, led by 1.
fn replicated() -> PartitionRecord {
    PartitionRecord {
        replicas: vec![1, 2, 3],
        directories: vec![Uuid::ZERO; 3],
        isr: vec![1, 2, 3],
        leader: 1,
        ..Default::default()
    }
}

async fn commit(raw: &mut Raw, offset: i64) -> ErrorCode {
    let partition = OffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
    let topic =
        OffsetCommitRequestTopic { name: "t".into(), partitions: vec![partition], ..Default::default() };
    let request = OffsetCommitRequest { group_id: "g".into(), topics: vec![topic], ..Default::default() };
    raw.call(9, &request).await.topics[0].partitions[0].error_code
}

async fn committed(raw: &mut Raw) -> Result<i64, ErrorCode> {
    let group = OffsetFetchRequestGroup { group_id: "g".into(), topics: None, ..Default::default() };
    let answer = raw.call(9, &OffsetFetchRequest { groups: vec![group], ..Default::default() }).await;
    let group = &answer.groups[0];
    match group.error_code {
        ErrorCode::NONE => Ok(group.topics[0].partitions[0].committed_offset),
        code => Err(code),
    }
}
