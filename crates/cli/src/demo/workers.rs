//! The consumers: members of one group that take a fixed time over each reading and note it in the ledger.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use client::assignor::Assignor;
use client::{Client, ConsumeError, Consumer, ConsumerRecord, Reset, StartAt, TopicPartition};
use tokio::sync::watch;

use super::fence::Fence;
use super::ledger::{Device, Ledger};

/// How long a partition rests at the fence before its consumer looks again.
const FENCE_WAIT: Duration = Duration::from_millis(100);

/// What all consumers share: the "database" they write to.
#[derive(Debug, Default)]
pub struct Works {
    /// The readings worked on, in order.
    pub ledger: Mutex<Ledger>,
    /// The first thing that stopped a consumer.
    pub failure: Mutex<Option<String>>,
}

/// One consumer, as the screen sees it.
#[derive(Debug)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// Readings it worked on.
    pub done: AtomicU64,
    /// Whether it waits at the fence with some partition.
    pub waits: AtomicBool,
    /// Its partitions.
    pub partitions: Mutex<Vec<i32>>,
}

impl Worker {
    /// A consumer that has done nothing yet.
    pub fn new(name: String) -> Arc<Self> {
        let partitions = Mutex::default();
        Arc::new(Self { name, done: AtomicU64::new(0), waits: AtomicBool::new(false), partitions })
    }
}

/// How a consumer works.
#[derive(Clone)]
pub struct Job {
    /// The topic.
    pub topic: String,
    /// The group.
    pub group: String,
    /// Readings a second that one consumer can take.
    pub capacity: u64,
}

/// Works until `stop` says so.
pub async fn run(
    client: Client,
    job: Job,
    worker: Arc<Worker>,
    works: Arc<Works>,
    stop: watch::Receiver<bool>,
) {
    if let Err(error) = work(client, job, &worker, &works, stop).await {
        let mut failure = works.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| format!("consumer {}: {error}", worker.name));
    }
}

async fn start(client: &Client, job: &Job) -> Result<Consumer, ConsumeError> {
    let builder = client
        .consumer(&job.group)
        .topics([job.topic.as_str()])
        .reset(Some(Reset::Earliest))
        .assignors([Assignor::CooperativeSticky])
        .auto_commit(Some(Duration::from_millis(200)))
        .heartbeat_interval(Duration::from_millis(300))
        .metadata_max_age(Duration::from_millis(500))
        .max_poll_records(usize::try_from(job.capacity / 20).unwrap_or(50).max(1));
    builder.start().await
}

async fn work(
    client: Client,
    job: Job,
    worker: &Worker,
    works: &Works,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ConsumeError> {
    let mut consumer = start(&client, &job).await?;
    let mut resting: BTreeMap<TopicPartition, Instant> = BTreeMap::new();
    let mut committed: HashMap<i32, i64> = HashMap::new();
    // When the consumer is through with what it has taken so far.
    let mut busy_until = Instant::now();
    while !*stop.borrow_and_update() {
        wake_rested(&mut consumer, &mut resting);
        worker.waits.store(!resting.is_empty(), Ordering::Relaxed);
        let indexes = consumer.assignment().iter().map(|partition| partition.partition).collect();
        *worker.partitions.lock().unwrap_or_else(PoisonError::into_inner) = indexes;
        let mut batch = tokio::select! {
            batch = consumer.poll(FENCE_WAIT) => batch?.into_records(),
            _ = stop.changed() => break,
        };
        if let Some(held) = first_held(&consumer, &job, &batch, &mut committed).await {
            let partition = batch.get(held).map(|record| (record.partition.clone(), record.offset));
            batch.truncate(held);
            if let Some((partition, offset)) = partition {
                consumer.seek(&partition, StartAt::Offset(offset));
                consumer.pause(&partition);
                resting.insert(partition, Instant::now() + FENCE_WAIT);
            }
        }
        busy_until = busy_until.max(Instant::now())
            + Duration::from_secs_f64(batch.len() as f64 / job.capacity as f64);
        tokio::time::sleep_until(busy_until.into()).await;
        note(&batch, works);
        worker.done.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
    consumer.close().await;
    Ok(())
}

fn wake_rested(consumer: &mut Consumer, resting: &mut BTreeMap<TopicPartition, Instant>) {
    let now = Instant::now();
    resting.retain(|partition, until| {
        let rests = *until > now;
        if !rests {
            consumer.resume(partition);
        }
        rests
    });
}

/// The place of the first record of a batch that must wait at the fence.
async fn first_held(
    consumer: &Consumer,
    job: &Job,
    batch: &[ConsumerRecord],
    committed: &mut HashMap<i32, i64>,
) -> Option<usize> {
    for (place, record) in batch.iter().enumerate() {
        let Some(fence) = Fence::of(record) else { continue };
        let open = fence.open_ends(record.partition.partition, |old| committed.get(&old).copied());
        if open.is_empty() {
            continue;
        }
        let old: Vec<TopicPartition> =
            open.keys().map(|old| TopicPartition::new(job.topic.as_str(), *old)).collect();
        if let Ok(offsets) = consumer.committed(&old).await {
            committed.extend(
                offsets.into_iter().map(|(partition, committed)| (partition.partition, committed.offset)),
            );
        }
        if !fence.open_ends(record.partition.partition, |old| committed.get(&old).copied()).is_empty() {
            return Some(place);
        }
    }
    None
}

/// The device and the number of a reading.
pub fn reading(record: &ConsumerRecord) -> Option<(Device, u64)> {
    let value: serde_json::Value = serde_json::from_slice(record.value.as_deref()?).ok()?;
    let device = value.get("device")?.as_u64().and_then(|device| Device::try_from(device).ok())?;
    Some((device, value.get("number")?.as_u64()?))
}

fn note(batch: &[ConsumerRecord], works: &Works) {
    let mut ledger = works.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    for record in batch {
        match reading(record) {
            Some((device, number)) => {
                ledger.note(device, number, || {
                    format!("worked on at {} offset {}", record.partition, record.offset)
                });
            }
            None => {
                let mut failure = works.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert_with(|| {
                    format!("{} offset {}: not a reading", record.partition, record.offset)
                });
            }
        }
    }
}
