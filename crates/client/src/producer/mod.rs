//! Sending records.
//!
//! [`Producer::send`] waits for the acknowledgement; [`Producer::enqueue`] waits only for room in the buffer and returns an [`Ack`],
//! which many callers never await at once. Idempotent by default: no record is written twice or out of order by retries.
//!
//! ```no_run
//! # async fn example(client: client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let producer = client.producer().linger(std::time::Duration::from_millis(20)).build()?;
//! let mut acks = Vec::new();
//! for reading in 0..1000 {
//!     acks.push(producer.enqueue(("readings", "device-7", reading.to_string())).await?);
//! }
//! for ack in acks {
//!     println!("{:?}", ack.await?.offset);
//! }
//! # Ok(()) }
//! ```

mod accumulator;
mod batch;
mod builder;
mod completion;
mod error;
mod murmur2;
mod named;
mod queue;
pub(crate) mod sender;
mod sticky;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use base::Str;
use records::NewRecord;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::cluster::{Cluster, ClusterView};
use crate::{ProducerRecord, RecordMetadata, TopicPartition};
pub use accumulator::ProducerIdentity;
use accumulator::{Accumulator, Settings};
pub use builder::{Acks, ProducerBuilder};
pub use completion::Ack;
pub use error::ProduceError;
pub use murmur2::{murmur2, partition_for_key};
use sticky::Sticky;

/// What producer handles and the sender share.
struct Shared {
    cluster: Arc<Cluster>,
    /// Tells this producer's connections from those of others.
    share: u32,
    settings: Settings,
    acks: Acks,
    core: Mutex<Accumulator>,
    sticky: Mutex<Sticky>,
    /// Free bytes of `buffer.memory`.
    memory: Arc<Semaphore>,
    memory_total: usize,
    news: Notify,
    closing: AtomicBool,
}

/// Sends records. Clones share buffers and connections; when the last one goes, what was enqueued is still sent.
#[derive(Clone)]
pub struct Producer(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}

impl Producer {
    /// Sends a record and waits for the broker's answer.
    pub async fn send(&self, record: impl Into<ProducerRecord>) -> Result<RecordMetadata, ProduceError> {
        self.enqueue(record).await?.await
    }

    /// Puts a record into the buffer, waiting for room if there is none. Records of one task to one partition keep their order.
    ///
    /// Cancel-safe: a call that is dropped before it returns has enqueued nothing.
    pub async fn enqueue(&self, record: impl Into<ProducerRecord>) -> Result<Ack, ProduceError> {
        let record = record.into();
        let shared = &self.0.shared;
        if shared.closing.load(Ordering::Acquire) {
            return Err(ProduceError::Closed);
        }
        let size = record.size();
        if size > shared.settings.request_size_max {
            return Err(ProduceError::TooLarge { size, most: shared.settings.request_size_max });
        }
        // A partition that the picture lacks may have been added since it was made.
        let has_it = |view: &Arc<ClusterView>| {
            let known = view.topics.get(&record.topic);
            record.partition.is_none_or(|asked| known.is_some_and(|one| one.partitions.contains_key(&asked)))
        };
        let view = match shared.fresh_view(&record.topic).filter(has_it) {
            Some(view) => view,
            None => shared
                .cluster
                .topic(&record.topic, true)
                .await
                .map_err(|error| ProduceError::Metadata(Box::new(error)))?,
        };
        let memory = shared.reserve(size).await?;
        shared.append(&record, &view, size, memory)
    }

    /// Sends everything enqueued so far and waits until all of it has ended, well or not.
    pub async fn flush(&self) {
        let shared = &self.0.shared;
        let ends = {
            let mut core = shared.lock();
            core.flushing += 1;
            core.ends()
        };
        let _flushing = Flushing(shared);
        shared.news.notify_one();
        for end in ends {
            end.await;
        }
    }

    /// Flushes, and takes no more records.
    pub async fn close(self) {
        self.0.shared.closing.store(true, Ordering::Release);
        self.flush().await;
    }

    /// Bytes of records that wait or are under way.
    pub fn buffered_bytes(&self) -> usize {
        self.0.shared.memory_total.saturating_sub(self.0.shared.memory.available_permits())
    }
}

/// Ends a flush even if it is cancelled.
struct Flushing<'a>(&'a Shared);

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.lock().flushing -= 1;
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Accumulator> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.lock().flushing += 1;
        self.news.notify_one();
    }

    /// The picture, if it shows the topic well enough.
    fn fresh_view(&self, topic: &Str) -> Option<Arc<ClusterView>> {
        let view = self.cluster.view();
        let known = view.topics.get(topic).filter(|known| !known.partitions.is_empty())?;
        (known.fetched_at.elapsed() < self.cluster.options.metadata_max_age).then_some(view)
    }

    async fn reserve(&self, size: usize) -> Result<OwnedSemaphorePermit, ProduceError> {
        let permits = u32::try_from(size.min(self.memory_total)).unwrap_or(u32::MAX);
        if let Ok(permit) = Arc::clone(&self.memory).try_acquire_many_owned(permits) {
            return Ok(permit);
        }
        // Waiting with unsent batches that linger would wait for nothing.
        self.lock().flushing += 1;
        let _flushing = Flushing(self);
        self.news.notify_one();
        Arc::clone(&self.memory).acquire_many_owned(permits).await.map_err(|_| ProduceError::Closed)
    }

    fn append(
        &self,
        record: &ProducerRecord,
        view: &ClusterView,
        size: usize,
        memory: OwnedSemaphorePermit,
    ) -> Result<Ack, ProduceError> {
        let headers: Vec<records::Header<'_>> = record
            .headers
            .iter()
            .map(|header| records::Header { key: header.key.as_bytes(), value: header.value.as_deref() })
            .collect();
        let new = NewRecord {
            timestamp: record.timestamp.unwrap_or_else(now_ms),
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: &headers,
        };
        let mut core = self.lock();
        // Looked at under the lock under which the sender sees that nothing is left: what is appended now is still sent.
        if self.closing.load(Ordering::Acquire) {
            return Err(ProduceError::Closed);
        }
        let partition = self.place(record, view, &core, size)?;
        let (ack, is_news) = core.append(&partition, &new, memory, Instant::now());
        drop(core);
        if is_news {
            self.news.notify_one();
        }
        Ok(ack)
    }

    /// The partition named, or the key's, or the present one of the topic.
    fn place(
        &self,
        record: &ProducerRecord,
        view: &ClusterView,
        core: &Accumulator,
        size: usize,
    ) -> Result<TopicPartition, ProduceError> {
        let topic = view.topics.get(&record.topic);
        let count = topic.map_or(0, |topic| topic.partitions.len());
        let name = topic.map_or_else(|| record.topic.clone(), |topic| topic.name.clone());
        let partition = match (record.partition, &record.key) {
            (Some(partition), _)
                if !(0..count).contains(&usize::try_from(partition).unwrap_or(usize::MAX)) =>
            {
                return Err(ProduceError::NoPartition { topic: name, partition, count });
            }
            (Some(partition), _) => partition,
            (None, Some(key)) => partition_for_key(key, i32::try_from(count).unwrap_or(i32::MAX)),
            (None, None) => {
                let mut sticky = self.sticky.lock().unwrap_or_else(PoisonError::into_inner);
                let loads = || loads(&name, view, core);
                let partition = sticky.partition(&name, self.settings.batch_size, loads, |bound| {
                    self.cluster.random.below(bound)
                });
                sticky.produced(&name, size);
                partition
            }
        };
        Ok(TopicPartition::new(name, partition))
    }
}

/// The partitions of a topic that have a leader, or all of them if none has, with the lengths of their queues.
fn loads(topic: &Str, view: &ClusterView, core: &Accumulator) -> Vec<(i32, usize)> {
    let Some(known) = view.topics.get(topic) else { return vec![(0, 0)] };
    let all = known.partitions.keys().map(|partition| TopicPartition::new(topic.clone(), *partition));
    let led: Vec<TopicPartition> = all.clone().filter(|partition| view.leader(partition).is_some()).collect();
    if led.is_empty() { core.loads(all) } else { core.loads(led.into_iter()) }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
