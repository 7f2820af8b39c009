//! Compaction and retention, seen from a client.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Raw, broker};
use records::{BatchBuilder, BatchOptions, NewRecord};
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{ErrorCode, Records};

async fn create(raw: &mut Raw, configs: &[(&'static str, &'static str)]) {
    let configs = configs
        .iter()
        .map(|(name, value)| CreatableTopicConfig { name: (*name).into(), value: Some((*value).into()) });
    let topic = CreatableTopic {
        name: "t".into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: configs.collect(),
        ..Default::default()
    };
    let answer = raw
        .call(7, &CreateTopicsRequest { topics: vec![topic], timeout_ms: 5000, ..Default::default() })
        .await;
    assert_eq!(answer.topics[0].error_code, ErrorCode::NONE, "{:?}", answer.topics[0].error_message);
}

async fn produce(raw: &mut Raw, timestamp: i64, key: &str, value: &[u8]) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder
        .append(NewRecord { timestamp, key: Some(key.as_bytes()), value: Some(value), headers: &[] })
        .unwrap();
    let records = Some(Records::from(builder.build().to_bytes()));
    let topic = TopicProduceData {
        name: "t".into(),
        partition_data: vec![PartitionProduceData { index: 0, records }],
        ..Default::default()
    };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 5000, topic_data: vec![topic], ..Default::default() };
    let answer = raw.call(9, &request).await;
    assert_eq!(answer.responses[0].partition_responses[0].error_code, ErrorCode::NONE);
}

/// All keys in the topic, in order, read from the start in as many fetches as it takes.
async fn keys(raw: &mut Raw) -> Vec<String> {
    let (mut keys, mut offset) = (Vec::new(), start(raw).await);
    loop {
        let partition =
            FetchPartition { fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
        let topic = FetchTopic { topic: "t".into(), partitions: vec![partition], ..Default::default() };
        let request = FetchRequest { max_bytes: 1 << 20, topics: vec![topic], ..Default::default() };
        let answer = raw.call(11, &request).await;
        let data = &answer.responses[0].partitions[0];
        assert_eq!(data.error_code, ErrorCode::NONE);
        let bytes: Bytes = data.records.as_ref().unwrap().to_bytes();
        if bytes.is_empty() {
            return keys;
        }
        for batch in records::Batches::new(&bytes) {
            let batch = batch.unwrap();
            offset = batch.header.next_offset().0;
            let body = batch.decompress(1 << 20).unwrap();
            keys.extend(
                batch
                    .records(&body)
                    .map(|one| String::from_utf8(one.unwrap().key.unwrap().to_vec()).unwrap()),
            );
        }
    }
}

/// The first offset there is.
async fn start(raw: &mut Raw) -> i64 {
    let partition = ListOffsetsPartition { timestamp: -2, ..Default::default() };
    let asked = ListOffsetsTopic { name: "t".into(), partitions: vec![partition] };
    let request = ListOffsetsRequest { replica_id: -1, topics: vec![asked], ..Default::default() };
    raw.call(7, &request).await.topics[0].partitions[0].offset
}

async fn eventually<F: AsyncFnMut() -> bool>(mut holds: F) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(20), "does not come true");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn now_ms() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn a_compacted_topic_keeps_the_last_of_each_key() {
    let broker =
        broker(&[("log.cleaner.backoff.ms", "50"), ("log.flush.offset.checkpoint.interval.ms", "100")]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    create(
        &mut raw,
        &[("cleanup.policy", "compact"), ("segment.bytes", "1048576"), ("min.cleanable.dirty.ratio", "0.01")],
    )
    .await;
    let value = vec![b'v'; 100_000];
    for round in 0..8 {
        for key in ["a", "b", "c"] {
            produce(&mut raw, now_ms() + round, key, &value).await;
        }
    }
    let mut other = Raw::connect(broker.address().unwrap()).await;
    eventually(async || keys(&mut other).await.len() <= 10).await;
    let left = keys(&mut raw).await;
    assert!(["a", "b", "c"].iter().all(|key| left.iter().any(|one| one == key)), "{left:?}");
}

#[tokio::test]
async fn retention_takes_what_is_too_much() {
    let broker = broker(&[("log.retention.check.interval.ms", "50")]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    create(
        &mut raw,
        &[("segment.bytes", "1048576"), ("retention.bytes", "1048576"), ("file.delete.delay.ms", "0")],
    )
    .await;
    let value = vec![b'v'; 100_000];
    for _ in 0..40 {
        produce(&mut raw, now_ms(), "k", &value).await;
    }
    let mut other = Raw::connect(broker.address().unwrap()).await;
    eventually(async || start(&mut other).await >= 20).await;
    let begin = start(&mut raw).await;
    assert_eq!(keys(&mut raw).await.len() as i64, 40 - begin);
}
