//! What the log knows of its producers (KIP-98): epochs, the last five batches of each, open transactions.
//!
//! There is no second copy of this: it follows from the batches, on leaders and followers alike, and is read back from a
//! snapshot and the batches behind it. `check` looks, `update` changes; an append calls the second only for what it will write.

pub(crate) mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use base::{Offset, ProducerId};
use records::control::EndTransactionMarker as Marker;
use records::{Batch, BatchHeader};

use crate::batch::sequence_plus;
use crate::error::{LogError, Result};

/// The batches that are remembered of each producer: as many as a client may have in flight.
const BATCHES_KEPT: usize = 5;
/// "No epoch yet".
const NO_EPOCH: i16 = -1;

/// Where an append comes from; decides how strictly it is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A client's produce request: everything is checked, duplicates are recognised.
    Client,
    /// The leader of this partition: it has checked; offsets and epochs are kept.
    Replica,
    /// A coordinator of this node: control batches are allowed.
    Coordinator,
}

/// One remembered batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchMetadata {
    /// The sequence of its last record.
    pub last_sequence: i32,
    /// The offset of its last record.
    pub last_offset: i64,
    /// Its records, minus one.
    pub offset_delta: i32,
    /// Its largest timestamp.
    pub timestamp: i64,
}

impl BatchMetadata {
    /// The offset of its first record.
    #[must_use]
    pub fn first_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        if first < 0 { (first + i64::from(i32::MAX) + 1) as i32 } else { first as i32 }
    }
}

/// One producer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Producer {
    /// Its latest epoch.
    pub epoch: i16,
    /// Its last batches, oldest first.
    pub batches: VecDeque<BatchMetadata>,
    /// The epoch of the coordinator that wrote its last marker; -1 before any.
    pub coordinator_epoch: i32,
    /// The first offset of its open transaction.
    pub open_transaction: Option<i64>,
    /// The largest timestamp of its last batch or marker: what it expires by.
    pub last_timestamp: i64,
}

impl Producer {
    fn new() -> Self {
        Self {
            epoch: NO_EPOCH,
            batches: VecDeque::new(),
            coordinator_epoch: -1,
            open_transaction: None,
            last_timestamp: -1,
        }
    }

    /// The sequence of its last record; -1 before any.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(-1, |batch| batch.last_sequence)
    }
}

/// What a batch is to the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// To be appended.
    Fresh,
    /// There already.
    Duplicate(BatchMetadata),
}

impl Verdict {
    pub fn duplicate(self) -> Option<BatchMetadata> {
        if let Self::Duplicate(first) = self { Some(first) } else { None }
    }
}

/// A transaction that a marker has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    pub producer: ProducerId,
    pub first_offset: i64,
    pub marker_offset: i64,
    pub commit: bool,
}

/// A change that an update made beside the producer's own entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    None,
    /// A transaction begins at this offset.
    Began(i64),
    Ended(Ended),
}

/// All producers of one log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Producers(BTreeMap<i64, Producer>);

impl Producers {
    pub fn iter(&self) -> impl Iterator<Item = (ProducerId, &Producer)> {
        self.0.iter().map(|(id, producer)| (ProducerId(*id), producer))
    }

    /// A copy of these producers alone.
    pub fn only(&self, ids: impl Iterator<Item = ProducerId>) -> Self {
        Self(ids.filter_map(|id| Some((id.0, self.0.get(&id.0)?.clone()))).collect())
    }

    pub fn open_transactions(&self) -> impl Iterator<Item = i64> {
        self.0.values().filter_map(|producer| producer.open_transaction)
    }

    /// Whether the batch may be appended. Batches without a producer's id always may.
    pub fn check(&self, batch: &BatchHeader, marker: Option<Marker>, origin: Origin) -> Result<Verdict> {
        let Some(id) = producer_of(batch) else { return Ok(Verdict::Fresh) };
        let Some(known) = self.0.get(&id.0) else { return Ok(Verdict::Fresh) };
        if origin == Origin::Replica {
            return Ok(Verdict::Fresh);
        }
        if let Some(marker) = marker {
            check_marker(id, known, batch, marker)?;
            return Ok(Verdict::Fresh);
        }
        if origin == Origin::Client
            && let Some(duplicate) = known.duplicate_of(batch)
        {
            return Ok(Verdict::Duplicate(duplicate));
        }
        check_epoch(id, known, batch)?;
        check_sequence(id, known, batch)?;
        if known.open_transaction.is_some() && !batch.attributes.is_transactional() {
            return Err(LogError::InvalidTxnState {
                producer: id,
                reason: "a batch outside its open transaction",
            });
        }
        Ok(Verdict::Fresh)
    }

    /// Notes a batch that is being appended; its header carries its final offsets.
    pub fn update(&mut self, batch: &BatchHeader, marker: Option<Marker>) -> Change {
        let Some(id) = producer_of(batch) else { return Change::None };
        let producer = self.0.entry(id.0).or_insert_with(Producer::new);
        if batch.producer_epoch != producer.epoch {
            producer.batches.clear();
            producer.epoch = batch.producer_epoch;
        }
        producer.last_timestamp = batch.max_timestamp;
        match marker {
            Some(marker) => producer.end_transaction(id, batch, marker),
            None => producer.add_batch(batch),
        }
    }

    /// Forgets producers that were silent for longer than `expiration_ms` and have no open transaction.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.0.retain(|_, producer| {
            producer.open_transaction.is_some()
                || now_ms.saturating_sub(producer.last_timestamp) < expiration_ms
        });
    }

    pub fn insert(&mut self, id: ProducerId, producer: Producer) {
        self.0.insert(id.0, producer);
    }

    /// Notes what came after what is known of this producer: of the same epoch, the batches before stay known.
    pub fn continue_with(&mut self, id: ProducerId, mut producer: Producer) {
        if let Some(before) = self.0.remove(&id.0).filter(|before| before.epoch == producer.epoch) {
            let room = BATCHES_KEPT.saturating_sub(producer.batches.len());
            for batch in before.batches.into_iter().rev().take(room) {
                producer.batches.push_front(batch);
            }
        }
        self.insert(id, producer);
    }
}

impl Producer {
    fn duplicate_of(&self, batch: &BatchHeader) -> Option<BatchMetadata> {
        let same = |kept: &&BatchMetadata| {
            kept.first_sequence() == batch.base_sequence && kept.last_sequence == batch.last_sequence()
        };
        if batch.producer_epoch == self.epoch { self.batches.iter().find(same).copied() } else { None }
    }

    fn add_batch(&mut self, batch: &BatchHeader) -> Change {
        if self.batches.len() == BATCHES_KEPT {
            self.batches.pop_front();
        }
        self.batches.push_back(BatchMetadata {
            last_sequence: batch.last_sequence(),
            last_offset: batch.last_offset().0,
            offset_delta: batch.last_offset_delta,
            timestamp: batch.max_timestamp,
        });
        if batch.attributes.is_transactional() && self.open_transaction.is_none() {
            self.open_transaction = Some(batch.base_offset.0);
            return Change::Began(batch.base_offset.0);
        }
        Change::None
    }

    fn end_transaction(&mut self, id: ProducerId, batch: &BatchHeader, marker: Marker) -> Change {
        self.coordinator_epoch = marker.coordinator_epoch;
        let Some(first_offset) = self.open_transaction.take() else { return Change::None };
        Change::Ended(Ended {
            producer: id,
            first_offset,
            marker_offset: batch.last_offset().0,
            commit: marker.committed,
        })
    }
}

fn producer_of(batch: &BatchHeader) -> Option<ProducerId> {
    batch.has_producer_id().then_some(batch.producer_id)
}

fn check_marker(id: ProducerId, known: &Producer, batch: &BatchHeader, marker: Marker) -> Result<()> {
    check_epoch(id, known, batch)?;
    if marker.coordinator_epoch < known.coordinator_epoch {
        return Err(LogError::CoordinatorFenced {
            producer: id,
            found: marker.coordinator_epoch,
            current: known.coordinator_epoch,
        });
    }
    Ok(())
}

fn check_epoch(id: ProducerId, known: &Producer, batch: &BatchHeader) -> Result<()> {
    if batch.producer_epoch < known.epoch {
        return Err(LogError::InvalidProducerEpoch {
            producer: id,
            found: batch.producer_epoch,
            current: known.epoch,
        });
    }
    Ok(())
}

fn check_sequence(id: ProducerId, known: &Producer, batch: &BatchHeader) -> Result<()> {
    if batch.base_sequence < 0 || known.epoch == NO_EPOCH {
        return Ok(());
    }
    let same_epoch = batch.producer_epoch == known.epoch;
    let last = if same_epoch { known.last_sequence() } else { -1 };
    // After a marker alone there is no sequence to continue: -1, so that 0 comes next, as for a new epoch.
    let expected = if last < 0 { 0 } else { sequence_plus(last, 1) };
    if batch.base_sequence == expected {
        return Ok(());
    }
    Err(LogError::OutOfOrderSequence { producer: id, found: batch.base_sequence, last })
}

/// What a caller outside may know of a producer (`DescribeProducers`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerView {
    /// Its id.
    pub id: ProducerId,
    /// Its latest epoch.
    pub epoch: i16,
    /// The sequence of its last record; -1 for none.
    pub last_sequence: i32,
    /// The timestamp of its last batch.
    pub last_timestamp: i64,
    /// The epoch of the coordinator that wrote its last marker; -1 for none.
    pub coordinator_epoch: i32,
    /// The first offset of its open transaction.
    pub open_transaction: Option<Offset>,
}

/// What a control batch, given with all its bytes, says of its producer's transaction.
pub(crate) fn marker_in(batch: &[u8]) -> Option<Marker> {
    let batch = Batch::parse(batch).ok()?;
    let record = batch.records(batch.body()).next()?.ok()?;
    Marker::parse(record.key?, record.value?)
}
