//! Compaction through the broker: the cleaner's threads find what is dirty, and of each key only the last record stays.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::{Handle, Partition};
use bytes::Bytes;
use common::{Raw, broker_in, folder};
use records::{BatchBuilder, BatchOptions, NewRecord};
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{ErrorCode, Records};

/// Segments are let go of by the commit log, and looked at by the cleaner, many times a second.
const QUICK: [(&str, &str); 5] = [
    ("log.cleaner.backoff.ms", "20"),
    ("log.cleaner.threads", "2"),
    ("log.cleaner.min.cleanable.ratio", "0.01"),
    ("log.flush.offset.checkpoint.interval.ms", "50"),
    ("offsets.topic.num.partitions", "1"),
];

const KEYS: usize = 7;

async fn create(raw: &mut Raw, name: &'static str, configs: &[(&'static str, &'static str)]) {
    let configs = configs.iter();
    let configs = configs
        .map(|(name, value)| CreatableTopicConfig { name: (*name).into(), value: Some((*value).into()) });
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: configs.collect(),
        ..Default::default()
    };
    let answer = raw.call(7, &CreateTopicsRequest { topics: vec![topic], ..Default::default() }).await;
    assert_eq!(answer.topics[0].error_code, ErrorCode::NONE, "{:?}", answer.topics[0].error_message);
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// One batch with a record for each key, whose values say in which round they were written.
fn batch(round: usize) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for key in 0..KEYS {
        let (key, value) = (format!("key-{key}"), format!("round-{round}-{}", "x".repeat(1000)));
        let record = NewRecord {
            timestamp: now_ms(),
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            headers: &[],
        };
        builder.append(record).unwrap();
    }
    builder.build().to_bytes()
}

async fn produce(raw: &mut Raw, topic: &'static str, rounds: std::ops::Range<usize>) {
    for round in rounds {
        let data = PartitionProduceData { index: 0, records: Some(Records::from(batch(round))) };
        let topic_data =
            vec![TopicProduceData { name: topic.into(), partition_data: vec![data], ..Default::default() }];
        let request = ProduceRequest { acks: -1, timeout_ms: 1000, topic_data, ..Default::default() };
        let answer = raw.call(12, &request).await;
        assert_eq!(answer.responses[0].partition_responses[0].error_code, ErrorCode::NONE);
    }
}

/// All records from the beginning: offset, key and the value's round.
async fn read(raw: &mut Raw, topic: &'static str) -> Vec<(i64, String, String)> {
    let mut found: Vec<(i64, String, String)> = Vec::new();
    let mut offset = 0;
    loop {
        let partition =
            FetchPartition { fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
        let topics =
            vec![FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() }];
        let request = FetchRequest { max_bytes: 1 << 20, session_epoch: -1, topics, ..Default::default() };
        let answer = raw.call(12, &request).await;
        let data = &answer.responses[0].partitions[0];
        assert_eq!(data.error_code, ErrorCode::NONE);
        let bytes = data.records.as_ref().unwrap().to_bytes();
        if bytes.is_empty() {
            assert!(offset >= data.high_watermark, "a reader gets to the end");
            return found;
        }
        for batch in records::Batches::new(&bytes) {
            let batch = batch.unwrap();
            let body = batch.decompress(1 << 20).unwrap();
            for record in batch.records(&body).map(Result::unwrap) {
                let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
                let value = text(record.value);
                let round = value.split('-').nth(1).unwrap().to_owned();
                found.push((record.offset.0, text(record.key), round));
            }
            offset = batch.header.base_offset.0 + i64::from(batch.header.last_offset_delta) + 1;
        }
    }
}

fn partition(broker: &Handle, topic: &str) -> Arc<Partition> {
    broker.broker().topics.by_name(topic).unwrap().replica(0).unwrap()
}

fn size(broker: &Handle, topic: &str) -> u64 {
    partition(broker, topic).reader().view().segments.iter().map(|segment| segment.size()).sum()
}

/// Waits until the log is at most this large.
async fn shrinks(broker: &Handle, topic: &str, bytes: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while size(broker, topic) > bytes {
        assert!(Instant::now() < deadline, "{topic} still has {} bytes", size(broker, topic));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The last record of each key.
fn last(records: &[(i64, String, String)]) -> BTreeMap<String, (i64, String)> {
    records.iter().map(|(offset, key, round)| (key.clone(), (*offset, round.clone()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_each_key_the_last_record_stays_at_its_offset() {
    let folder = folder();
    let broker = broker_in(&folder, &QUICK).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    let segments = ("internal.segment.bytes", "20000");
    create(&mut raw, "compact", &[("cleanup.policy", "compact"), segments]).await;
    create(&mut raw, "both", &[("cleanup.policy", "compact,delete"), segments]).await;
    create(&mut raw, "delete", &[("cleanup.policy", "delete"), segments]).await;
    for topic in ["compact", "both", "delete"] {
        produce(&mut raw, topic, 0..30).await;
    }
    for topic in ["compact", "both"] {
        shrinks(&broker, topic, 60_000).await;
        let records = read(&mut raw, topic).await;
        assert!(records.is_sorted(), "offsets rise");
        let expected =
            (0..KEYS).map(|key| (format!("key-{key}"), ((29 * KEYS + key) as i64, "29".to_owned())));
        assert_eq!(last(&records), expected.collect());
    }
    assert_eq!(read(&mut raw, "delete").await.len(), 30 * KEYS, "nobody compacts what is only deleted");

    // On goes the log, the cleaner and, after a restart, what it wrote down.
    produce(&mut raw, "compact", 30..60).await;
    shrinks(&broker, "compact", 60_000).await;
    let before = read(&mut raw, "compact").await;
    broker.stop().await;
    let checkpoint = std::fs::read_to_string(format!("{folder}/cleaner-offset-checkpoint")).unwrap();
    assert!(checkpoint.lines().any(|line| line.starts_with("compact 0 ")), "{checkpoint}");
    let broker = broker_in(&folder, &QUICK).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    assert_eq!(last(&read(&mut raw, "compact").await), last(&before));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_becomes_compacted_is_cleaned_and_its_name_begins_anew() {
    let folder = folder();
    let broker = broker_in(&folder, &QUICK).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    create(&mut raw, "t", &[("internal.segment.bytes", "20000")]).await;
    produce(&mut raw, "t", 0..20).await;
    let before = size(&broker, "t");
    alter(&mut raw, "t", "cleanup.policy", "compact").await;
    shrinks(&broker, "t", before / 2).await;
    let delete = wire::messages::delete_topics::DeleteTopicsRequest {
        topic_names: vec!["t".into()],
        timeout_ms: 1000,
        ..Default::default()
    };
    assert_eq!(raw.call(5, &delete).await.responses[0].error_code, ErrorCode::NONE);
    broker.stop().await;
    // Without a file if the topic went before its first round was written down.
    let checkpoint =
        std::fs::read_to_string(format!("{folder}/cleaner-offset-checkpoint")).unwrap_or_default();
    assert!(!checkpoint.contains("t 0 "), "{checkpoint}");
}

async fn alter(raw: &mut Raw, topic: &'static str, name: &'static str, value: &'static str) {
    use wire::messages::incremental_alter_configs::{
        AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
    };
    let config = AlterableConfig { name: name.into(), config_operation: 0, value: Some(value.into()) };
    let resource =
        AlterConfigsResource { resource_type: 2, resource_name: topic.into(), configs: vec![config] };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    assert_eq!(raw.call(1, &request).await.responses[0].error_code, ErrorCode::NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_offsets_are_compacted_and_outlive_it() {
    let properties = [&QUICK[..], &[("offsets.topic.segment.bytes", "1048576")]].concat();
    let folder = folder();
    let broker = broker_in(&folder, &properties).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    create(&mut raw, "t", &[]).await;
    let find = FindCoordinatorRequest { coordinator_keys: vec!["g".into()], ..Default::default() };
    assert_eq!(raw.call(4, &find).await.coordinators[0].error_code, ErrorCode::NONE);
    // A large note with each commit fills the segments.
    let mut offset = 0;
    let mut largest = 0;
    while offset < 1200 {
        let partition = OffsetCommitRequestPartition {
            committed_offset: offset,
            committed_metadata: Some("m".repeat(4000).into()),
            ..Default::default()
        };
        let topics = vec![OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: vec![partition],
            ..Default::default()
        }];
        let request = OffsetCommitRequest {
            group_id: "g".into(),
            generation_id_or_member_epoch: -1,
            topics,
            ..Default::default()
        };
        let code = raw.call(8, &request).await.topics[0].partitions[0].error_code;
        offset += i64::from(code == ErrorCode::NONE);
        largest = largest.max(size(&broker, "__consumer_offsets"));
    }
    assert!(largest > 1 << 20);
    shrinks(&broker, "__consumer_offsets", (1 << 20) + (1 << 18)).await;
    broker.stop().await;

    let broker = broker_in(&folder, &properties).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    let asked = OffsetFetchRequestGroup { group_id: "g".into(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![asked], ..Default::default() };
    let found = loop {
        let group = raw.call(8, &request).await.groups.remove(0);
        if group.error_code == ErrorCode::NONE {
            break group;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(found.topics[0].partitions[0].committed_offset, 1199);
    broker.stop().await;
}
