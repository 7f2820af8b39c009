//! A muted connection, what is charged to whom, and how connections end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{ErrorCode, Request, frame};

use crate::accounting::{Account, Party};
use crate::config::{Config, Origin, Properties};
use crate::server::{Handle, serve};

const CLIENT: &str = "throttled";

/// A broker, a connection to it, and the account that is charged for what that asks.
struct Fixture {
    broker: Handle,
    stream: TcpStream,
    account: Arc<Account>,
    _folder: Folder,
}

struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

impl Fixture {
    async fn start(name: &str) -> Self {
        Self::with(name, &[]).await
    }

    async fn with(name: &str, properties: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("mekong-connection-{name}-{}", std::process::id()));
        let mut all = Properties::default();
        all.set("log.dirs", folder.to_str().unwrap(), Origin::Embedder);
        all.set("listeners", "PLAINTEXT://127.0.0.1:0", Origin::Embedder);
        for (key, value) in properties {
            all.set(*key, *value, Origin::Embedder);
        }
        let broker = serve(Config::new(all).unwrap()).await.unwrap();
        let stream = TcpStream::connect(broker.address().unwrap()).await.unwrap();
        let party = Party { principal: "User:ANONYMOUS".into(), client_id: CLIENT.into() };
        let account = broker.broker().accounts.of(&party);
        Self { broker, stream, account, _folder: Folder(folder) }
    }

    async fn send<R: Request>(&mut self, version: i16, request: &R) {
        let rope = frame::encode_request(0, Some(CLIENT.into()), version, request).unwrap();
        self.stream.write_all(&rope.read().unwrap()).await.unwrap();
    }

    async fn receive<R: Request>(&mut self, version: i16) -> R::Response {
        let size = self.stream.read_i32().await.unwrap();
        let mut body = vec![0; usize::try_from(size).unwrap()];
        self.stream.read_exact(&mut body).await.unwrap();
        frame::decode_response::<R>(body.into(), version).unwrap().1
    }

    async fn create_topic(&mut self) {
        let topic = CreatableTopic {
            name: "t".into(),
            num_partitions: 1,
            replication_factor: 1,
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() };
        self.send(7, &request).await;
        let response = self.receive::<CreateTopicsRequest>(7).await;
        assert_eq!(response.topics[0].error_code, ErrorCode::NONE);
    }
}

fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest { client_software_name: "raw".into(), client_software_version: "1".into() }
}

#[tokio::test]
async fn who_is_over_its_quota_is_told_so_at_once_and_heard_again_later() {
    // Long beside what a busy machine takes for an answer.
    let throttle = Duration::from_secs(2);
    let mut fixture = Fixture::start("told").await;
    fixture.account.set_throttle(throttle);
    let asked = Instant::now();
    for version in [3, 0, 3] {
        fixture.send(version, &api_versions()).await;
    }
    for (before, version, told) in [(0, 3, 2000), (1, 0, 0), (2, 3, 2000)] {
        let response = fixture.receive::<ApiVersionsRequest>(version).await;
        assert_eq!(response.throttle_time_ms, told, "version 0 has no place for it");
        let waited = asked.elapsed();
        assert!(waited >= throttle * before, "{before}: {waited:?}");
        assert!(waited < throttle * (before + 1), "the answer itself is not kept back: {before}: {waited:?}");
    }
    // Ends though the connection is muted.
    let stopped = Instant::now();
    fixture.account.set_throttle(Duration::from_secs(60));
    tokio::time::sleep(throttle).await;
    fixture.send(3, &api_versions()).await;
    fixture.receive::<ApiVersionsRequest>(3).await;
    fixture.broker.stop().await;
    assert!(stopped.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_produce_that_wants_no_answer_mutes_too() {
    let throttle = Duration::from_millis(300);
    let mut fixture = Fixture::start("silent").await;
    fixture.create_topic().await;
    fixture.account.set_throttle(throttle);
    let topic = TopicProduceData { name: "t".into(), ..Default::default() };
    let produce = ProduceRequest { acks: 0, topic_data: vec![topic], ..Default::default() };
    let asked = Instant::now();
    fixture.send(9, &produce).await;
    fixture.send(3, &api_versions()).await;
    fixture.receive::<ApiVersionsRequest>(3).await;
    assert!(asked.elapsed() >= throttle, "{:?}", asked.elapsed());
    fixture.broker.stop().await;
}

#[tokio::test]
async fn a_long_poll_is_neither_charged_nor_counted_as_work() {
    let wait = Duration::from_millis(500);
    let mut fixture = Fixture::start("poll").await;
    fixture.create_topic().await;
    let partition = FetchPartition { partition_max_bytes: 1, ..Default::default() };
    let topic = FetchTopic { topic: "t".into(), partitions: vec![partition], ..Default::default() };
    let fetch = FetchRequest {
        max_wait_ms: i32::try_from(wait.as_millis()).unwrap(),
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![topic],
        ..Default::default()
    };
    let (requests, charged) = (fixture.account.requests(), fixture.account.time());
    fixture.send(4, &fetch).await;
    fixture.receive::<FetchRequest>(4).await;
    assert_eq!(fixture.account.requests(), requests + 1);
    let charged = fixture.account.time() - charged;
    assert!(charged < wait / 2, "{charged:?}");
    let metrics = fixture.broker.broker().metrics.api(FetchRequest::KEY).unwrap();
    let read = |counter: &std::sync::atomic::AtomicU64| {
        Duration::from_nanos(counter.load(std::sync::atomic::Ordering::Relaxed))
    };
    assert!(read(&metrics.local_ns) < wait / 2, "{metrics:?}");
    assert!(read(&metrics.remote_ns) >= wait / 2, "{metrics:?}");
    fixture.broker.stop().await;
}

/// A request of some size, and with an answer.
fn large() -> MetadataRequest {
    let named = |number: usize| MetadataRequestTopic {
        name: Some(format!("{number:0>200}").into()),
        ..Default::default()
    };
    MetadataRequest { topics: Some((0..2000).map(named).collect()), ..Default::default() }
}

#[tokio::test]
async fn frames_that_wait_for_each_others_memory_end_and_others_come_in() {
    let mut fixture = Fixture::with("waits", &[("queued.max.request.bytes", "1048576")]).await;
    let mut stuck = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(fixture.broker.address().unwrap()).await.unwrap();
        stream.write_all(&900_000_i32.to_be_bytes()).await.unwrap();
        let _ = tokio::time::timeout(Duration::from_millis(500), stream.write_all(&[0; 700_000])).await;
        stuck.push(stream);
    }
    // Young enough not to count as slow when they do.
    tokio::time::sleep(Duration::from_secs(6)).await;
    fixture.send(9, &large()).await;
    let answer = tokio::time::timeout(Duration::from_secs(60), fixture.receive::<MetadataRequest>(9));
    assert_eq!(answer.await.unwrap().topics.len(), 2000);
    fixture.broker.stop().await;
}

#[tokio::test]
async fn who_has_sent_all_of_its_frame_does_not_send_slowly() {
    let mut fixture = Fixture::start("sent").await;
    for _ in 0..2 {
        fixture.send(9, &large()).await;
        assert_eq!(fixture.receive::<MetadataRequest>(9).await.topics.len(), 2000);
        tokio::time::sleep(Duration::from_millis(600)).await;
        fixture.broker.broker().connections.close_slow(Duration::ZERO);
    }
    fixture.broker.stop().await;
}

#[tokio::test]
async fn answers_that_stand_before_a_refusal_leave_first() {
    let mut fixture = Fixture::start("before").await;
    let topic = TopicProduceData {
        name: "t".into(),
        partition_data: vec![PartitionProduceData::default()],
        ..Default::default()
    };
    let produce = |acks| ProduceRequest {
        acks,
        topic_data: vec![topic.clone()],
        timeout_ms: 1000,
        ..Default::default()
    };
    let bytes = |version, acks| {
        frame::encode_request(0, Some(CLIENT.into()), version, &produce(acks))
            .unwrap()
            .read()
            .unwrap()
            .to_vec()
    };
    let mut unserved = bytes(9, 1);
    unserved[6..8].copy_from_slice(&99_i16.to_be_bytes());
    for end in [bytes(9, 0), unserved] {
        fixture.stream = TcpStream::connect(fixture.broker.address().unwrap()).await.unwrap();
        fixture.stream.write_all(&[bytes(9, 1), end].concat()).await.unwrap();
        let answer = fixture.receive::<ProduceRequest>(9).await;
        let code = answer.responses[0].partition_responses[0].error_code;
        assert_eq!(code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        assert_eq!(fixture.stream.read(&mut [0; 1]).await.unwrap(), 0);
    }
    fixture.broker.stop().await;
}

/// Its size was known from the one before, so that one read brings it.
#[tokio::test]
async fn a_large_frame_that_comes_whole_waits_for_memory_too() {
    let mut fixture = Fixture::start("whole").await;
    let mut metadata = large();
    metadata.topics.as_mut().unwrap().truncate(200);
    fixture.send(9, &metadata).await;
    assert_eq!(fixture.receive::<MetadataRequest>(9).await.topics.len(), 200);
    let mut all = net::Reservation::default();
    fixture.broker.broker().memory.grow(&mut all, usize::MAX).await;
    fixture.send(9, &metadata).await;
    let mut byte = [0; 1];
    let early = tokio::time::timeout(Duration::from_millis(500), fixture.stream.peek(&mut byte)).await;
    assert!(early.is_err(), "it ran without memory");
    drop(all);
    assert_eq!(fixture.receive::<MetadataRequest>(9).await.topics.len(), 200);
    fixture.broker.stop().await;
}
