//! The log on a cluster: one compacted partition, through the client.
//!
//! The topic is made with the first write, so that a cluster whose registry nobody uses has no topic for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::admin::{ConfigResource, OffsetSpec};
use client::{
    Acks, Client, Consumer, ErrorCode, ProduceError, Producer, ProducerIdentity, ProducerRecord, StartAt,
    TopicPartition,
};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::fence::Fence;
use crate::log::{Appended, BoxFuture, LogEntry, LogError, SchemasLog, SchemasReader};
use crate::record::Record;

/// How long a wait for records lasts before the position is told: at first, and when nothing has come for long.
const POLL: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(10));

/// How long the broker may hold a fetch when there is nothing new.
const FETCH_WAIT: Duration = Duration::from_secs(10);

/// How long to rest before asking for a producer id again.
const ASK_PAUSE: Duration = Duration::from_millis(50);

/// Where the registry's records are kept.
#[derive(Clone, Debug)]
pub struct Place {
    /// The topic (`kafkastore.topic`).
    pub topic: String,
    /// Replicas of a topic that is made; fewer where there are fewer brokers.
    pub replication_factor: i16,
    /// When a record is given up (`kafkastore.timeout.ms`).
    pub timeout: Duration,
    /// The largest record.
    pub record_bytes_max: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            topic: "_schemas".to_owned(),
            replication_factor: 3,
            timeout: Duration::from_secs(10),
            record_bytes_max: 1_048_576,
        }
    }
}

/// `_schemas` on a cluster.
pub struct KafkaLog {
    client: Client,
    /// The newest fence of ours, with the producer that writes under it.
    writer: Mutex<Option<(Fence, Producer)>>,
    place: Place,
    partition: TopicPartition,
    /// Whether the topic is known to exist, which readers wait for.
    exists: Arc<watch::Sender<bool>>,
}

fn refused(reason: impl Into<String>) -> LogError {
    LogError { reason: reason.into(), possibly_written: false, too_large: false, fenced: false }
}

impl KafkaLog {
    /// The log of a cluster. A topic that exists must be compacted and have one partition.
    pub async fn open(client: Client, place: Place) -> Result<Self, LogError> {
        let partition = TopicPartition::new(place.topic.as_str(), 0);
        let exists = Arc::new(watch::Sender::new(false));
        let log = Self { client, writer: Mutex::default(), place, partition, exists };
        log.look().await?;
        Ok(log)
    }

    /// Whether the topic exists; if it has come to, checks that it is fit.
    async fn look(&self) -> Result<bool, LogError> {
        if *self.exists.borrow() {
            return Ok(true);
        }
        let view = match self.client.admin().describe_topic(&self.place.topic).await {
            Ok(view) => view,
            Err(error) if error.code() == Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => return Ok(false),
            Err(error) => return Err(refused(error.to_string())),
        };
        let partitions = view.partitions.len();
        if partitions != 1 {
            let topic = &self.place.topic;
            return Err(refused(format!(
                "the topic {topic} has {partitions} partitions; a registry's log has one"
            )));
        }
        let resource = ConfigResource::Topic(self.partition.topic.clone());
        let configs = self.client.admin().describe_configs(&resource, false).await;
        let configs = configs.map_err(|error| refused(error.to_string()))?;
        let policy =
            configs.iter().find(|entry| entry.name == "cleanup.policy").and_then(|entry| entry.value.clone());
        if policy.as_deref().is_some_and(|policy| policy != "compact") {
            let topic = &self.place.topic;
            return Err(refused(format!(
                "the topic {topic} would lose schemas: set its cleanup.policy to compact, and only that"
            )));
        }
        self.exists.send_replace(true);
        Ok(true)
    }

    /// What writes under a fence, its first record aside.
    fn producer(&self, fence: Fence) -> Result<Producer, LogError> {
        let builder = self
            .client
            .producer()
            .identity(ProducerIdentity { id: fence.producer, epoch: fence.epoch })
            .acks(Acks::All)
            .linger(Duration::ZERO)
            .delivery_timeout(self.place.timeout)
            .max_request_size(self.place.record_bytes_max + 1024);
        builder.build().map_err(|error| refused(error.to_string()))
    }

    fn sent(&self, record: Record) -> ProducerRecord {
        ProducerRecord {
            topic: self.partition.topic.clone(),
            partition: Some(self.partition.partition),
            key: Some(record.key.into()),
            value: record.value.map(Into::into),
            ..ProducerRecord::default()
        }
    }

    fn writer(&self) -> MutexGuard<'_, Option<(Fence, Producer)>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ensure(&self) -> Result<(), LogError> {
        if self.look().await? {
            return Ok(());
        }
        let brokers = i16::try_from(self.client.view().brokers.len()).unwrap_or(i16::MAX).max(1);
        let created = self
            .client
            .admin()
            .create_topic(&self.place.topic)
            .partitions(1)
            .replication_factor(self.place.replication_factor.min(brokers))
            .config("cleanup.policy", "compact")
            .await;
        match created {
            Ok(_) => {}
            Err(error) if error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {}
            Err(error) => return Err(refused(error.to_string())),
        }
        for _ in 0..40 {
            if self.look().await? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(refused(format!("the topic {} was made but is not to be seen", self.place.topic)))
    }
}

fn lost(error: &ProduceError, before: bool) -> LogError {
    let too_large = matches!(error, ProduceError::TooLarge { .. })
        || matches!(error.code(), Some(ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE));
    let possibly_written = before || error.possibly_written();
    let by_others = matches!(
        error.code(),
        Some(
            ErrorCode::INVALID_PRODUCER_EPOCH
                | ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
                | ErrorCode::UNKNOWN_PRODUCER_ID
        )
    );
    LogError {
        reason: error.to_string(),
        possibly_written,
        too_large,
        fenced: by_others && !possibly_written,
    }
}

impl SchemasLog for KafkaLog {
    fn new_producer(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        Box::pin(async move {
            let deadline = Instant::now() + self.place.timeout;
            loop {
                match self.client.new_producer_identity().await {
                    Ok(identity) => return Ok(identity.id),
                    // Kafka's broker has none at hand when it is asked for the first time, and says that it is loading.
                    Err(error) if error.is_retriable() && Instant::now() + ASK_PAUSE < deadline => {
                        tokio::time::sleep(ASK_PAUSE).await;
                    }
                    Err(error) => return Err(refused(error.to_string())),
                }
            }
        })
    }

    fn fence(&self, fence: Fence) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(async move {
            self.ensure().await?;
            let producer = self.producer(fence)?;
            let sent = producer.send(self.sent(fence.record())).await;
            sent.map_err(|error| lost(&error, false))?;
            *self.writer() = Some((fence, producer));
            Ok(())
        })
    }

    fn append(&self, under: Fence, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>> {
        Box::pin(async move {
            let writer = self.writer().clone().filter(|(fence, _)| *fence == under);
            let Some((_, producer)) = writer else {
                return Err(LogError { fenced: true, ..refused("another fence was put since") });
            };
            let mut acks = Vec::with_capacity(records.len());
            for record in records {
                let ack = producer.enqueue(self.sent(record)).await;
                let ack = ack.map_err(|error| lost(&error, !acks.is_empty()))?;
                acks.push(ack);
            }
            let appended = async move {
                let mut any = false;
                for ack in acks {
                    ack.await.map_err(|error| lost(&error, any))?;
                    any = true;
                }
                Ok(())
            };
            Ok(Box::pin(appended) as Appended)
        })
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn SchemasReader>, LogError>> {
        let reader = KafkaReader {
            client: self.client.clone(),
            partition: self.partition.clone(),
            exists: self.exists.subscribe(),
            consumer: None,
            at: 0,
            wait: POLL.0,
        };
        Box::pin(async move { Ok(Box::new(reader) as Box<dyn SchemasReader>) })
    }

    fn end(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        Box::pin(async move {
            if !self.look().await? {
                return Ok(0);
            }
            let wanted = [(self.partition.clone(), OffsetSpec::Latest)];
            let mut found =
                self.client.admin().list_offsets(wanted).await.map_err(|error| refused(error.to_string()))?;
            match found.remove(&self.partition) {
                Some(Ok(found)) => Ok(found.offset),
                Some(Err(error)) => Err(refused(error.to_string())),
                None => Err(refused("the end of the log was not told")),
            }
        })
    }
}

struct KafkaReader {
    client: Client,
    partition: TopicPartition,
    exists: watch::Receiver<bool>,
    consumer: Option<Consumer>,
    at: i64,
    wait: Duration,
}

impl KafkaReader {
    async fn consumer(&mut self) -> Result<&mut Consumer, LogError> {
        if self.consumer.is_none() {
            // While there is no topic there is nothing to do; the sender lives as long as the registry.
            let _ = self.exists.wait_for(|exists| *exists).await;
            let builder = self
                .client
                .reader()
                .assign(self.partition.clone(), StartAt::Offset(self.at))
                .reset(Some(client::Reset::Earliest))
                .fetch_wait(FETCH_WAIT)
                .create_topics(false);
            let consumer = builder.start().await.map_err(|error| refused(error.to_string()))?;
            self.consumer = Some(consumer);
        }
        self.consumer.as_mut().ok_or_else(|| refused("no consumer"))
    }
}

impl SchemasReader for KafkaReader {
    fn next(&mut self) -> BoxFuture<'_, Result<(Vec<LogEntry>, i64), LogError>> {
        Box::pin(async move {
            let partition = self.partition.clone();
            let (known, wait) = (self.at, self.wait);
            let consumer = self.consumer().await?;
            let records = consumer.poll(wait).await.map_err(|error| refused(error.to_string()))?;
            let next = consumer.position(&partition).unwrap_or(0);
            let last = records.last().map_or(known, |record| record.offset + 1);
            let next = next.max(last).max(known);
            let entries = records.into_iter().filter_map(|record| {
                Some(LogEntry {
                    offset: record.offset,
                    key: record.key?.to_vec(),
                    value: record.value.map(|value| value.to_vec()),
                    timestamp: record.timestamp,
                })
            });
            let entries: Vec<LogEntry> = entries.collect();
            self.wait = if entries.is_empty() { (wait * 2).min(POLL.1) } else { POLL.0 };
            self.at = next;
            Ok((entries, next))
        })
    }
}
