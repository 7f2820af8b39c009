//! One batch: first open and growing, then sealed and sent until it ends.

use std::sync::Arc;
use std::time::Instant;

use base::ProducerId;
use bytes::Bytes;
use records::{BatchBuilder, BatchHeader, NewRecord, ProducerFields};
use tokio::sync::OwnedSemaphorePermit;
use wire::{Records, Segment};

use super::completion::{Appended, Completion};
use super::error::ProduceError;
use crate::CallError;

/// Names a batch among those of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BatchId(pub(super) u64);

/// The identity that stands in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) id: i64,
    pub(super) epoch: i16,
    pub(super) sequence: i32,
}

impl Stamp {
    fn fields(stamp: Option<Self>) -> ProducerFields {
        stamp.map_or(ProducerFields::NONE, |stamp| ProducerFields {
            id: ProducerId(stamp.id),
            epoch: stamp.epoch,
            base_sequence: stamp.sequence,
        })
    }
}

#[derive(Debug)]
enum Content {
    Open(BatchBuilder),
    Sealed {
        header: BatchHeader,
        body: Bytes,
    },
    /// Between the two, for the time of one function.
    Moving,
}

/// Where a batch is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Not sent yet.
    Waiting,
    /// Sent, no answer yet.
    InFlight,
    /// To be sent again.
    Retry {
        /// Not before this.
        not_before: Instant,
    },
}

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) id: BatchId,
    pub(super) place: Place,
    pub(super) created: Instant,
    pub(super) attempts: u32,
    pub(super) records: i32,
    pub(super) completion: Arc<Completion>,
    pub(super) stamp: Option<Stamp>,
    /// Some attempt may have been appended without an answer.
    pub(super) possibly_written: bool,
    pub(super) last_error: Option<CallError>,
    content: Content,
    is_closed: bool,
    /// The producer's memory that the batch holds; given back when it ends.
    memory: Option<OwnedSemaphorePermit>,
}

impl Batch {
    pub(super) fn new(id: BatchId, builder: BatchBuilder, completion: Arc<Completion>, now: Instant) -> Self {
        Self {
            id,
            place: Place::Waiting,
            created: now,
            attempts: 0,
            records: 0,
            completion,
            stamp: None,
            possibly_written: false,
            last_error: None,
            content: Content::Open(builder),
            is_closed: false,
            memory: None,
        }
    }

    /// Appends a record if the batch is open and has room; returns its place.
    pub(super) fn try_append(
        &mut self,
        record: &NewRecord<'_>,
        limit: usize,
        memory: &mut Option<OwnedSemaphorePermit>,
    ) -> Option<i64> {
        let Content::Open(builder) = &mut self.content else { return None };
        if self.is_closed || !builder.has_room_for(record, limit) || builder.append(*record).is_err() {
            self.is_closed = true;
            return None;
        }
        match (&mut self.memory, memory.take()) {
            (Some(held), Some(more)) => held.merge(more),
            (held @ None, more) => *held = more,
            (Some(_), None) => {}
        }
        self.records += 1;
        Some(i64::from(self.records - 1))
    }

    /// Whether it takes no more.
    pub(super) fn is_full(&self, limit: usize) -> bool {
        self.is_closed || self.size() >= limit
    }

    /// Its bytes on the wire, estimated while it is open.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::Open(builder) => builder.estimated_size(),
            Content::Sealed { header, .. } => header.size(),
            Content::Moving => 0,
        }
    }

    /// Compresses it, if that is not done, with `stamp` as its producer.
    pub(super) fn seal(&mut self, stamp: Option<Stamp>) {
        self.stamp = stamp;
        self.is_closed = true;
        self.content = match std::mem::replace(&mut self.content, Content::Moving) {
            Content::Open(mut builder) => {
                builder.set_producer(Stamp::fields(stamp), false);
                let built = builder.build();
                Content::Sealed { header: *built.header(), body: built.body().clone() }
            }
            Content::Sealed { mut header, body } => {
                let fields = Stamp::fields(stamp);
                (header.producer_id, header.producer_epoch, header.base_sequence) =
                    (fields.id, fields.epoch, fields.base_sequence);
                header.crc = header.compute_crc(&body);
                Content::Sealed { header, body }
            }
            Content::Moving => Content::Moving,
        };
    }

    /// Whether it has been sealed.
    pub(super) fn is_sealed(&self) -> bool {
        matches!(self.content, Content::Sealed { .. })
    }

    /// Its bytes.
    pub(super) fn records(&self) -> Records {
        match &self.content {
            Content::Sealed { header, body } => Records::from(vec![
                Segment::Bytes(Bytes::copy_from_slice(&header.encode())),
                Segment::Bytes(body.clone()),
            ]),
            Content::Open(_) | Content::Moving => Records::empty(),
        }
    }

    /// Ends it.
    pub(super) fn end(self, result: Result<Appended, ProduceError>) {
        drop(self.memory);
        self.completion.complete(result);
    }
}
