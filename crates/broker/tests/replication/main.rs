//! Three brokers in this process that copy each other's partitions.
//!
//! What a controller would decide, the test decides: it makes the image of the metadata and gives it to each broker, to all at once
//! or to one before the others.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod groups;
mod throttles;

use std::time::{Duration, Instant};

use base::{Offset, Str, TopicId, TopicIdPartition, Uuid};
use broker::{Handle, Partition};
use bytes::Bytes;
use common::{Lone, Raw, broker};
use metadata::record::{
    BrokerChangeRecord, ConfigRecord, Endpoint, PartitionChangeRecord, PartitionRecord, RegisterBrokerRecord,
    RemoveTopicRecord, TopicRecord,
};
use metadata::{Delta, MetadataImage, Record};
use records::{BatchBuilder, BatchOptions, NewRecord};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use wire::{ErrorCode, Records};

const TOPIC: TopicId = TopicId(Uuid::from_random([7; 16]));
const KEY: TopicIdPartition = TopicIdPartition { topic: TOPIC, partition: 0 };

struct Cluster {
    brokers: Vec<Lone>,
    records: Vec<Record>,
}

impl Cluster {
    /// Brokers 1 to 3; a topic of one partition on all, led by 1, with a `min.insync.replicas` of 2.
    async fn start() -> Self {
        Self::begin(&[], &[1, 2, 3]).await
    }

    /// The same with these properties; only those who are in sync are told.
    async fn begin(properties: &[(&str, &str)], isr: &[i32]) -> Self {
        let mut brokers = Vec::new();
        for id in ["1", "2", "3"] {
            brokers.push(broker(&[properties, &[("node.id", id)]].concat()).await);
        }
        let mut records: Vec<Record> = brokers.iter().map(|one| registered(one)).collect();
        records.push(TopicRecord { name: Str::from_static("t"), topic_id: TOPIC }.into());
        records.push(
            ConfigRecord {
                resource_type: 2,
                resource_name: Str::from_static("t"),
                name: Str::from_static("min.insync.replicas"),
                value: Some(Str::from_static("2")),
            }
            .into(),
        );
        let partition = PartitionRecord {
            topic_id: TOPIC,
            replicas: vec![1, 2, 3],
            directories: vec![Uuid::ZERO; 3],
            isr: isr.to_vec(),
            leader: 1,
            ..Default::default()
        };
        records.push(partition.into());
        let cluster = Self { brokers, records };
        cluster.tell(&isr.iter().map(|id| usize::try_from(*id).unwrap()).collect::<Vec<_>>()).await;
        cluster
    }

    fn configure(
        &mut self,
        resource_type: i8,
        name: &'static str,
        config: String,
        value: Option<&'static str>,
    ) {
        let (resource_name, value) = (Str::from_static(name), value.map(Str::from_static));
        self.records.push(ConfigRecord { resource_type, resource_name, name: config.into(), value }.into());
    }

    /// Gives these brokers the metadata as they stand.
    async fn tell(&self, ids: &[usize]) {
        for id in ids {
            let (mut image, mut delta) = (MetadataImage::default(), Delta::default());
            self.records.iter().for_each(|record| image.replay(record, &mut delta).unwrap());
            let broker = std::sync::Arc::clone(self.brokers[id - 1].broker());
            tokio::task::spawn_blocking(move || broker.apply(image, &delta)).await.unwrap();
        }
    }

    fn change(&mut self, leader: Option<i32>, isr: &[i32]) {
        let isr = Some(isr.to_vec());
        let change = PartitionChangeRecord { topic_id: TOPIC, leader, isr, ..Default::default() };
        self.records.push(change.into());
    }

    async fn produce(&self, id: usize, acks: i16, value: &'static str) -> PartitionProduceResponse {
        let mut raw = Raw::connect(self.brokers[id - 1].address().unwrap()).await;
        let data = PartitionProduceData { index: 0, records: Some(Records::from(batch(value))) };
        let topic = TopicProduceData { topic_id: TOPIC.0, partition_data: vec![data], ..Default::default() };
        let request =
            ProduceRequest { acks, timeout_ms: 3000, topic_data: vec![topic], ..Default::default() };
        raw.call(13, &request).await.responses[0].partition_responses[0].clone()
    }

    fn replica(&self, id: usize) -> std::sync::Arc<Partition> {
        self.brokers[id - 1].broker().topics.by_id(KEY.topic).unwrap().replica(0).unwrap()
    }

    /// The values in a replica's log.
    fn values(&self, id: usize) -> Vec<String> {
        let partition = self.replica(id);
        let reader = partition.reader();
        let limit =
            log::ReadLimit { bound: reader.view().log_end, max_bytes: 1 << 20, whole_first_batch: true };
        let mut bytes = Vec::new();
        for slice in reader.read(Offset(0), limit).unwrap().slices {
            match slice {
                log::Slice::Bytes(piece) => bytes.extend_from_slice(&piece),
                log::Slice::File { file, position, len } => {
                    let mut piece = vec![0; len];
                    file.read_exact_at(&mut piece, position).unwrap();
                    bytes.extend_from_slice(&piece);
                }
            }
        }
        let bytes = Bytes::from(bytes);
        let mut values = Vec::new();
        for batch in records::Batches::new(&bytes) {
            let batch = batch.unwrap();
            let body = batch.decompress(1 << 20).unwrap();
            for record in batch.records(&body) {
                values.push(String::from_utf8(record.unwrap().value.unwrap().to_vec()).unwrap());
            }
        }
        values
    }

    async fn stop(self) {
        for broker in self.brokers {
            broker.stop().await;
        }
    }
}

fn registered(handle: &Handle) -> Record {
    let (broker, address) = (handle.broker(), handle.address().unwrap());
    let image = broker.image();
    let own = image.brokers().get(&broker.config.node_id).unwrap();
    RegisterBrokerRecord {
        broker_id: own.id,
        broker_epoch: own.epoch,
        endpoints: vec![Endpoint {
            name: Str::from_static("PLAINTEXT"),
            host: Str::from(address.ip().to_string()),
            port: address.port(),
            security_protocol: 0,
        }],
        log_dirs: own.log_dirs.clone(),
        ..Default::default()
    }
    .into()
}

fn batch(value: &str) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let record = NewRecord { timestamp: 1, key: None, value: Some(value.as_bytes()), headers: &[] };
    builder.append(record).unwrap();
    builder.build().to_bytes()
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_on_every_replica() {
    let cluster = Cluster::start().await;
    for value in ["a", "b", "c"] {
        let answer = cluster.produce(1, -1, value).await;
        assert_eq!(answer.error_code, ErrorCode::NONE);
        for id in 1..=3 {
            let view = cluster.replica(id).reader().view();
            assert!(view.durable_end > Offset(answer.base_offset), "{id} has it durably");
        }
    }
    let begun = Instant::now();
    for _ in 0..20 {
        cluster.produce(1, -1, "more").await;
    }
    println!("20 appends to three replicas took {:?}", begun.elapsed());
    assert_eq!(cluster.values(1).len(), 23);
    assert_eq!(cluster.values(1), cluster.values(2));
    assert_eq!(cluster.values(1), cluster.values(3));
    let refused = cluster.produce(2, -1, "x").await;
    assert_eq!(refused.error_code, ErrorCode::NOT_LEADER_OR_FOLLOWER);
    assert_eq!((refused.current_leader.leader_id, refused.current_leader.leader_epoch), (1, 0));
    eventually("followers learn the high watermark", || {
        (2..=3).all(|id| cluster.replica(id).reader().view().high_watermark == Offset(23))
    })
    .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_died_holds_nobody_up() {
    let mut cluster = Cluster::start().await;
    assert_eq!(cluster.produce(1, -1, "before").await.error_code, ErrorCode::NONE);
    eventually("3 has it", || cluster.values(3) == ["before"]).await;
    let dead = cluster.brokers.pop().unwrap();
    let epoch = dead.broker().image().brokers().get(&3).unwrap().epoch;
    dead.stop().await;
    let fenced =
        BrokerChangeRecord { broker_id: 3, broker_epoch: epoch, fenced: Some(true), ..Default::default() };
    cluster.records.push(fenced.into());
    cluster.change(None, &[1, 2]);
    cluster.tell(&[1, 2]).await;
    let before = Instant::now();
    assert_eq!(cluster.produce(1, -1, "after").await.error_code, ErrorCode::NONE);
    assert!(before.elapsed() < Duration::from_secs(2), "it took {:?}", before.elapsed());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposed_leader_takes_back_what_was_never_committed() {
    let mut cluster = Cluster::start().await;
    assert_eq!(cluster.produce(1, -1, "committed").await.error_code, ErrorCode::NONE);
    // 2 and 3 hear of the new leader; 1 still believes that it leads, and takes what nobody copies any more.
    cluster.change(Some(2), &[2, 3]);
    cluster.tell(&[2, 3]).await;
    assert_eq!(cluster.produce(1, 1, "lost").await.error_code, ErrorCode::NONE);
    let parked = cluster.produce(1, -1, "lost too");
    let led = async {
        assert_eq!(cluster.produce(2, -1, "kept").await.error_code, ErrorCode::NONE);
        cluster.tell(&[1]).await;
    };
    let (parked, ()) = tokio::join!(parked, led);
    assert_eq!(parked.error_code, ErrorCode::NOT_LEADER_OR_FOLLOWER, "who waited on the old leader hears so");
    eventually("the deposed leader follows", || cluster.values(1) == ["committed", "kept"]).await;
    for id in 2..=3 {
        assert_eq!(cluster.values(id), ["committed", "kept"]);
    }
    // And back again, with everybody in sync.
    cluster.change(Some(1), &[1, 2, 3]);
    cluster.tell(&[1, 2, 3]).await;
    assert_eq!(cluster.produce(1, -1, "again").await.error_code, ErrorCode::NONE);
    assert_eq!(cluster.values(3), ["committed", "kept", "again"]);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_in_sync_replicas_refuse_acks_all() {
    let mut cluster = Cluster::start().await;
    cluster.change(None, &[1]);
    cluster.tell(&[1, 2, 3]).await;
    assert_eq!(cluster.produce(1, -1, "x").await.error_code, ErrorCode::NOT_ENOUGH_REPLICAS);
    assert_eq!(cluster.produce(1, 1, "y").await.error_code, ErrorCode::NONE);
    let high_watermark = |cluster: &Cluster| cluster.replica(1).reader().view().high_watermark;
    eventually("followers copy it", || cluster.values(3) == ["y"]).await;
    assert_eq!(high_watermark(&cluster), Offset(0), "nothing is committed below min.insync.replicas");
    cluster.change(None, &[1, 2]);
    cluster.tell(&[1, 2, 3]).await;
    eventually("it is committed", || high_watermark(&cluster) == Offset(1)).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_leader_tells_no_end_before_it_has_proven_its_high_watermark() {
    const LATEST: i64 = -1;
    const EARLIEST: i64 = -2;
    let mut cluster = Cluster::start().await;
    // Below min.insync.replicas nothing is committed, though all copy it.
    cluster.change(None, &[1]);
    cluster.tell(&[1, 2, 3]).await;
    assert_eq!(cluster.produce(1, 1, "x").await.error_code, ErrorCode::NONE);
    eventually("2 copies it", || cluster.values(2) == ["x"]).await;
    cluster.change(Some(2), &[2]);
    cluster.tell(&[2]).await;
    let mut raw = Raw::connect(cluster.brokers[1].address().unwrap()).await;
    for (version, timestamp, expected) in [
        (5, LATEST, (ErrorCode::OFFSET_NOT_AVAILABLE, -1)),
        (4, LATEST, (ErrorCode::LEADER_NOT_AVAILABLE, -1)),
        (5, 0, (ErrorCode::OFFSET_NOT_AVAILABLE, -1)),
        (5, 2, (ErrorCode::NONE, -1)),
        (5, EARLIEST, (ErrorCode::NONE, 0)),
    ] {
        assert_eq!(list_offset(&mut raw, version, timestamp).await, expected, "{timestamp} in {version}");
    }
    cluster.change(None, &[2, 3]);
    cluster.tell(&[1, 2, 3]).await;
    eventually("it is committed", || cluster.replica(2).reader().view().high_watermark == Offset(1)).await;
    assert_eq!(list_offset(&mut raw, 5, LATEST).await, (ErrorCode::NONE, 1));
    assert_eq!(list_offset(&mut raw, 5, 0).await, (ErrorCode::NONE, 0));
    cluster.stop().await;
}

async fn list_offset(raw: &mut Raw, version: i16, timestamp: i64) -> (ErrorCode, i64) {
    let partition = ListOffsetsPartition { timestamp, current_leader_epoch: -1, ..Default::default() };
    let topic = ListOffsetsTopic { name: Str::from_static("t"), partitions: vec![partition] };
    let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
    let answer = raw.call(version, &request).await.topics[0].partitions[0].clone();
    (answer.error_code, answer.offset)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_its_leader_refuses_asks_at_its_leisure() {
    let mut cluster = Cluster::start().await;
    cluster.change(Some(2), &[2, 3]);
    // 2 has not heard yet that it leads.
    cluster.tell(&[3]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = || {
        cluster.brokers[1]
            .broker()
            .metrics
            .api(wire::ApiKey::Fetch)
            .unwrap()
            .requests
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    let before = asked();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let times = asked() - before;
    assert!((5..100).contains(&times), "{times} requests in a second");
    cluster.tell(&[1, 2]).await;
    assert_eq!(cluster.produce(2, -1, "x").await.error_code, ErrorCode::NONE);
    cluster.stop().await;
}
