//! One partition's log: the single writer, and the door to everything that changes it.
//!
//! Invariants:
//! - Offsets rise; the log's end moves only here, and only after the bytes are in the file.
//! - Segments but the last are closed: no byte of them changes, and the list of them is swapped as a whole.
//! - `producers` is what follows from the batches up to the log's end, staged ones included.
//! - A failed write leaves the log as it was: the file is cut back and what was derived is read anew.

mod append;
mod clean;
mod finish;
mod load;
mod lookup;
mod recover;
mod relaxed;
mod relocate;
mod remove;
mod resume;
mod retention;
mod roll;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
mod truncate;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{LeaderEpoch, Offset, ProducerId, TopicIdPartition};

pub use append::{Append, AppendInfo};
pub(crate) use append::{note_in_index, note_largest};
pub use load::{Load, Loaded};
pub use lookup::TimestampOffset;
pub use recover::{Cut, RecoveryReport, Rot};
pub use retention::{Deleted, DeletedBecause};

use crate::commit::{Item, Source};
use crate::config::{Durability, LogConfig};
use crate::context::LogContext;
use crate::epochs::{EpochStart, Epochs};
use crate::producers::{Producer, ProducerView, Producers};
use crate::read::LogReader;
use crate::segment::{Place, Segment};
use crate::view::{Shared, View};
use append::Staged;

/// One partition's log, in the hands of its one owner.
#[derive(Debug)]
pub struct PartitionLog {
    context: Arc<LogContext>,
    shared: Arc<Shared>,
    config: Arc<LogConfig>,
    place: Arc<Place>,
    /// Whether the folder is there; it comes with the first append.
    has_dir: bool,
    active: Active,
    staged: Staged,
    producers: Producers,
    epochs: Epochs,
    /// Segments that are out of the list and whose files are to go.
    deleting: Vec<Deleting>,
    unsynced: relaxed::Unsynced,
}

/// A segment whose files are to go.
#[derive(Debug)]
struct Deleting {
    /// Not before this moment of the wall clock.
    due_ms: i64,
    /// Not before the log's start is durable at or beyond this offset.
    needs_log_start: i64,
    segment: Arc<Segment>,
}

/// What the writer knows of the segment it writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Active {
    /// The largest timestamp of its first batch: what `segment.ms` counts from.
    first_timestamp: Option<i64>,
    /// When it was begun, by the wall clock.
    begun_ms: i64,
    /// The largest timestamp and the last offset of its batch.
    largest: (i64, i64),
    /// Bytes since the last index entry.
    unindexed_bytes: u64,
    /// Taken off `segment.ms`.
    jitter_ms: i64,
    /// How far blocks are reserved.
    allocated: u64,
}

impl Active {
    pub(crate) const fn new(begun_ms: i64, jitter_ms: i64) -> Self {
        Self {
            first_timestamp: None,
            begun_ms,
            largest: (-1, -1),
            unindexed_bytes: 0,
            jitter_ms,
            allocated: 0,
        }
    }
}

impl PartitionLog {
    /// A handle for readers.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        LogReader(Arc::clone(&self.shared))
    }

    /// The numbers and segments of this moment.
    #[must_use]
    pub fn view(&self) -> View {
        self.shared.view()
    }

    /// The partition.
    #[must_use]
    pub fn key(&self) -> TopicIdPartition {
        self.shared.key
    }

    /// Its folder, which may not be there yet.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.place.dir().to_path_buf()
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> &Arc<LogConfig> {
        &self.config
    }

    /// Changes the settings; they hold from the next append on. Where the log becomes durable, what it holds is synced first.
    pub fn set_config(&mut self, config: Arc<LogConfig>) -> crate::Result<()> {
        self.flush()?;
        if !self.is_durable() && config.durability == Durability::Durable && self.has_dir {
            let synced = self.sync_behind(self.shared.recovery_point());
            self.context.fence.guard(synced)?;
        }
        if self.is_durable() {
            // Where the log becomes relaxed, what it holds was synced or is about to be.
            self.unsynced = relaxed::Unsynced::from(self.shared.log_end());
        }
        self.config = config;
        Ok(())
    }

    /// The offset that the next record gets.
    #[must_use]
    pub fn log_end(&self) -> Offset {
        Offset(self.staged.next_offset(self.shared.log_end()))
    }

    /// The first offset that may be read.
    #[must_use]
    pub fn log_start(&self) -> Offset {
        Offset(self.shared.log_start())
    }

    /// Bytes of batches on disk.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.shared.segments.load().iter().map(|segment| segment.size()).sum()
    }

    /// Below this offset everything is durable in the segments themselves.
    #[must_use]
    pub fn recovery_point(&self) -> Offset {
        Offset(self.shared.recovery_point())
    }

    /// Whether an acknowledgement means durable.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.config.durability == Durability::Durable
    }

    /// Moves the high watermark forward, never back and never beyond the log's end; returns whether it moved.
    pub fn advance_high_watermark(&self, offset: Offset) -> bool {
        self.shared.advance_high_watermark(offset.0)
    }

    /// The latest leader epoch that has a batch here.
    #[must_use]
    pub fn latest_epoch(&self) -> Option<EpochStart> {
        self.epochs.latest()
    }

    /// All leader epochs with their first offsets.
    #[must_use]
    pub fn epoch_starts(&self) -> &[EpochStart] {
        self.epochs.entries()
    }

    /// The epoch of the record at `offset`.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_at(offset)
    }

    /// The largest epoch at or below `epoch` and the offset behind its last record (KIP-279); `None` is "undefined".
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.epochs.end_offset(epoch, self.log_end())
    }

    /// The producers that are active here.
    pub fn producers(&self) -> impl Iterator<Item = ProducerView> {
        self.producers.iter().map(|(id, producer)| producer_view(id, producer))
    }

    fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        self.shared.segments.load_full()
    }

    fn active_segment(&self) -> Option<Arc<Segment>> {
        self.shared.segments.load().last().cloned()
    }

    fn path(&self) -> Arc<Path> {
        self.place.dir()
    }

    /// Hands something to the committer, where there is one.
    pub(crate) fn tell(&self, item: impl FnOnce(Source) -> Item) -> bool {
        let Some(queue) = &self.context.commits else { return false };
        queue.push(item(Source { shared: Arc::clone(&self.shared), place: Arc::clone(&self.place) }));
        true
    }
}

fn producer_view(id: ProducerId, producer: &Producer) -> ProducerView {
    ProducerView {
        id,
        epoch: producer.epoch,
        last_sequence: producer.last_sequence(),
        last_timestamp: producer.last_timestamp,
        coordinator_epoch: producer.coordinator_epoch,
        open_transaction: producer.open_transaction.map(Offset),
    }
}
