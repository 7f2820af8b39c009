//! Records in and out, over a bare socket.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use base::{Offset, Str};
use bytes::Bytes;
use common::Lone;
use common::{Raw, broker};
use records::{BatchBuilder, BatchOptions, NewRecord};
use wire::messages::delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};
use wire::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use wire::{ErrorCode, Records};

fn batch(values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for value in values {
        builder
            .append(NewRecord { timestamp: 1, key: None, value: Some(value.as_bytes()), headers: &[] })
            .unwrap();
    }
    builder.build().to_bytes()
}

async fn topic(raw: &mut Raw, name: &'static str) -> MetadataResponseTopic {
    let topics = Some(vec![MetadataRequestTopic { name: Some(name.into()), ..Default::default() }]);
    let answer = raw.call(12, &MetadataRequest { topics, ..Default::default() }).await;
    answer.topics[0].clone()
}

fn produce(topic: &MetadataResponseTopic, partition: i32, acks: i16, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData { index: partition, records: Some(Records::from(records)) };
    let topic = TopicProduceData {
        name: topic.name.clone().unwrap_or_default(),
        topic_id: topic.topic_id,
        partition_data: vec![data],
    };
    ProduceRequest { acks, timeout_ms: 1000, topic_data: vec![topic], ..Default::default() }
}

async fn produced(raw: &mut Raw, version: i16, request: &ProduceRequest) -> PartitionProduceResponse {
    raw.call(version, request).await.responses[0].partition_responses[0].clone()
}

fn fetch(topic: &MetadataResponseTopic, offset: i64) -> FetchRequest {
    let partition =
        FetchPartition { fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = FetchTopic {
        topic: topic.name.clone().unwrap_or_default(),
        topic_id: topic.topic_id,
        partitions: vec![partition],
    };
    FetchRequest {
        max_wait_ms: 5000,
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![topic],
        ..Default::default()
    }
}

fn only(answer: &FetchResponse) -> &PartitionData {
    assert_eq!(answer.error_code, ErrorCode::NONE);
    &answer.responses[0].partitions[0]
}

fn values(data: &PartitionData) -> Vec<(i64, String)> {
    let bytes = data.records.as_ref().unwrap().to_bytes();
    let mut values = Vec::new();
    for batch in records::Batches::new(&bytes) {
        let batch = batch.unwrap();
        let body = batch.decompress(1 << 20).unwrap();
        for record in batch.records(&body) {
            let record = record.unwrap();
            let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
            values.push((record.offset.0, value));
        }
    }
    values
}

async fn start(properties: &[(&str, &str)]) -> (Lone, Raw) {
    let broker = broker(properties).await;
    let raw = Raw::connect(broker.address().unwrap()).await;
    (broker, raw)
}

#[tokio::test]
async fn what_is_produced_is_fetched_in_every_version() {
    let (_broker, mut raw) = start(&[]).await;
    let topic = topic(&mut raw, "t").await;
    assert_eq!((topic.error_code, topic.partitions.len()), (ErrorCode::NONE, 1));
    let mut expected = Vec::new();
    for version in 3..=13 {
        let answer = produced(&mut raw, version, &produce(&topic, 0, -1, batch(&["a", "b"]))).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (ErrorCode::NONE, expected.len() as i64),
            "version {version}"
        );
        for value in ["a", "b"] {
            expected.push((expected.len() as i64, value.to_owned()));
        }
    }
    for version in 4..=18 {
        let answer = raw.call(version, &fetch(&topic, 0)).await;
        assert_eq!(values(only(&answer)), expected, "version {version}");
        assert_eq!(only(&answer).high_watermark, expected.len() as i64);
    }
}

#[tokio::test]
async fn a_long_poll_is_answered_when_records_come() {
    let (broker, mut raw) = start(&[]).await;
    let topic = topic(&mut raw, "t").await;
    let mut consumer = Raw::connect(broker.address().unwrap()).await;
    consumer.send(11, &fetch(&topic, 0)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    produced(&mut raw, 9, &produce(&topic, 0, 1, batch(&["late"]))).await;
    let answer = consumer.receive::<FetchRequest>(11, 0).await;
    assert_eq!(values(only(&answer)), [(0, "late".to_owned())]);
}

#[tokio::test]
async fn pipelined_produces_keep_their_order() {
    let (_broker, mut raw) = start(&[]).await;
    let topic = topic(&mut raw, "t").await;
    let values: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    for value in &values {
        raw.send(9, &produce(&topic, 0, -1, batch(&[value]))).await;
    }
    for back in (0..100).rev() {
        let answer = raw.receive::<ProduceRequest>(9, back).await;
        assert_eq!(answer.responses[0].partition_responses[0].base_offset, 99 - i64::from(back));
    }
}

#[tokio::test]
async fn acks_0_gets_no_answer_and_its_error_ends_the_connection() {
    let (broker, mut raw) = start(&[]).await;
    let topic = topic(&mut raw, "t").await;
    raw.send(9, &produce(&topic, 0, 0, batch(&["a"]))).await;
    let answer = raw.call(11, &fetch(&topic, 0)).await;
    assert_eq!(values(only(&answer)).len(), 1, "the next answer is the fetch's");
    raw.send(9, &produce(&topic, 7, 0, batch(&["a"]))).await;
    assert!(raw.receive_frame().await.is_none());
    assert!(broker.broker().connections.count() <= 1);
}

#[tokio::test]
async fn errors_are_kafkas() {
    let (_broker, mut raw) = start(&[("message.max.bytes", "1000")]).await;
    let topic = topic(&mut raw, "t").await;
    let mut bad_crc = batch(&["a"]).to_vec();
    *bad_crc.last_mut().unwrap() ^= 1;
    let mut of_another = topic.clone();
    of_another.topic_id.0[0] ^= 1;
    of_another.name = Some(Str::from_static("unknown"));
    for (version, request, error) in [
        (9, produce(&topic, 1, -1, batch(&["a"])), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (9, produce(&topic, 0, 2, batch(&["a"])), ErrorCode::INVALID_REQUIRED_ACKS),
        (9, produce(&topic, 0, -1, Bytes::from(bad_crc)), ErrorCode::CORRUPT_MESSAGE),
        (9, produce(&topic, 0, -1, batch(&[&"a".repeat(2000)])), ErrorCode::MESSAGE_TOO_LARGE),
        (9, produce(&topic, 0, -1, Bytes::new()), ErrorCode::INVALID_RECORD),
        (9, produce(&of_another, 0, -1, batch(&["a"])), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (13, produce(&of_another, 0, -1, batch(&["a"])), ErrorCode::UNKNOWN_TOPIC_ID),
    ] {
        let answer = produced(&mut raw, version, &request).await;
        assert_eq!((answer.error_code, answer.base_offset), (error, -1));
    }
    for (version, request, error) in [
        (11, fetch(&topic, 1), ErrorCode::OFFSET_OUT_OF_RANGE),
        (11, fetch(&topic, -1), ErrorCode::OFFSET_OUT_OF_RANGE),
        (12, fetch(&of_another, 0), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (13, fetch(&of_another, 0), ErrorCode::UNKNOWN_TOPIC_ID),
    ] {
        let answer = raw.call(version, &request).await;
        assert_eq!(only(&answer).error_code, error);
    }
    let mut fenced = fetch(&topic, 0);
    fenced.topics[0].partitions[0].current_leader_epoch = 9;
    let answer = raw.call(11, &fenced).await;
    assert_eq!(only(&answer).error_code, ErrorCode::UNKNOWN_LEADER_EPOCH);
}

#[tokio::test]
async fn a_session_answers_what_changed() {
    let (_broker, mut raw) = start(&[("num.partitions", "3")]).await;
    let topic = topic(&mut raw, "t").await;
    let mut full = fetch(&topic, 0);
    full.session_epoch = 0;
    full.max_wait_ms = 0;
    full.topics[0].partitions = (0..3)
        .map(|partition| FetchPartition { partition, partition_max_bytes: 1 << 20, ..Default::default() })
        .collect();
    let answer = raw.call(13, &full).await;
    assert_eq!(answer.responses[0].partitions.len(), 3);
    let mut next = FetchRequest {
        session_id: answer.session_id,
        session_epoch: 1,
        max_bytes: 1 << 20,
        ..Default::default()
    };
    assert!(answer.session_id != 0);
    assert!(raw.call(13, &next).await.responses.is_empty(), "nothing changed");
    produced(&mut raw, 9, &produce(&topic, 2, -1, batch(&["x"]))).await;
    next.session_epoch = 2;
    let answer = raw.call(13, &next).await;
    assert_eq!(answer.responses[0].partitions.len(), 1);
    assert_eq!((only(&answer).partition_index, values(only(&answer)).len()), (2, 1));
    // Still wanted from offset 0, so there is still something.
    next.session_epoch = 3;
    assert_eq!(values(only(&raw.call(13, &next).await)).len(), 1);
    next.session_epoch = 9;
    assert_eq!(raw.call(13, &next).await.error_code, ErrorCode::INVALID_FETCH_SESSION_EPOCH);
    next.session_id = 12345;
    assert_eq!(raw.call(13, &next).await.error_code, ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
}

#[tokio::test]
async fn offsets_are_listed_by_place_and_time() {
    let (_broker, mut raw) = start(&[]).await;
    let topic = topic(&mut raw, "t").await;
    produced(&mut raw, 9, &produce(&topic, 0, -1, batch(&["a", "b"]))).await;
    for (version, timestamp, expected) in [
        (1, -1, (ErrorCode::NONE, -1, Offset(2))),
        (7, -2, (ErrorCode::NONE, -1, Offset(0))),
        (7, -3, (ErrorCode::NONE, 1, Offset(0))),
        (6, -3, (ErrorCode::UNSUPPORTED_VERSION, -1, Offset(-1))),
        (9, -5, (ErrorCode::NONE, -1, Offset(-1))),
        (7, 0, (ErrorCode::NONE, 1, Offset(0))),
        (7, 2, (ErrorCode::NONE, -1, Offset(-1))),
    ] {
        let partition = ListOffsetsPartition { timestamp, ..Default::default() };
        let asked = ListOffsetsTopic { name: "t".into(), partitions: vec![partition] };
        let request = ListOffsetsRequest { replica_id: -1, topics: vec![asked], ..Default::default() };
        let found = raw.call(version, &request).await.topics[0].partitions[0].clone();
        assert_eq!(
            (found.error_code, found.timestamp, Offset(found.offset)),
            expected,
            "{timestamp} in version {version}"
        );
    }
}

#[tokio::test]
async fn records_and_topics_outlive_the_process() {
    let folder = common::folder();
    let mut expected = Vec::new();
    for round in 0..3_i64 {
        let broker = common::broker_in(&folder, &[]).await;
        let mut raw = Raw::connect(broker.address().unwrap()).await;
        let topic = topic(&mut raw, "t").await;
        let value = format!("round {round}");
        let answer = produced(&mut raw, 13, &produce(&topic, 0, -1, batch(&[&value]))).await;
        assert_eq!((answer.error_code, answer.base_offset), (ErrorCode::NONE, round));
        expected.push((round, value));
        assert_eq!(values(only(&raw.call(18, &fetch(&topic, 0)).await)), expected);
        broker.stop().await;
    }
}

#[tokio::test]
async fn deleted_records_are_gone_and_stay_so() {
    let folder = common::folder();
    let broker = common::broker_in(&folder, &[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    let topic = topic(&mut raw, "t").await;
    for value in ["a", "b", "c"] {
        produced(&mut raw, 13, &produce(&topic, 0, -1, batch(&[value]))).await;
    }
    for (offset, expected) in
        [(2, (ErrorCode::NONE, 2)), (4, (ErrorCode::OFFSET_OUT_OF_RANGE, -1)), (-1, (ErrorCode::NONE, 3))]
    {
        let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset }];
        let topics = vec![DeleteRecordsTopic { name: "t".into(), partitions }];
        let answer = raw.call(2, &DeleteRecordsRequest { topics, timeout_ms: 5000 }).await;
        let found = &answer.topics[0].partitions[0];
        assert_eq!((found.error_code, found.low_watermark), expected);
    }
    broker.stop().await;
    let broker = common::broker_in(&folder, &[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    let answer = raw.call(11, &fetch(&topic, 0)).await;
    assert_eq!(only(&answer).error_code, ErrorCode::OFFSET_OUT_OF_RANGE);
    broker.stop().await;
}

#[tokio::test]
async fn a_stop_answers_a_long_poll() {
    let broker = broker(&[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    let topic = topic(&mut raw, "t").await;
    let long = FetchRequest { max_wait_ms: i32::MAX, ..fetch(&topic, 0) };
    raw.send(12, &long).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopped = tokio::spawn(broker.stop());
    let answer = tokio::time::timeout(Duration::from_secs(60), raw.receive::<FetchRequest>(12, 0));
    assert!(values(only(&answer.await.expect("the wait goes on"))).is_empty());
    stopped.await.unwrap();
}
