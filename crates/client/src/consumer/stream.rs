//! Records one by one, as a `Stream`.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;

use super::{ConsumeError, Consumer};
use crate::ConsumerRecord;

/// Records one by one. Asking for the next says that the one before is processed. It has no end.
#[derive(Debug)]
pub struct RecordStream<'a> {
    consumer: &'a mut Consumer,
    /// Whether the application asks anew, or the runtime asks again on its behalf.
    asks_anew: bool,
    records_max: usize,
}

impl<'a> RecordStream<'a> {
    pub(super) fn new(consumer: &'a mut Consumer) -> Self {
        let records_max = std::mem::replace(&mut consumer.records_max, 1);
        Self { consumer, asks_anew: true, records_max }
    }
}

impl Drop for RecordStream<'_> {
    fn drop(&mut self) {
        self.consumer.records_max = self.records_max;
        self.consumer.shared.lock().wait_no_more(Instant::now());
    }
}

impl Stream for RecordStream<'_> {
    type Item = Result<ConsumerRecord, ConsumeError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let asks_anew = std::mem::replace(&mut self.asks_anew, false);
        let poll = self.consumer.poll_batch(context, asks_anew);
        let Poll::Ready(batch) = poll else { return Poll::Pending };
        self.asks_anew = true;
        match batch {
            Ok(records) => {
                assert!(records.len() == 1, "a stream takes one record at a time");
                Poll::Ready(records.into_iter().next().map(Ok))
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}
