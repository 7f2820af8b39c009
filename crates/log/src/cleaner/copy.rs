//! The second half of a round: the batches of a group of segments, without what is superseded, in a new file.

use std::sync::Arc;

use base::limits::DECOMPRESSED_BATCH_BYTES_MAX;
use env::File;
use records::compact::{Compacted, Horizon, WhenEmpty, rebuild};
use records::{Batch, BatchHeader, Record};

use super::map::{control_type, next_batch, unreadable};
use super::offset_map::OffsetMap;
use super::task::{CleanError, CleanerStats, CleaningTask, Pace};
use super::transactions::{Marked, Transactions};
use crate::error::{Context, LogError, Result};
use crate::index::txn::AbortedTxn;
use crate::names::Kind;
use crate::partition::scan::Scan;
use crate::partition::{Active, note_in_index, note_largest};
use crate::segment::Segment;

/// Written at once.
const WRITE_BYTES: usize = 1 << 20;

/// What copying must know beside the batches.
pub(super) struct Copy<'a> {
    pub task: &'a CleaningTask,
    pub map: &'a OffsetMap,
    pub transactions: &'a mut Transactions,
    pub stats: &'a mut CleanerStats,
}

/// What becomes of one batch.
struct Verdict {
    /// None of its records stays.
    discards: bool,
    when_empty: WhenEmpty,
    /// It is a marker of nothing, whose time starts now if it has not yet.
    marks_nothing: bool,
}

impl Copy<'_> {
    /// Writes what stays of `group` to the `.cleaned` files of its first offset, and makes them durable.
    pub fn group(&mut self, group: &[Arc<Segment>], pace: Pace<'_>) -> Result<Arc<Segment>, CleanError> {
        let base = group.first().map_or(0, |segment| segment.base_offset().0);
        let cleaned = Segment::cleaned(&self.task.place, base, &self.task.files);
        let written = self.copy_all(group, &cleaned, pace);
        if written.is_err() {
            cleaned.remove_files()?;
        }
        written.map(|()| Arc::new(cleaned))
    }

    fn copy_all(
        &mut self,
        group: &[Arc<Segment>],
        cleaned: &Segment,
        pace: Pace<'_>,
    ) -> Result<(), CleanError> {
        let mut out = Output::new(cleaned, self.task.config.index_interval_bytes)?;
        for segment in group {
            let mut scan = Scan::new(segment, 0)?;
            while let Some((_, batch)) = next_batch(&mut scan, segment)? {
                if !pace(batch.bytes.len() as u64) {
                    return Err(CleanError::Stopped);
                }
                self.copy_batch(segment, &batch, &mut out)?;
            }
        }
        self.stats.bytes_kept += out.finish()?;
        Ok(())
    }

    fn copy_batch(&mut self, segment: &Segment, batch: &Batch<'_>, out: &mut Output<'_>) -> Result<()> {
        let header = &batch.header;
        self.stats.bytes_read += batch.bytes.len() as u64;
        self.stats.records_read += i64::from(header.records_count);
        let verdict = self.judge(batch, out);
        if verdict.discards && verdict.when_empty == WhenEmpty::Drop {
            return Ok(());
        }
        let now_ms = self.task.now_ms;
        let horizon = Horizon {
            delete_horizon_ms: now_ms.saturating_add(self.task.policy.delete_retention_ms),
            for_marker: verdict.marks_nothing,
        };
        let retain = |record: &Record<'_>| !verdict.discards && self.retains(header, record);
        let rebuilt = rebuild(batch, horizon, verdict.when_empty, DECOMPRESSED_BATCH_BYTES_MAX, retain);
        match rebuilt.map_err(|_| unreadable(segment, header))? {
            Compacted::Dropped => Ok(()),
            Compacted::Unchanged => {
                self.stats.records_kept += i64::from(header.records_count);
                out.push(header, &[batch.bytes])
            }
            Compacted::Rewritten(new) => {
                self.stats.records_kept += i64::from(new.header().records_count);
                out.push(new.header(), &[&new.header().encode(), new.body()])
            }
        }
    }

    fn judge(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) -> Verdict {
        let header = &batch.header;
        let (producer, last_offset) = (header.producer_id, header.last_offset().0);
        let is_control = header.attributes.is_control();
        let (marks_nothing, discards) = if is_control {
            match self.transactions.marks(producer, control_type(batch), last_offset) {
                Marked::Records(aborted) => {
                    out.aborted.extend(aborted);
                    (false, false)
                }
                Marked::Nothing => {
                    (true, header.delete_horizon_ms().is_some_and(|horizon| horizon <= self.task.now_ms))
                }
            }
        } else {
            (false, self.transactions.is_aborted(producer, header.attributes.is_transactional(), last_offset))
        };
        let ends_round = header.next_offset().0 == self.task.end;
        let keep = ends_round || self.is_last_of_producer(header);
        let when_empty = if keep { WhenEmpty::Keep } else { WhenEmpty::Drop };
        Verdict { discards, when_empty, marks_nothing }
    }

    /// Whether a producer's state hangs on this batch.
    fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        let last = self.task.producers.get(&header.producer_id).filter(|_| header.has_producer_id());
        last.is_some_and(|last| match last.data_offset {
            Some(offset) => header.last_offset().0 == offset,
            None => header.attributes.is_control() && header.producer_epoch == last.epoch,
        })
    }

    fn retains(&self, header: &BatchHeader, record: &Record<'_>) -> bool {
        if header.attributes.is_control() || record.offset.0 > self.map.latest_offset {
            return true;
        }
        let Some(key) = record.key else { return false };
        let is_latest = self.map.get(key).is_none_or(|latest| record.offset.0 >= latest);
        let horizon = header.delete_horizon_ms();
        is_latest && (record.value.is_some() || horizon.is_none_or(|horizon| self.task.now_ms < horizon))
    }
}

/// The file being written, with its indexes.
struct Output<'a> {
    segment: &'a Segment,
    file: Arc<dyn File>,
    pending: Vec<u8>,
    written: u64,
    active: Active,
    interval_bytes: u64,
    aborted: Vec<AbortedTxn>,
}

impl<'a> Output<'a> {
    fn new(segment: &'a Segment, interval_bytes: u64) -> Result<Self> {
        segment.create_log()?;
        let file = segment.log()?;
        let active = Active::new(0, 0);
        Ok(Self {
            segment,
            file,
            pending: Vec::new(),
            written: 0,
            active,
            interval_bytes,
            aborted: Vec::new(),
        })
    }

    fn push(&mut self, header: &BatchHeader, pieces: &[&[u8]]) -> Result<()> {
        let position = self.written + self.pending.len() as u64;
        if position + header.size() as u64 > i32::MAX as u64 {
            // Only a batch that another encoder had packed tighter can grow; a segment has no room beyond 2³¹ bytes.
            let (bytes, segment_bytes) = (position + header.size() as u64, i32::MAX as u64);
            return Err(LogError::LargerThanSegment { bytes, segment_bytes });
        }
        note_in_index(&mut self.active, self.segment, header, position, self.interval_bytes)?;
        pieces.iter().for_each(|piece| self.pending.extend_from_slice(piece));
        if self.pending.len() >= WRITE_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        self.file.write_all_at(&self.pending, self.written).during("write", (self.segment, Kind::Log))?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Makes all files durable; returns the bytes of batches.
    fn finish(mut self) -> Result<u64> {
        self.write()?;
        self.segment.set_len(self.written);
        note_largest(&self.active, self.segment)?;
        self.segment.close_indexes()?;
        self.segment.set_aborted(self.aborted)?;
        self.segment.sync()?;
        Ok(self.written)
    }
}
