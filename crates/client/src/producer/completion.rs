//! What a sender waits on: one completion a batch, shared by the acks of its records.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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

#[derive(Debug, Default)]
struct State {
    result: Option<Result<Appended, ProduceError>>,
    wakers: Vec<Waker>,
}

/// Done once, seen by many.
#[derive(Debug)]
pub(super) struct Completion {
    partition: TopicPartition,
    state: Mutex<State>,
}

impl Completion {
    pub(super) fn new(partition: TopicPartition) -> Arc<Self> {
        Arc::new(Self { partition, state: Mutex::default() })
    }

    /// Tells everyone.
    pub(super) fn complete(&self, result: Result<Appended, ProduceError>) {
        let wakers = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(state.result.is_none(), "a batch ends once");
            state.result = Some(result);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// `slot` is the waiter's own place among the wakers.
    fn poll(&self, slot: &mut Option<usize>, context: &Context<'_>) -> Poll<Result<Appended, ProduceError>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(result) = &state.result {
            return Poll::Ready(result.clone());
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
        me.completion.poll(&mut me.slot, context).map(drop)
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
        me.completion.poll(&mut me.slot, context).map(|result| {
            result.map(|appended| RecordMetadata {
                partition: me.completion.partition.clone(),
                offset: appended.base_offset.map(|base| base + me.index),
                timestamp: appended.append_time.unwrap_or(me.timestamp),
            })
        })
    }
}
