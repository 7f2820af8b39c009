//! Appending: check, number, stage; then one vectored write for all that was staged.

use std::io::IoSlice;
use std::sync::Arc;

use base::{LeaderEpoch, Offset};
use bytes::Bytes;
use records::control::EndTransactionMarker;
use records::{BatchHeader, ValidBatch, ValidBatches};

use super::PartitionLog;
use crate::commit::{self, Item};
use crate::error::{Context, LogError, Result};
use crate::hot::HotBatch;
use crate::index::txn::AbortedTxn;
use crate::index::{OffsetEntry, TimeEntry};
use crate::names::Kind;
use crate::planted::{self, Bug};
use crate::producers::{BatchMetadata, Change, Ended, Origin, Verdict};
use crate::segment::Segment;

/// A batch up to this size is copied into one piece, so that it keeps no request buffer alive; a larger one stays in two.
const COPIED_BYTES_MAX: usize = 8 * 1024;
/// Blocks are reserved ahead of the end once a segment has this many bytes …
const ALLOCATE_FROM: u64 = 1 << 20;
/// … and by this much at a time.
const ALLOCATE_STEP: u64 = 16 << 20;

/// How an append is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Append {
    /// The leader's epoch, put into the batches (unless they are a replica's, which carry theirs).
    pub leader_epoch: LeaderEpoch,
    /// Who appends.
    pub origin: Origin,
    /// The wall clock, in milliseconds.
    pub now_ms: i64,
}

/// What an append did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppendInfo {
    /// The first record's offset.
    pub first_offset: Offset,
    /// The last record's offset; the append is committed once the durable end (and the ISR) is beyond it.
    pub last_offset: Offset,
    /// The largest timestamp: the append time where that is the topic's timestamp type.
    pub max_timestamp: i64,
    /// The first offset that may be read.
    pub log_start: Offset,
    /// The batch was there already: nothing was written, the offsets are those of the first time.
    pub duplicate: bool,
    /// Bytes written.
    pub bytes: usize,
}

/// Batches that have offsets but are not in the file yet.
#[derive(Debug, Default)]
pub(super) struct Staged {
    batches: Vec<(BatchHeader, HotBatch)>,
    bytes: u64,
    changes: Vec<Change>,
    new_epoch: bool,
}

impl Staged {
    pub fn next_offset(&self, log_end: i64) -> i64 {
        self.batches.last().map_or(log_end, |(_, batch)| batch.next_offset)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl PartitionLog {
    /// Appends and writes: [`Self::stage`] and [`Self::flush`] in one.
    pub fn append(&mut self, batches: ValidBatches, how: &Append) -> Result<AppendInfo> {
        let info = self.stage(batches, how)?;
        self.flush()?;
        Ok(info)
    }

    /// Gives the batches their offsets, in memory only: nobody sees them before [`Self::flush`].
    ///
    /// An owner stages all that waits in its mailbox and then flushes once. When flushing fails, all that was staged is gone.
    pub fn stage(&mut self, mut batches: ValidBatches, how: &Append) -> Result<AppendInfo> {
        self.context.fence.check()?;
        let bytes = batches.size();
        if bytes as u64 > self.config.segment_bytes {
            let segment_bytes = self.config.segment_bytes;
            return Err(LogError::LargerThanSegment { bytes: bytes as u64, segment_bytes });
        }
        self.number(&mut batches, how)?;
        if let Some(first) = self.check(&batches, how.origin)? {
            return Ok(self.duplicate_info(first));
        }
        let (first_offset, last_offset) = offsets(&batches);
        let max_timestamp = batches.iter().map(|batch| batch.header().max_timestamp).max().unwrap_or(-1);
        self.roll_if_due(bytes as u64, last_offset.0, max_timestamp, how.now_ms)?;
        batches.iter().for_each(|batch| self.stage_batch(batch));
        let log_start = self.log_start();
        Ok(AppendInfo { first_offset, last_offset, max_timestamp, log_start, duplicate: false, bytes })
    }

    /// Writes what was staged with one call, and shows it to readers.
    pub fn flush(&mut self) -> Result<()> {
        if self.staged.batches.is_empty() {
            return Ok(());
        }
        let staged = std::mem::take(&mut self.staged);
        let written = self.write(&staged);
        if written.is_err() && !planted::has(Bug::WriteNotUndone) {
            self.undo_write();
        }
        self.context.fence.guard(written)?;
        self.sync_if_many()
    }

    fn number(&self, batches: &mut ValidBatches, how: &Append) -> Result<()> {
        let end = self.log_end();
        if how.origin != Origin::Replica {
            batches.assign(end, how.leader_epoch);
            return Ok(());
        }
        let (first, _) = offsets(batches);
        if first < end { Err(LogError::NotTheNextOffset { first, end }) } else { Ok(()) }
    }

    /// Whether the producers allow it; what it repeats, if it is a duplicate.
    fn check(&self, batches: &ValidBatches, origin: Origin) -> Result<Option<BatchMetadata>> {
        let mut iter = batches.iter();
        if let (Some(batch), None) = (iter.next(), iter.next()) {
            let verdict = self.producers.check(batch.header(), marker_of(batch), origin)?;
            return Ok(verdict.duplicate());
        }
        // Several batches: each is judged by what those before it leave behind.
        let mut scratch = self.producers.only(batches.iter().map(|batch| batch.header().producer_id));
        for batch in batches {
            let marker = marker_of(batch);
            if let Verdict::Duplicate(first) = scratch.check(batch.header(), marker, origin)? {
                return Ok(Some(first));
            }
            scratch.update(batch.header(), marker);
        }
        Ok(None)
    }

    fn stage_batch(&mut self, batch: &ValidBatch) {
        let header = *batch.header();
        match self.producers.update(&header, marker_of(batch)) {
            Change::None => {}
            change => self.staged.changes.push(change),
        }
        let (epoch, start) = (header.partition_leader_epoch, header.base_offset);
        self.staged.new_epoch |= self.epochs.assign(epoch.0, start.0);
        self.staged.bytes += batch.size() as u64;
        self.staged.batches.push((header, pieces(batch)));
    }

    fn duplicate_info(&self, first: BatchMetadata) -> AppendInfo {
        AppendInfo {
            first_offset: Offset(first.first_offset()),
            last_offset: Offset(first.last_offset),
            max_timestamp: first.timestamp,
            log_start: self.log_start(),
            duplicate: true,
            bytes: 0,
        }
    }

    fn write(&mut self, staged: &Staged) -> Result<()> {
        let Some(segment) = self.active_segment() else { return Ok(()) };
        let position = segment.size();
        self.write_batches(&segment, position, staged)?;
        self.index(&segment, position, staged)?;
        if staged.new_epoch {
            self.epochs.store(&*self.context.disk, &self.path())?;
        }
        for change in &staged.changes {
            self.apply_change(&segment, *change)?;
        }
        segment.set_len(position + staged.bytes);
        for (_, batch) in &staged.batches {
            self.shared.hot.push(batch.clone());
        }
        self.shared.set_log_end(staged.next_offset(self.shared.log_end()));
        self.hand_over(&segment, position, staged);
        Ok(())
    }

    fn write_batches(&mut self, segment: &Segment, position: u64, staged: &Staged) -> Result<()> {
        let file = segment.log()?;
        let end = position + staged.bytes;
        if end > ALLOCATE_FROM && end > self.active.allocated {
            let upto = (end + ALLOCATE_STEP).min(self.config.segment_bytes.max(end));
            file.allocate(position, upto - position).during("reserve blocks of", (segment, Kind::Log))?;
            self.active.allocated = upto;
        }
        let pieces = staged.batches.iter().flat_map(|(_, batch)| [&batch.head, &batch.body]);
        let mut slices: Vec<_> =
            pieces.filter(|piece| !piece.is_empty()).map(|piece| IoSlice::new(piece)).collect();
        file.write_all_vectored_at(&mut slices, position).during("write", (segment, Kind::Log))
    }

    /// Index entries for what was written, at Kafka's places.
    fn index(&mut self, segment: &Segment, position: u64, staged: &Staged) -> Result<()> {
        let mut position = position;
        for (header, batch) in &staged.batches {
            note_in_index(&mut self.active, segment, header, position, self.config.index_interval_bytes)?;
            position += batch.len() as u64;
        }
        Ok(())
    }

    /// Transactions that begin or end with what was written.
    fn apply_change(&self, segment: &Segment, change: Change) -> Result<()> {
        match change {
            Change::None => {}
            Change::Began(first) => self.shared.transaction_began(first),
            Change::Ended(ended) => {
                if !ended.commit {
                    segment.push_aborted(self.aborted(ended))?;
                }
                self.shared.transaction_ended(ended.first_offset, ended.marker_offset);
            }
        }
        Ok(())
    }

    fn aborted(&self, ended: Ended) -> AbortedTxn {
        let stable = self.shared.last_stable_without(ended.first_offset, ended.marker_offset);
        AbortedTxn {
            producer: ended.producer,
            first_offset: Offset(ended.first_offset),
            last_offset: Offset(ended.marker_offset),
            last_stable_offset: Offset(stable),
        }
    }

    /// After a failed write: the file ends where it did, and what was derived from staged batches is read anew.
    fn undo_write(&mut self) {
        let Some(segment) = self.active_segment() else { return };
        let cut = segment
            .log()
            .and_then(|file| file.truncate(segment.size()).during("truncate", (&segment, Kind::Log)));
        let again = cut.and_then(|()| self.derive_anew());
        if let Err(error) = again {
            self.context.fence.fence(&format!("a failed write could not be undone: {error}"));
        }
    }

    /// The batches are in the page cache: the committer is to make them durable, or that is enough.
    fn hand_over(&self, segment: &Arc<Segment>, position: u64, staged: &Staged) {
        let (Some((first, _)), Some((last, _))) = (staged.batches.first(), staged.batches.last()) else {
            return;
        };
        let truncations = self.shared.truncations();
        let next_offset = last.next_offset().0;
        let pieces = staged.batches.iter().flat_map(|(_, batch)| [&batch.head, &batch.body]);
        let told = self.is_durable()
            && self.tell(|source| {
                Item::Append(commit::Append {
                    source,
                    segment: Arc::clone(segment),
                    position,
                    first_offset: first.base_offset.0,
                    next_offset,
                    epoch: last.partition_leader_epoch.0,
                    len: staged.bytes,
                    pieces: pieces.filter(|piece| !piece.is_empty()).cloned().collect(),
                    truncations,
                })
            });
        if !told {
            self.shared.advance_durable(next_offset, truncations);
        }
    }
}

/// Notes a batch at `position`: its timestamp, and an index entry if one is due.
pub(crate) fn note_in_index(
    active: &mut super::Active,
    segment: &Segment,
    header: &BatchHeader,
    position: u64,
    interval_bytes: u64,
) -> Result<()> {
    let last = header.last_offset().0;
    active.first_timestamp.get_or_insert(header.max_timestamp);
    if header.max_timestamp > active.largest.0 {
        active.largest = (header.max_timestamp, last);
    }
    if active.unindexed_bytes > interval_bytes {
        let relative = relative(segment, last);
        let entry = OffsetEntry { relative, position: i32::try_from(position).unwrap_or(i32::MAX) };
        segment.offsets.push(entry, &|| segment.file(Kind::Index)).during("write", (segment, Kind::Index))?;
        note_largest(active, segment)?;
        active.unindexed_bytes = 0;
    }
    active.unindexed_bytes += header.size() as u64;
    Ok(())
}

/// Adds the largest timestamp so far to the time index, unless it is there.
pub(crate) fn note_largest(active: &super::Active, segment: &Segment) -> Result<()> {
    let (timestamp, offset) = active.largest;
    let last = segment.last_time_entry()?;
    if timestamp < 0 || last.is_some_and(|last| last.timestamp >= timestamp) {
        return Ok(());
    }
    let entry = TimeEntry { timestamp, relative: relative(segment, offset) };
    segment.times.push(entry, &|| segment.file(Kind::TimeIndex)).during("write", (segment, Kind::TimeIndex))
}

fn relative(segment: &Segment, offset: i64) -> i32 {
    // Rolling keeps every offset of a segment within 2³¹ of its base.
    i32::try_from(offset - segment.base_offset().0).unwrap_or(i32::MAX)
}

fn offsets(batches: &ValidBatches) -> (Offset, Offset) {
    let first = batches.iter().next().map_or(Offset(0), |batch| batch.header().base_offset);
    let last = batches.iter().last().map_or(Offset(0), |batch| batch.header().last_offset());
    (first, last)
}

fn pieces(batch: &ValidBatch) -> HotBatch {
    let header = batch.header();
    let (head, body) = if batch.size() <= COPIED_BYTES_MAX {
        (Bytes::new(), batch.to_bytes())
    } else {
        (Bytes::copy_from_slice(&header.encode()), batch.body().clone())
    };
    HotBatch { first_offset: header.base_offset.0, next_offset: header.next_offset().0, head, body }
}

/// What a control batch says of its producer's transaction.
fn marker_of(batch: &ValidBatch) -> Option<EndTransactionMarker> {
    if !batch.header().attributes.is_control() {
        return None;
    }
    let record = batch.uncompressed_records().next()?.ok()?;
    EndTransactionMarker::parse(record.key?, record.value?)
}
