//! One batch: first open and growing, then sealed and sent until it ends.

use std::sync::Arc;
use std::time::Instant;

use base::{Offset, ProducerId};
use bytes::Bytes;
use records::{
    BatchBuilder, BatchHeader, BatchOptions, Compression, CompressionType, NewRecord, ProducerFields,
};
use tokio::sync::OwnedSemaphorePermit;
use wire::{Records, Segment};

use super::completion::{Appended, Completion};
use super::error::ProduceError;
use crate::CallError;

/// What a batch of our own may decompress to.
const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;

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
    /// The place of its first record in the batch it was split from; 0 if it was not.
    first: i64,
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
            first: 0,
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

    /// Makes two of it, `second` being the name of the latter half: together they have its records and its sequence numbers.
    /// It comes back whole if it cannot be split.
    pub(super) fn split(
        mut self,
        second: BatchId,
        compression: Compression,
    ) -> Result<(Self, Self), Box<Self>> {
        let Some((former, latter)) = self.halves(compression) else { return Err(Box::new(self)) };
        let (former_len, latter_len) = (counted(&former), counted(&latter));
        let memory = self.memory.as_mut().and_then(|held| held.split(held.num_permits() / 2));
        self.completion.split();
        let mut other = Self {
            first: self.first + i64::from(former_len),
            records: latter_len,
            memory,
            is_closed: true,
            ..Self::new(second, latter, Arc::clone(&self.completion), self.created)
        };
        other.seal(self.stamp.map(|stamp| stamp.next(former_len)));
        (self.records, self.attempts, self.content) = (former_len, 0, Content::Open(former));
        self.seal(self.stamp);
        Ok((self, other))
    }

    /// Its records in two batches; `None` if there are not two, or they cannot be read.
    fn halves(&self, compression: Compression) -> Option<(BatchBuilder, BatchBuilder)> {
        let Content::Sealed { header, body } = &self.content else { return None };
        let codec = header.attributes.compression()?;
        let plain = match codec {
            CompressionType::None => body.clone(),
            codec => Bytes::from(records::decompress(codec, body, DECOMPRESSED_BYTES_MAX).ok()?),
        };
        let options = BatchOptions { compression, ..BatchOptions::default() };
        let (mut former, mut latter) = (BatchBuilder::new(options), BatchBuilder::new(options));
        let middle = self.records / 2;
        for (place, record) in records::Records::new(*header, &plain).enumerate() {
            let place = i32::try_from(place).ok()?;
            let (half, offset) =
                if place < middle { (&mut former, place) } else { (&mut latter, place - middle) };
            half.append_record(Offset(i64::from(offset)), &record.ok()?).ok()?;
        }
        (!former.is_empty() && !latter.is_empty()).then_some((former, latter))
    }

    /// Ends it.
    pub(super) fn end(self, result: Result<Appended, ProduceError>) {
        drop(self.memory);
        self.completion.complete(self.first, i64::from(self.records), result);
    }
}

fn counted(builder: &BatchBuilder) -> i32 {
    i32::try_from(builder.len()).unwrap_or(i32::MAX)
}
