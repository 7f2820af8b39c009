//! A directory whose committer does not keep up, or ends: in a broker of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::LeaderEpoch;
use log::{AppendInfo, Origin};
use records::{BatchBuilder, BatchOptions, NewRecord, ValidBatches};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::{ErrorCode, Request};

use crate::config::{Config, Origin as From, Properties};
use crate::partition::{Acks, AppendAs, AppendError, AppendWatcher, Partition};
use crate::{Handle, serve};

/// A broker with these log directories and properties.
pub(crate) async fn broker(folders: &[&Path], properties: &[(&str, &str)]) -> Handle {
    let mut all = Properties::default();
    let folders: Vec<_> = folders.iter().map(|folder| folder.to_str().unwrap()).collect();
    all.set("log.dirs", folders.join(","), From::Embedder);
    all.set("listeners", "PLAINTEXT://127.0.0.1:0", From::Embedder);
    properties.iter().for_each(|(key, value)| all.set(*key, *value, From::Embedder));
    serve(Config::new(all).unwrap()).await.unwrap()
}

/// The only partition of a topic that this makes.
pub(crate) async fn partition(broker: &Handle) -> Arc<Partition> {
    let topics = Some(vec![MetadataRequestTopic { name: Some("t".into()), ..Default::default() }]);
    ask(broker, 12, &MetadataRequest { topics, allow_auto_topic_creation: true, ..Default::default() }).await;
    broker.broker().topics.by_name("t").unwrap().find(0).unwrap()
}

async fn ask<R: Request>(broker: &Handle, version: i16, request: &R) -> R::Response {
    let mut socket = TcpStream::connect(broker.address().unwrap()).await.unwrap();
    let bytes = wire::frame::encode_request(1, None, version, request).unwrap().read().unwrap();
    socket.write_all(&bytes).await.unwrap();
    let mut answer = vec![0; socket.read_i32().await.unwrap() as usize];
    socket.read_exact(&mut answer).await.unwrap();
    wire::frame::decode_response::<R>(answer.into(), version).unwrap().1
}

/// Deletes a partition's topic, and waits until its folder has another name.
async fn delete(broker: &Handle, partition: &Partition) {
    let topic_names = vec![partition.topic().clone()];
    let request = DeleteTopicsRequest { topic_names, timeout_ms: 5000, ..Default::default() };
    let answer = ask(broker, 4, &request).await;
    assert_eq!(answer.responses[0].error_code, ErrorCode::NONE);
    while !partition.with_log(|log| log.dir()).to_str().unwrap().ends_with("-delete") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Tells what became of an append, or panics instead.
struct Watcher(Option<oneshot::Sender<Result<(), AppendError>>>);

impl AppendWatcher for Watcher {
    fn ordered(&mut self, _: &AppendInfo) {}

    fn done(self: Box<Self>, outcome: Result<(), AppendError>) {
        self.0.expect("a watcher that takes the answer").send(outcome).ok();
    }
}

fn append(partition: &Partition, watcher: Watcher) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(NewRecord { timestamp: 1, key: None, value: Some(b"x"), headers: &[] }).unwrap();
    let (origin, leader_epoch, acks) = (Origin::Client, LeaderEpoch(-1), Acks::Leader);
    let how = AppendAs { origin, leader_epoch, broker_epoch: -1, acks, now_ms: 1 };
    partition.append(ValidBatches::from(builder.build()), how, watcher);
}

pub(crate) async fn append_one(partition: &Partition) {
    assert_eq!(appended(partition).await, ErrorCode::NONE);
}

async fn appended(partition: &Partition) -> ErrorCode {
    let (sender, receiver) = oneshot::channel();
    append(partition, Watcher(Some(sender)));
    receiver.await.unwrap().map_or_else(|error| error.code(), |()| ErrorCode::NONE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_refuses_while_too_much_waits_and_ends_the_broker_with_its_committer() {
    let folder = std::env::temp_dir().join(format!("mekong-backlog-{}", std::process::id()));
    let broker = broker(&[&folder], &[]).await;
    let partition = partition(&broker).await;
    append_one(&partition).await;

    let dir = partition.dir();
    let (queue, bytes_max) = &dir.backlog;
    let usual = bytes_max.swap(queue.bytes(), Ordering::Relaxed);
    assert!((1 << 20..u64::MAX).contains(&usual), "{usual}");
    assert_eq!(appended(&partition).await, ErrorCode::KAFKA_STORAGE_ERROR);
    bytes_max.store(usual, Ordering::Relaxed);
    assert_eq!(appended(&partition).await, ErrorCode::NONE);

    append(&partition, Watcher(None));
    let failed = tokio::time::timeout(Duration::from_secs(20), broker.failed()).await;
    assert!(failed.unwrap().contains("committer"), "the committer's thread is gone, and nobody was told");
    drop((partition, dir));
    broker.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_partition_takes_no_place_in_its_directory_and_its_namesake_goes_elsewhere() {
    let folder = std::env::temp_dir().join(format!("mekong-deleted-{}", std::process::id()));
    let dirs = [folder.join("a"), folder.join("b")];
    let handle = broker(&[&dirs[0], &dirs[1]], &[]).await;
    let first = partition(&handle).await;
    append_one(&first).await;
    let logs = &handle.broker().logs;
    let from = first.dir();
    assert!(from.has_folder("t-0"));
    delete(&handle, &first).await;
    assert!(!logs.has_folder("t", 0));

    logs.set_cordoned(&[from.path.to_str().unwrap().to_owned()]);
    let second = partition(&handle).await;
    append_one(&second).await;
    assert!(!Arc::ptr_eq(&second.dir(), &from), "the place of the first is cordoned");
    assert!(second.dir().has_folder("t-0") && !from.has_folder("t-0"));
    drop((first, second, from));
    handle.stop().await;
    for dir in dirs {
        assert!(dir.join(".kafka_cleanshutdown").exists(), "{} holds nothing that is open", dir.display());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn high_watermarks_that_cannot_be_written_now_are_written_the_next_time() {
    let folder = std::env::temp_dir().join(format!("mekong-watermarks-{}", std::process::id()));
    let seldom = [("replica.high.watermark.checkpoint.interval.ms", "3600000")];
    let handle = broker(&[&folder], &seldom).await;
    let partition = partition(&handle).await;
    append_one(&partition).await;
    let dir = partition.dir();
    while !dir.moved.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let bounds = folder.join("mekong-bounds");
    std::fs::remove_file(&bounds).ok();
    std::fs::create_dir(&bounds).unwrap();
    handle.broker().checkpoint_high_watermarks();
    std::fs::remove_dir(&bounds).unwrap();
    handle.broker().checkpoint_high_watermarks();
    assert!(bounds.is_file());
    drop((partition, dir));
    handle.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}
