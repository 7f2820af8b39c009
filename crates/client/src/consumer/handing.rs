//! Handing out: batches that were fetched are decoded when the application asks, and leave in portions of `max.poll.records`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::batch::Place;
use super::chunk::{self, Chunk};
use super::state::{Advance, StartAt, State};
use super::{Batch, ConsumeError, Consumer, RecordStream, Shared};
use crate::{ConsumerRecord, TopicPartition};

/// Decoded records that were not handed out yet.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) partition: TopicPartition,
    pub(super) era: u64,
    records: VecDeque<ConsumerRecord>,
    /// The position behind all of them.
    end: i64,
    leader_epoch: i32,
}

impl Decoded {
    /// Reads a batch. One that cannot be read stops its partition where it is, until the application seeks.
    pub(super) fn of(
        shared: &Shared,
        partition: &TopicPartition,
        (era, position, chunk): (u64, i64, Chunk),
    ) -> Result<Self, ConsumeError> {
        let partition = partition.clone();
        match chunk::decode(&chunk, &partition, position, shared.settings.check_crcs) {
            Ok(records) => Ok(Self {
                partition,
                era,
                records: records.into(),
                end: chunk.next_offset(),
                leader_epoch: chunk.header.partition_leader_epoch.get(),
            }),
            Err(reason) => {
                let mut state = shared.lock();
                state.seek(&partition, StartAt::Offset(position));
                if let Some(known) = state.get_mut(&partition) {
                    known.not_before = Some(Instant::now() + Duration::from_secs(1));
                }
                Err(ConsumeError::Corrupt { partition, offset: position, reason })
            }
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The next `most` records; `None` where the batch held none for readers. The position moves behind them.
    pub(super) fn portion(&mut self, most: usize, state: &mut State) -> Option<Batch> {
        let count = self.records.len().min(most);
        let records: Vec<ConsumerRecord> = self.records.drain(..count).collect();
        let next = self.records.front().map_or(self.end, |next| next.offset);
        let is_handed_out = !records.is_empty();
        let to = Advance { position: next, leader_epoch: self.leader_epoch, is_handed_out };
        state.advance(&self.partition, self.era, to);
        let course = state.get(&self.partition)?.acks.course();
        is_handed_out.then(|| Batch::new(records, Place { partition: self.partition.clone(), course, next }))
    }
}

/// While it lives, the application waits for records; who waits is not away, however long nothing comes.
struct Wait(Arc<Shared>);

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.lock().wait_no_more(Instant::now());
    }
}

impl Consumer {
    /// Waits for records: at least one, at most `max.poll.records`, all of one partition.
    ///
    /// Cancel-safe: a call that is dropped has taken nothing.
    pub async fn next_batch(&mut self) -> Result<Batch, ConsumeError> {
        let _wait = Wait(Arc::clone(&self.shared));
        let mut is_first = true;
        std::future::poll_fn(|context| {
            let poll = self.poll_batch(context, is_first);
            is_first = false;
            poll
        })
        .await
    }

    /// As [`Consumer::next_batch`], but gives back an empty batch after `timeout`.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Batch, ConsumeError> {
        match tokio::time::timeout(timeout, self.next_batch()).await {
            Ok(result) => result,
            Err(_) => Ok(Batch::default()),
        }
    }

    /// Records one by one, as a `Stream`.
    pub fn records(&mut self) -> RecordStream<'_> {
        RecordStream::new(self)
    }

    pub(super) fn poll_batch(
        &mut self,
        context: &Context<'_>,
        is_first: bool,
    ) -> Poll<Result<Batch, ConsumeError>> {
        loop {
            let shared = Arc::clone(&self.shared);
            let mut state = shared.lock();
            if state.is_closed {
                return Poll::Ready(Err(ConsumeError::Closed));
            }
            if is_first || state.is_held && !state.has_yielded {
                state.polled(Instant::now());
                shared.group_news.notify_one();
            }
            state.last_poll = Instant::now();
            if let Some(error) = state.take_error() {
                return Poll::Ready(Err(error));
            }
            if let Some(batch) = self.hand_out(&mut state) {
                return Poll::Ready(Ok(batch));
            }
            let Some((partition, era, position, chunk)) = state.take() else {
                state.wait(context.waker());
                return Poll::Pending;
            };
            drop(state);
            shared.fetch_news.notify_one();
            match Decoded::of(&shared, &partition, (era, position, chunk)) {
                Ok(decoded) => self.decoded.push_back(decoded),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Records of the first decoded batch that may be handed out.
    fn hand_out(&mut self, state: &mut State) -> Option<Batch> {
        if state.is_held {
            return None;
        }
        self.decoded.retain(|decoded| state.is_current(&decoded.partition, decoded.era));
        let most = self.records_max;
        loop {
            let is_served =
                |decoded: &Decoded| state.get(&decoded.partition).is_some_and(|known| !known.is_paused);
            let place = self.decoded.iter().position(is_served)?;
            let decoded = self.decoded.get_mut(place)?;
            let batch = decoded.portion(most, state);
            if decoded.is_empty() {
                self.decoded.remove(place);
            }
            if batch.is_some() {
                return batch;
            }
        }
    }
}
