//! The clients of the kill cycles: idempotent and plain producers, a group that commits, an administrator.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use client::{Acks, Client, Producer, ProducerRecord, TopicPartition};
use env::{Random as _, SeededRandom};
use tokio::task::JoinSet;

use crate::Failure;
use crate::ledger::{Ledger, Tried};

/// The group that commits.
pub const GROUP: &str = "readers";
/// Where the group's offsets are.
pub const GROUP_TOPIC: &str = "plain";
/// A topic: name, partitions, configs.
type TopicPlan = (&'static str, i32, &'static [(&'static str, &'static str)]);

/// The topics that stay.
pub const TOPICS: [TopicPlan; 4] = [
    ("plain", 2, &[("segment.bytes", "1048576")]),
    ("many", 24, &[("segment.bytes", "1048576")]),
    (
        "retained",
        1,
        &[("segment.bytes", "1048576"), ("retention.bytes", "2097152"), ("file.delete.delay.ms", "100")],
    ),
    (
        "compacted",
        1,
        &[
            ("segment.bytes", "1048576"),
            ("cleanup.policy", "compact"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("segment.ms", "300"),
            ("file.delete.delay.ms", "100"),
        ],
    ),
];

/// Numbers that no two producers share.
static PRODUCERS: AtomicU64 = AtomicU64::new(1);

/// One producer and what it sends.
#[derive(Debug)]
pub struct Sender {
    producer: Producer,
    id: u64,
    number: u64,
    random: SeededRandom,
    ledger: Arc<Ledger>,
}

impl Sender {
    /// Idempotent, as clients come; otherwise each record is sent once and never again.
    pub fn new(client: &Client, ledger: &Arc<Ledger>, idempotent: bool, seed: u64) -> Result<Self, Failure> {
        let builder = client.producer().acks(Acks::All).linger(Duration::from_millis(2));
        let builder = if idempotent {
            builder.idempotence(true)
        } else {
            builder.idempotence(false).retries(0).max_in_flight(1)
        };
        let id = PRODUCERS.fetch_add(1, Ordering::Relaxed);
        let random = SeededRandom::new(seed);
        Ok(Self { producer: builder.build()?, id, number: 0, random, ledger: Arc::clone(ledger) })
    }

    /// Sends until told to stop, some records at a time, and notes what becomes of each.
    pub async fn run(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            self.burst().await;
            tokio::time::sleep(Duration::from_millis(self.random.below(15))).await;
        }
    }

    async fn burst(&mut self) {
        let mut waiting = JoinSet::new();
        for _ in 0..1 + self.random.below(20) {
            let (partition, key, value) = self.next();
            let tried = Tried { key: key.clone(), producer: self.id, number: self.number };
            self.ledger.book().trying(&partition, &value, tried);
            let record = ProducerRecord::new(partition.topic.clone(), value.clone());
            let sent = self.producer.enqueue(record.key(key).partition(partition.partition)).await;
            let Ok(ack) = sent else { return };
            let ledger = Arc::clone(&self.ledger);
            waiting.spawn(async move {
                match ack.await {
                    Ok(sent) => ledger.book().acked(&partition, &value, sent.offset),
                    Err(_) => ledger.book().refused += 1,
                }
            });
        }
        while waiting.join_next().await.is_some() {}
    }

    fn next(&mut self) -> (TopicPartition, Bytes, Bytes) {
        self.number += 1;
        let drawn = self.random.below(TOPICS.len() as u64) as usize;
        let (name, partitions, _) = TOPICS.get(drawn).copied().unwrap_or(TOPICS[0]);
        let partition = self.random.below(partitions as u64) as i32;
        let key = format!("key-{}", self.random.below(40));
        let len = match self.random.below(30) {
            0 => 20_000 + self.random.below(80_000),
            1..=6 => self.random.below(3_000),
            _ => self.random.below(100),
        };
        let mut value = format!("{}/{}/", self.id, self.number).into_bytes();
        value.resize(value.len() + len as usize, b'a' + (self.number % 26) as u8);
        (TopicPartition::new(name, partition), key.into(), value.into())
    }
}

/// Commits ever larger offsets.
pub async fn commit(client: Client, ledger: Arc<Ledger>) {
    let admin = client.admin();
    loop {
        let next = {
            let mut book = ledger.book();
            book.committed.1 += 1;
            book.committed.1
        };
        let offsets = [(TopicPartition::new(GROUP_TOPIC, 0), next)];
        if admin.set_group_offsets(GROUP, offsets).await.is_ok() {
            let mut book = ledger.book();
            book.committed.0 = book.committed.0.max(next);
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// Creates topics, sends something to each, and deletes most of them.
pub async fn come_and_go(client: Client, ledger: Arc<Ledger>, seed: u64) {
    let (admin, random) = (client.admin(), SeededRandom::new(seed));
    let Ok(producer) = client.producer().build() else { return };
    for number in 0.. {
        let name = format!("passing-{seed}-{number}");
        if admin.create_topic(&name).partitions(2).replication_factor(1).await.is_ok() {
            ledger.book().topics.there.insert(name.clone());
            producer.send(ProducerRecord::new(name.as_str(), "here")).await.ok();
        }
        if random.below(4) > 0 {
            // From here on it may be gone, once this is answered it must be.
            ledger.book().topics.there.remove(&name);
            if admin.delete_topic(&name).await.is_ok() {
                ledger.book().topics.gone.insert(name);
            }
        }
        tokio::time::sleep(Duration::from_millis(random.below(80))).await;
    }
}
