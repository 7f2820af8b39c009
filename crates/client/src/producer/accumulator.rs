//! What is to be sent, per partition in order: batches that fill, batches under way, batches to be sent again.
//!
//! Pure but for completing acks: times and the cluster are arguments, and nothing here waits.
//!
//! # Order and sequences (KIP-98, KIP-360)
//! A partition's batches stand in the order of their records. Those sent are a prefix of the queue; at most five are under way,
//! which is what a broker remembers. After a failure only the first batch of a queue is sent again; the others follow when it
//! has ended. The first batch that a broker sees of an id and epoch goes alone. A batch keeps its sequence numbers through all its attempts, so that the broker recognises what it has already.
//!
//! When a batch is given up, those behind it carry numbers beyond the gap and the broker refuses them (OUT_OF_ORDER_SEQUENCE_NUMBER).
//! A refusal of the first batch of a queue says for sure that nothing behind the gap was appended; then the partition's epoch is
//! raised, the queue numbered from 0 anew, and sent again. Nothing is written twice by that.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use records::{BatchBuilder, BatchOptions, Compression, NewRecord};
use tokio::sync::OwnedSemaphorePermit;
use wire::{ErrorCode, Records};

use super::batch::{Batch, BatchId, Place, Stamp};
use super::completion::{Ack, Appended, Completion, Ended};
use super::error::ProduceError;
use super::queue::{Queue, Verdict};
use crate::{CallError, TopicPartition};

/// The part of the producer's settings that matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) batch_size: usize,
    pub(super) linger: Duration,
    pub(super) delivery_timeout: Duration,
    pub(super) compression: Compression,
    /// Requests under way per broker, and batches under way per partition.
    pub(super) in_flight_max: usize,
    pub(super) request_size_max: usize,
    pub(super) idempotent: bool,
    pub(super) retries: u32,
    /// The identity that the caller chose: it is never changed, and what it is refused for is final.
    pub(super) fixed: Option<ProducerIdentity>,
}

/// By what a partition's leader tells an idempotent producer's batches: it refuses those of an epoch below the newest that it
/// has of the id (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdentity {
    /// The producer id, of those that the cluster gives out.
    pub id: i64,
    /// The epoch, from 0.
    pub epoch: i16,
}

pub(super) use ProducerIdentity as Identity;

/// One batch to send now.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) partition: TopicPartition,
    pub(super) batch: BatchId,
    pub(super) records: Records,
}

/// What to do next.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// One request a broker.
    pub(super) requests: Vec<(i32, Vec<Sending>)>,
    /// When to ask again, if nothing happens before.
    pub(super) wake_at: Option<Instant>,
    /// Partitions that have something to send and no known leader.
    pub(super) leaderless: Vec<TopicPartition>,
    /// Every sequence number of the epoch is spent: a new producer id is needed.
    pub(super) wants_identity: bool,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The broker has it.
    Done(Appended),
    /// The broker refused it.
    Refused(ErrorCode, Option<base::Str>),
    /// No answer.
    Failed(CallError),
}

#[derive(Debug)]
pub(super) struct Accumulator {
    settings: Settings,
    queues: HashMap<TopicPartition, Queue>,
    identity: Option<Identity>,
    next_batch: u64,
    /// Whoever flushes or closes wants everything sent without lingering.
    pub(super) flushing: usize,
}

impl Accumulator {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, queues: HashMap::new(), identity: settings.fixed, next_batch: 0, flushing: 0 }
    }

    /// The lengths of the queues of these partitions.
    pub(super) fn loads(&self, partitions: impl Iterator<Item = TopicPartition>) -> Vec<(i32, usize)> {
        partitions.map(|tp| (tp.partition, self.queues.get(&tp).map_or(0, Queue::len))).collect()
    }

    /// Adds a record to its partition's last batch or to a new one. Returns its ack and whether the sender has something new to do.
    pub(super) fn append(
        &mut self,
        partition: &TopicPartition,
        record: &NewRecord<'_>,
        memory: OwnedSemaphorePermit,
        now: Instant,
    ) -> (Ack, bool) {
        let settings = self.settings;
        let queue = self.queues.entry(partition.clone()).or_default();
        let mut memory = Some(memory);
        let appended = queue.batches.back_mut().and_then(|last| {
            let index = last.try_append(record, settings.batch_size, &mut memory)?;
            Some((index, last.completion.clone(), last.is_full(settings.batch_size)))
        });
        let (index, completion, is_news) = appended.unwrap_or_else(|| {
            let id = BatchId(self.next_batch);
            self.next_batch += 1;
            let options = BatchOptions { compression: settings.compression, ..BatchOptions::default() };
            let completion = Completion::new(partition.clone());
            let mut batch = Batch::new(id, BatchBuilder::new(options), completion.clone(), now);
            let index = batch.try_append(record, usize::MAX, &mut memory);
            assert!(index.is_some(), "the first record of a batch always fits");
            queue.batches.push_back(batch);
            (0, completion, true)
        });
        (Ack { completion, slot: None, index, timestamp: record.timestamp }, is_news)
    }

    /// The identity to stamp batches with from now on.
    pub(super) fn set_identity(&mut self, identity: Identity, now: Instant) {
        self.identity = Some(identity);
        self.renumber(now);
    }

    /// Where the epochs of an identity are used up, another one is asked for, unless the caller chose this one.
    fn renumber(&mut self, now: Instant) {
        let identity = self.identity;
        let exhausted = |queue: &mut Queue| queue.renumber_if_due(identity, now);
        if self.queues.values_mut().map(exhausted).fold(false, |some, one| some | one) {
            self.identity = self.settings.fixed;
        }
    }

    /// Whether nothing is waiting or under way.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.values().all(Queue::is_empty)
    }

    /// The ends of all batches there are now.
    pub(super) fn ends(&self) -> Vec<Ended> {
        let batches = self.queues.values().flat_map(|queue| &queue.batches);
        batches.map(|batch| Ended { completion: batch.completion.clone(), slot: None }).collect()
    }

    /// Takes what can be sent: per broker with room for a request the first sendable batch of each of its partitions, oldest first.
    pub(super) fn plan(
        &mut self,
        now: Instant,
        leader: impl Fn(&TopicPartition) -> Option<i32>,
        has_room: impl Fn(i32) -> bool,
    ) -> Plan {
        let mut plan =
            Plan { wants_identity: self.settings.idempotent && self.identity.is_none(), ..Plan::default() };
        let mut ready: Vec<(Instant, i32, TopicPartition)> = Vec::new();
        for (partition, queue) in &self.queues {
            let Some(verdict) = queue.verdict(&self.settings, now, self.flushing > 0) else { continue };
            // What is on its way ends with its answer.
            let waiting = queue.batches.iter().find(|batch| !batch.is_in_flight());
            let expiry = waiting.map(|batch| batch.created + self.settings.delivery_timeout);
            plan.wake_at = [plan.wake_at, expiry].into_iter().flatten().min();
            match (verdict, leader(partition)) {
                (Verdict::Later(at), _) => plan.wake_at = [plan.wake_at, at].into_iter().flatten().min(),
                (Verdict::Send { .. }, None) => plan.leaderless.push(partition.clone()),
                (Verdict::Send { since }, Some(broker)) if has_room(broker) => {
                    ready.push((since, broker, partition.clone()))
                }
                (Verdict::Send { .. }, Some(_)) => {}
            }
        }
        if !plan.wants_identity {
            ready.sort();
            self.take(ready, &mut plan);
        }
        plan
    }

    fn take(&mut self, ready: Vec<(Instant, i32, TopicPartition)>, plan: &mut Plan) {
        let mut sizes: HashMap<i32, usize> = HashMap::new();
        let mut requests: HashMap<i32, Vec<Sending>> = HashMap::new();
        for (_, broker, partition) in ready {
            let Some(queue) = self.queues.get_mut(&partition) else { continue };
            let size = sizes.entry(broker).or_default();
            let next = queue.next_size();
            if *size > 0 && *size + next > self.settings.request_size_max {
                continue;
            }
            match queue.take(self.identity) {
                Some((batch, records)) => {
                    *size += next;
                    requests.entry(broker).or_default().push(Sending { partition, batch, records });
                }
                None => plan.wants_identity = true,
            }
        }
        plan.requests = requests.into_iter().collect();
    }

    /// Takes in how an attempt ended. Returns whether the metadata should be refreshed.
    pub(super) fn finish(
        &mut self,
        partition: &TopicPartition,
        batch: BatchId,
        attempt: Attempt,
        now: Instant,
        backoff: impl FnOnce(u32) -> Duration,
    ) -> bool {
        let Some(queue) = self.queues.get_mut(partition) else { return false };
        let stale = queue.finish(partition, batch, attempt, &self.settings, now, backoff);
        if queue.renumber_if_due(self.identity, now) {
            self.identity = self.settings.fixed;
        }
        stale
    }

    /// Gives up what has waited longer than `delivery.timeout.ms`.
    pub(super) fn expire(&mut self, now: Instant) {
        for (partition, queue) in &mut self.queues {
            queue.expire(partition, &self.settings, now);
        }
        self.renumber(now);
    }

    /// Gives up everything that is not under way.
    pub(super) fn fail_all(&mut self, error: &ProduceError) {
        for queue in self.queues.values_mut() {
            queue.fail_waiting(error);
        }
    }
}

impl Stamp {
    /// The stamp behind a batch of `records`; sequence numbers wrap to 0 after 2³¹−1.
    pub(super) fn next(self, records: i32) -> Self {
        let sequence = (i64::from(self.sequence) + i64::from(records)).rem_euclid(1 << 31);
        Self { sequence: i32::try_from(sequence).unwrap_or(0), ..self }
    }
}

impl Batch {
    /// Whether an attempt is under way.
    pub(super) fn is_in_flight(&self) -> bool {
        self.place == Place::InFlight
    }
}
