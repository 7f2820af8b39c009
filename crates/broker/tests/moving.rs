//! Moving partitions between log directories (KIP-113), seen from a client.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use broker::Handle;
use common::{Folder, Raw, broker_in, folder};
use records::{BatchBuilder, BatchOptions, NewRecord};
use wire::messages::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::describe_log_dirs::{DescribeLogDirsPartition, DescribeLogDirsRequest};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{ErrorCode, Records};

const THROTTLE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";

struct Home {
    folder: Folder,
}

impl Home {
    fn new() -> Self {
        Self { folder: folder() }
    }

    fn dir(&self, which: char) -> String {
        format!("{}/{which}", &*self.folder)
    }

    async fn start(&self) -> (Handle, Raw) {
        let dirs = format!("{},{}", self.dir('a'), self.dir('b'));
        let broker = broker_in(&dirs, &[]).await;
        let raw = Raw::connect(broker.address().unwrap()).await;
        (broker, raw)
    }
}

async fn create(raw: &mut Raw) {
    let topic =
        CreatableTopic { name: "t".into(), num_partitions: 1, replication_factor: 1, ..Default::default() };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 5000, ..Default::default() };
    assert_eq!(raw.call(7, &request).await.topics[0].error_code, ErrorCode::NONE);
}

async fn produce(raw: &mut Raw, value: &[u8]) -> i64 {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(NewRecord { timestamp: 1, key: None, value: Some(value), headers: &[] }).unwrap();
    let records = Some(Records::from(builder.build().to_bytes()));
    let topic = TopicProduceData {
        name: "t".into(),
        partition_data: vec![PartitionProduceData { index: 0, records }],
        ..Default::default()
    };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 5000, topic_data: vec![topic], ..Default::default() };
    let answer = raw.call(9, &request).await;
    let answer = &answer.responses[0].partition_responses[0];
    assert_eq!(answer.error_code, ErrorCode::NONE);
    answer.base_offset
}

/// The end of what can be read from the start.
async fn readable(raw: &mut Raw) -> i64 {
    let mut offset = 0;
    loop {
        let partition =
            FetchPartition { fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
        let topic = FetchTopic { topic: "t".into(), partitions: vec![partition], ..Default::default() };
        let request = FetchRequest { max_bytes: 1 << 20, topics: vec![topic], ..Default::default() };
        let answer = raw.call(11, &request).await;
        let data = &answer.responses[0].partitions[0];
        assert_eq!(data.error_code, ErrorCode::NONE);
        let bytes = data.records.clone().unwrap_or_default().to_bytes();
        let Some(last) = records::Batches::new(&bytes).map_while(Result::ok).last() else { return offset };
        offset = last.header.next_offset().0;
    }
}

async fn alter(raw: &mut Raw, path: &str, topic: &str, partition: i32) -> ErrorCode {
    let topics = vec![AlterReplicaLogDirTopic { name: topic.to_owned().into(), partitions: vec![partition] }];
    let dirs = vec![AlterReplicaLogDir { path: path.to_owned().into(), topics }];
    let answer = raw.call(2, &AlterReplicaLogDirsRequest { dirs }).await;
    answer.results[0].partitions[0].error_code
}

/// What lies where: the directory's name and the partition.
async fn held(raw: &mut Raw) -> Vec<(char, DescribeLogDirsPartition)> {
    let answer = raw.call(4, &DescribeLogDirsRequest { topics: None }).await;
    let mut held = Vec::new();
    for dir in &answer.results {
        assert_eq!(dir.error_code, ErrorCode::NONE);
        let name = dir.log_dir.chars().last().unwrap();
        held.extend(
            dir.topics.iter().flat_map(|topic| topic.partitions.iter().cloned()).map(|one| (name, one)),
        );
    }
    held
}

async fn wait_until_at(raw: &mut Raw, dir: char) {
    let begun = Instant::now();
    loop {
        let held = held(raw).await;
        if let [(here, one)] = &held[..]
            && *here == dir
            && !one.is_future_key
        {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{held:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn set(raw: &mut Raw, name: &'static str, bytes: Option<&str>) {
    let config = AlterableConfig {
        name: name.into(),
        config_operation: i8::from(bytes.is_none()),
        value: bytes.map(|bytes| bytes.to_owned().into()),
    };
    let resource =
        AlterConfigsResource { resource_type: 4, resource_name: "1".into(), configs: vec![config] };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    assert_eq!(raw.call(1, &request).await.responses[0].error_code, ErrorCode::NONE);
}

fn other(dir: char) -> char {
    if dir == 'a' { 'b' } else { 'a' }
}

fn folders(home: &Home, which: char) -> Vec<String> {
    let entries = std::fs::read_dir(home.dir(which)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("t-0") && !name.ends_with("-delete")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_moves_while_it_is_written_and_stays_after_a_restart() {
    let home = Home::new();
    let (broker, mut raw) = home.start().await;
    create(&mut raw).await;
    for _ in 0..50 {
        produce(&mut raw, &[7; 100_000]).await;
    }
    let from = held(&mut raw).await[0].0;
    let mut at = from;
    for _ in 0..3 {
        at = other(at);
        assert_eq!(alter(&mut raw, &home.dir(at), "t", 0).await, ErrorCode::NONE);
        for _ in 0..20 {
            produce(&mut raw, b"while it moves").await;
        }
        wait_until_at(&mut raw, at).await;
        let end = produce(&mut raw, b"after it moved").await + 1;
        assert_eq!(readable(&mut raw).await, end);
        assert_eq!(folders(&home, at), ["t-0"]);
        assert!(folders(&home, other(at)).is_empty());
    }
    // Where it is already.
    assert_eq!(alter(&mut raw, &home.dir(at), "t", 0).await, ErrorCode::NONE);
    wait_until_at(&mut raw, at).await;
    broker.stop().await;
    let (broker, mut raw) = home.start().await;
    assert_eq!(readable(&mut raw).await, 50 + 3 * 21);
    assert_eq!(held(&mut raw).await[0].0, at);
    assert!(folders(&home, other(at)).is_empty());
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_under_way_is_told_with_its_lag_and_taken_back_or_ended_with_its_topic() {
    let home = Home::new();
    let (broker, mut raw) = home.start().await;
    create(&mut raw).await;
    for _ in 0..60 {
        produce(&mut raw, &[7; 100_000]).await;
    }
    set(&mut raw, THROTTLE, Some("1000")).await;
    let at = held(&mut raw).await[0].0;
    let to = other(at);
    assert_eq!(alter(&mut raw, &home.dir(to), "t", 0).await, ErrorCode::NONE);
    let future = wait_for_future(&mut raw).await;
    assert!(future.0 == to && future.1.offset_lag > 0 && future.1.partition_size > 0, "{future:?}");
    assert_eq!(alter(&mut raw, &home.dir(at), "t", 0).await, ErrorCode::NONE);
    wait_until_at(&mut raw, at).await;
    // Once more, until the process ends: the next one begins it again, and ends it when it may.
    assert_eq!(alter(&mut raw, &home.dir(to), "t", 0).await, ErrorCode::NONE);
    wait_for_future(&mut raw).await;
    broker.stop().await;
    let (broker, mut raw) = home.start().await;
    wait_for_future(&mut raw).await;
    set(&mut raw, THROTTLE, None).await;
    wait_until_at(&mut raw, to).await;
    assert_eq!(readable(&mut raw).await, 60);
    // The topic goes while its partition moves.
    set(&mut raw, THROTTLE, Some("1000")).await;
    assert_eq!(alter(&mut raw, &home.dir(at), "t", 0).await, ErrorCode::NONE);
    wait_for_future(&mut raw).await;
    let request =
        DeleteTopicsRequest { topic_names: vec!["t".into()], timeout_ms: 5000, ..Default::default() };
    assert_eq!(raw.call(5, &request).await.responses[0].error_code, ErrorCode::NONE);
    let begun = Instant::now();
    while !folders(&home, at).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", folders(&home, at));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(held(&mut raw).await.is_empty());
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deleted_topic_of_the_same_name_left_is_removed() {
    let home = Home::new();
    let (broker, mut raw) = home.start().await;
    create(&mut raw).await;
    produce(&mut raw, b"of the topic before").await;
    let at = held(&mut raw).await[0].0;
    broker.stop().await;
    // As after a crash between the deletion of a topic and that of its folder.
    let metadata = format!("{}/t-0/partition.metadata", home.dir(at));
    std::fs::write(&metadata, "version: 0\ntopic_id: 5L6g3nShT-eMCtK--X86sw\n").unwrap();
    let (broker, mut raw) = home.start().await;
    assert_eq!(produce(&mut raw, b"of the topic now").await, 0);
    broker.stop().await;
}

async fn wait_for_future(raw: &mut Raw) -> (char, DescribeLogDirsPartition) {
    let begun = Instant::now();
    loop {
        if let Some(found) = held(raw).await.into_iter().find(|(_, one)| one.is_future_key) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "nothing moves");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_moved_is_refused_as_kafka_does() {
    let home = Home::new();
    let (broker, mut raw) = home.start().await;
    create(&mut raw).await;
    let (long, here) = ("x".repeat(230), home.dir('a'));
    for (path, topic, partition, expected) in [
        ("/nowhere", "t", 0, ErrorCode::LOG_DIR_NOT_FOUND),
        ("/nowhere", "nobody", 0, ErrorCode::LOG_DIR_NOT_FOUND),
        ("a", "t", 0, ErrorCode::LOG_DIR_NOT_FOUND),
        (&*here, "nobody", 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (&*here, "t", 9, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (&*here, &*long, 0, ErrorCode::INVALID_TOPIC_EXCEPTION),
        (&*here, "t", 0, ErrorCode::NONE),
    ] {
        assert_eq!(alter(&mut raw, path, topic, partition).await, expected, "{path} {topic} {partition}");
    }
    broker.stop().await;
}
