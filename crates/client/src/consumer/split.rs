//! One reader per partition, each for a task of its own.
//!
//! ```text
//! Consumer ──split──▶ Split ──next_partition──▶ PartitionReader ──next_batch──▶ Batch … None when the partition goes
//! ```
//! A rebalance takes partitions away only when no reader's task is at work on records: each has come back for more, or dropped its
//! reader. A reader that is dropped before its partition goes makes room for another: [`Split::next_partition`] gives the partition
//! again. What the dropped one was given last counts as not processed, perhaps it was dropped in a panic, and is given again.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;

use super::handing::Decoded;
use super::{Batch, ConsumeError, Consumer, Shared};
use crate::{CommitError, ConsumerRecord, TopicPartition};

/// A consumer whose partitions are read apart. Dropping or closing it ends every reader.
#[derive(Debug)]
pub struct Split {
    consumer: Consumer,
}

impl Split {
    pub(super) fn new(mut consumer: Consumer) -> Self {
        // What was decoded and not handed out is read again: its position did not move.
        let decoded: VecDeque<Decoded> = std::mem::take(&mut consumer.decoded);
        {
            let mut state = consumer.shared.lock();
            state.is_split = true;
            state.polled(Instant::now());
            for decoded in decoded {
                if state.is_current(&decoded.partition, decoded.era) {
                    state.refetch(&decoded.partition);
                }
            }
        }
        consumer.shared.fetch_news.notify_one();
        consumer.shared.group_news.notify_one();
        Self { consumer }
    }

    /// Waits for a partition that nobody reads: one that came, or one whose reader was dropped.
    ///
    /// Errors that are no partition's own come here too. Cancel-safe.
    pub async fn next_partition(&mut self) -> Result<PartitionReader, ConsumeError> {
        std::future::poll_fn(|context| self.poll_partition(context)).await
    }

    fn poll_partition(&mut self, context: &Context<'_>) -> Poll<Result<PartitionReader, ConsumeError>> {
        let shared = &self.consumer.shared;
        let mut state = shared.lock();
        if let Some(error) = state.take_error() {
            return Poll::Ready(Err(error));
        }
        let Some((partition, tenure)) = state.claim_reader() else {
            state.wait(context.waker());
            return Poll::Pending;
        };
        let records_max = self.consumer.records_max;
        Poll::Ready(Ok(PartitionReader {
            shared: Arc::clone(shared),
            partition,
            tenure,
            records_max,
            decoded: None,
            asks_anew: true,
        }))
    }

    /// As [`Consumer::ack`].
    pub fn ack(&self, batch: &Batch) -> bool {
        self.consumer.ack(batch)
    }

    /// As [`Consumer::commit`].
    pub async fn commit(&self) -> Result<(), CommitError> {
        self.consumer.commit().await
    }

    /// The partitions that are read.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.consumer.assignment()
    }

    /// As [`Consumer::close`]; every reader ends.
    pub async fn close(self) {
        self.consumer.close().await;
    }
}

/// Reads one partition for as long as it is this consumer's. A `Stream` of batches, too.
pub struct PartitionReader {
    shared: Arc<Shared>,
    partition: TopicPartition,
    tenure: u64,
    records_max: usize,
    decoded: Option<Decoded>,
    /// Whether the task asks anew, or the runtime asks again on its behalf.
    asks_anew: bool,
}

impl std::fmt::Debug for PartitionReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartitionReader").field("partition", &self.partition).finish_non_exhaustive()
    }
}

impl Drop for PartitionReader {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.went_away(&self.partition, self.tenure);
        if self.decoded.as_ref().is_some_and(|decoded| state.is_current(&self.partition, decoded.era)) {
            state.refetch(&self.partition);
        }
        state.release_reader(&self.partition, self.tenure);
        drop(state);
        self.shared.group_news.notify_one();
        self.shared.fetch_news.notify_one();
    }
}

impl PartitionReader {
    /// What it reads.
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// Waits for records: at least one, at most `max.poll.records`. `None` once the partition was revoked or lost, or the consumer closed.
    ///
    /// Asking says that what was given before is processed, unless commits follow [`PartitionReader::ack`]. Cancel-safe.
    pub async fn next_batch(&mut self) -> Result<Option<Batch>, ConsumeError> {
        self.asks_anew = true;
        std::future::poll_fn(|context| self.poll_batch(context)).await.transpose()
    }

    /// As [`Consumer::ack`].
    pub fn ack(&self, batch: &Batch) -> bool {
        self.shared.acknowledge(batch)
    }

    /// As [`Consumer::ack_record`].
    pub fn ack_record(&self, batch: &Batch, record: &ConsumerRecord) -> bool {
        self.shared.acknowledge_upto(batch, record.offset + 1)
    }

    fn poll_batch(&mut self, context: &Context<'_>) -> Poll<Option<Result<Batch, ConsumeError>>> {
        loop {
            let shared = Arc::clone(&self.shared);
            let mut state = shared.lock();
            let asks_anew = std::mem::replace(&mut self.asks_anew, false);
            if asks_anew || state.is_held && !state.has_yielded {
                state.came_back(&self.partition, self.tenure);
                shared.group_news.notify_one();
            }
            if state.is_closed || !state.is_tenant(&self.partition, self.tenure) {
                return Poll::Ready(None);
            }
            if let Some(batch) = self.portion(&mut state) {
                self.asks_anew = true;
                return Poll::Ready(Some(Ok(batch)));
            }
            let Some(taken) = state.take_of(&self.partition) else {
                state.wait_for(&self.partition, context.waker());
                return Poll::Pending;
            };
            drop(state);
            shared.fetch_news.notify_one();
            match Decoded::of(&shared, &self.partition, taken) {
                Ok(decoded) => self.decoded = Some(decoded),
                Err(error) => {
                    self.asks_anew = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn portion(&mut self, state: &mut super::state::State) -> Option<Batch> {
        let known = state.get(&self.partition)?;
        self.decoded.take_if(|decoded| decoded.era != known.era || decoded.is_empty());
        if state.is_held || known.is_paused {
            return None;
        }
        let decoded = self.decoded.as_mut()?;
        let batch = decoded.portion(self.records_max, state);
        self.decoded.take_if(|decoded| decoded.is_empty());
        if batch.is_some()
            && let Some(known) = state.get_mut(&self.partition)
        {
            known.lent_at = Some(Instant::now());
        }
        batch
    }
}

impl Stream for PartitionReader {
    type Item = Result<Batch, ConsumeError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_batch(context)
    }
}
