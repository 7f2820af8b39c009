//! The cleaner: of each key only the last record stays (`cleanup.policy=compact`).
//!
//! Offsets never change, order never changes, and of a removed record nothing is left but a gap. Choosing, rewriting and swapping
//! are apart:
//!
//! ```text
//! owner    log.cleanable(&policy, checkpoint, now_ms)?      pure choice over the log's facts: how dirty, from where to where
//!          log.cleaning_task(&cleanable, &policy, now_ms)?  what the worker needs, of this moment
//! worker   cleaner.clean(&task, pace, swap)?                reads, writes `.cleaned` files beside the log, touches nothing else;
//!                                                           calls `swap` for each group of segments …
//! owner    log.replace_segments(replacement, now_ms)?       … which the owner answers with this: renames and folder syncs only
//! anyone   CleanerOffsets::set(…)                           up to where the log is clean now
//! ```
//!
//! What stays, as in Kafka 4.3:
//! * the last record of each key below the end of the round, and everything behind it;
//! * tombstones and transaction markers until their delete horizon has passed: `delete.retention.ms` after the round that first
//!   saw them settled, noted in the batch itself (KIP-534);
//! * of an aborted transaction nothing but its marker; a record without key never;
//! * the last batch of each live producer, empty if need be, so that its sequence numbers survive (KIP-98), and the last batch of
//!   the round.
//!
//! A batch that is not sound stops the round with [`crate::LogError::Corrupt`]; nothing is ever skipped silently.

mod choose;
mod copy;
mod groups;
mod map;
mod offset_map;
mod offsets;
mod siphash;
pub(crate) mod swap;
mod task;
#[cfg(test)]
mod tests;
mod transactions;

pub use choose::{Cleanable, LogFacts, SegmentFacts, choose, filthiest};
pub use offsets::CleanerOffsets;
pub use task::{CleanError, Cleaned, Cleaner, CleanerStats, CleaningTask, Replacement};

pub(crate) use task::LastRecord;

/// Kafka's topic settings that concern compaction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CompactionPolicy {
    /// `min.cleanable.dirty.ratio`: a log is cleaned when more than this part of it is dirty.
    pub min_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: a segment with a younger record is left alone.
    pub min_lag_ms: i64,
    /// `max.compaction.lag.ms`: a log whose oldest dirty record is older is cleaned, however little of it is dirty.
    pub max_lag_ms: i64,
    /// `delete.retention.ms`: how long tombstones and markers stay once nothing older is behind them.
    pub delete_retention_ms: i64,
}

impl Default for CompactionPolicy {
    fn default() -> Self {
        Self { min_dirty_ratio: 0.5, min_lag_ms: 0, max_lag_ms: i64::MAX, delete_retention_ms: 86_400_000 }
    }
}
