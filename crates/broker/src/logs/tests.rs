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
use wire::ErrorCode;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};

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
    let request = MetadataRequest { topics, allow_auto_topic_creation: true, ..Default::default() };
    let mut socket = TcpStream::connect(broker.address().unwrap()).await.unwrap();
    let bytes = wire::frame::encode_request(1, None, 12, &request).unwrap().read().unwrap();
    socket.write_all(&bytes).await.unwrap();
    let mut answer = vec![0; socket.read_i32().await.unwrap() as usize];
    socket.read_exact(&mut answer).await.unwrap();
    broker.broker().topics.by_name("t").unwrap().find(0).unwrap()
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
