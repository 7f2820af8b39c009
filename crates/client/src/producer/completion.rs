//! What a sender waits on: one completion a batch, shared by the acks of its records.
//!
//! A batch that the broker finds too large is split; its completion then has parts, which end one by one.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::ProduceError;
use crate::{RecordMetadata, TopicPartition};

/// Where a batch ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appended {
    /// The first record's offset; `None` if the broker did not tell.
    pub(super) base_offset: Option<i64>,
    /// Set where the topic's timestamps are the broker's.
    pub(super) append_time: Option<i64>,
}

/// What became of the records from `first` on, `count` of them.
#[derive(Debug)]
struct Part {
    first: i64,
    count: i64,
    result: Result<Appended, ProduceError>,
}

#[derive(Debug)]
struct State {
    parts: Vec<Part>,
    /// Parts that have not ended. It is one part until it is split.
    open: usize,
    wakers: Vec<Waker>,
}

/// Each part is done once, seen by many.
#[derive(Debug)]
pub(super) struct Completion {
    partition: TopicPartition,
    state: Mutex<State>,
}

impl Completion {
    pub(super) fn new(partition: TopicPartition) -> Arc<Self> {
        let state = State { parts: Vec::new(), open: 1, wakers: Vec::new() };
        Arc::new(Self { partition, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of its parts has become two.
    pub(super) fn split(&self) {
        self.lock().open += 1;
    }

    /// Tells everyone what became of the records from `first` on.
    pub(super) fn complete(&self, first: i64, count: i64, result: Result<Appended, ProduceError>) {
        let wakers = {
            let mut state = self.lock();
            assert!(state.open > 0, "a batch ends once");
            state.open -= 1;
            state.parts.push(Part { first, count, result });
            // Those who wait for another part keep their places.
            if state.open == 0 { std::mem::take(&mut state.wakers) } else { state.wakers.clone() }
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// `slot` is the waiter's own place among the wakers; `found` looks for what it waits for.
    fn poll<T>(
        &self,
        slot: &mut Option<usize>,
        context: &Context<'_>,
        found: impl FnOnce(&State) -> Option<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        if let Some(found) = found(&state) {
            return Poll::Ready(found);
        }
        match slot.and_then(|slot| state.wakers.get_mut(slot)) {
            Some(waker) => waker.clone_from(context.waker()),
            None => {
                *slot = Some(state.wakers.len());
                state.wakers.push(context.waker().clone());
            }
        }
        Poll::Pending
    }
}

impl State {
    /// What became of a record, and its place in what was appended.
    fn of_record(&self, index: i64) -> Option<(i64, Result<Appended, ProduceError>)> {
        let part = self.parts.iter().find(|part| (part.first..part.first + part.count).contains(&index))?;
        Some((index - part.first, part.result.clone()))
    }
}

/// The end of a batch, for whoever flushes.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) completion: Arc<Completion>,
    pub(super) slot: Option<usize>,
}

impl Future for Ended {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let me = self.get_mut();
        me.completion.poll(&mut me.slot, context, |state| (state.open == 0).then_some(()))
    }
}

/// A record on its way. Await it to learn where it went; drop it if nobody wants to know.
#[derive(Debug)]
#[must_use = "an ack that nobody awaits hides a failure"]
pub struct Ack {
    pub(super) completion: Arc<Completion>,
    pub(super) slot: Option<usize>,
    /// The record's place in its batch.
    pub(super) index: i64,
    pub(super) timestamp: i64,
}

impl Ack {
    /// The partition the record goes to.
    pub fn partition(&self) -> &TopicPartition {
        &self.completion.partition
    }
}

impl Future for Ack {
    type Output = Result<RecordMetadata, ProduceError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let me = self.get_mut();
        let ended = me.completion.poll(&mut me.slot, context, |state| state.of_record(me.index));
        ended.map(|(index, result)| {
            result.map(|appended| RecordMetadata {
                partition: me.completion.partition.clone(),
                offset: appended.base_offset.map(|base| base + index),
                timestamp: appended.append_time.unwrap_or(me.timestamp),
            })
        })
    }
}
