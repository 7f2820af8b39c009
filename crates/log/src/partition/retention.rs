//! What is too old or too much goes, a whole segment at a time; its files follow after a delay.

use std::sync::Arc;

use base::Offset;

use super::PartitionLog;
use crate::error::Result;
use crate::segment::Segment;

/// A segment that retention took out of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deleted {
    /// Its first offset.
    pub base_offset: Offset,
    /// Its bytes of batches.
    pub bytes: u64,
    /// Why.
    pub because: DeletedBecause,
}

/// Why retention took a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeletedBecause {
    /// All of it lies before the log's start.
    BeforeLogStart,
    /// `retention.ms`.
    Age,
    /// `retention.bytes`.
    Size,
}

impl PartitionLog {
    /// Takes out the segments that may go; nothing at or above the high watermark does. The files go later: see [`Self::on_tick`].
    pub fn delete_old_segments(&mut self, now_ms: i64) -> Result<Vec<Deleted>> {
        self.shared.fence.check()?;
        self.flush()?;
        let segments = self.segments();
        let mut excess = self.excess_bytes();
        let mut deleted = Vec::new();
        for (place, segment) in segments.iter().enumerate() {
            let next = segments.get(place + 1).map_or(self.shared.log_end(), |next| next.base_offset().0);
            let is_active = place + 1 == segments.len();
            if next > self.shared.high_watermark() || (is_active && segment.size() == 0) {
                break;
            }
            let Some(because) = self.deletable(segment, is_active, next, now_ms, &mut excess)? else { break };
            deleted.push(Deleted { base_offset: segment.base_offset(), bytes: segment.size(), because });
        }
        if !deleted.is_empty() {
            let taken = self.take_out(deleted.len(), &segments, now_ms);
            self.shared.fence.guard(taken)?;
        }
        Ok(deleted)
    }

    /// Removes files whose delay is over, unless a reader still holds them, and forgets producers that were silent for long.
    pub fn on_tick(&mut self, now_ms: i64) -> Result<()> {
        self.producers.expire(now_ms, self.config.producer_id_expiration_ms);
        let (due, waiting) = std::mem::take(&mut self.deleting)
            .into_iter()
            .partition(|(due, segment)| *due <= now_ms && Arc::strong_count(segment) == 1);
        self.deleting = waiting;
        let due: Vec<(i64, Arc<Segment>)> = due;
        due.iter().try_for_each(|(_, segment)| segment.remove_files())
    }

    /// When [`Self::on_tick`] has something to do next, by the wall clock; `None` while nothing waits.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<i64> {
        self.deleting.iter().map(|(due, _)| *due).min()
    }

    /// Bytes beyond `retention.bytes`.
    fn excess_bytes(&self) -> u64 {
        match u64::try_from(self.config.retention_bytes) {
            Ok(limit) if self.config.delete => self.size().saturating_sub(limit),
            _ => 0,
        }
    }

    fn deletable(
        &self,
        segment: &Segment,
        is_active: bool,
        next: i64,
        now_ms: i64,
        excess: &mut u64,
    ) -> Result<Option<DeletedBecause>> {
        if next <= self.shared.log_start() {
            return Ok(Some(DeletedBecause::BeforeLogStart));
        }
        if !self.config.delete {
            return Ok(None);
        }
        let largest = if is_active { self.active.largest.0 } else { segment.largest()?.timestamp };
        let old = largest >= 0 && now_ms.saturating_sub(largest) > self.config.retention_ms;
        if self.config.retention_ms >= 0 && old {
            return Ok(Some(DeletedBecause::Age));
        }
        if *excess >= segment.size() && segment.size() > 0 {
            *excess -= segment.size();
            return Ok(Some(DeletedBecause::Size));
        }
        Ok(None)
    }

    fn take_out(&mut self, count: usize, segments: &[Arc<Segment>], now_ms: i64) -> Result<()> {
        if count == segments.len() {
            self.roll(now_ms)?;
        }
        let all = self.segments();
        let (gone, kept) = all.split_at(count);
        let start = kept.first().map_or(0, |first| first.base_offset().0).max(self.shared.log_start());
        self.shared.set_log_start(start);
        self.shared.set_local_log_start(start);
        self.shared.segments.store(Arc::new(kept.to_vec()));
        gone.iter().try_for_each(|segment| self.delete_later(segment, now_ms))?;
        if self.epochs.truncate_start(start) { self.store_epochs() } else { Ok(()) }
    }
}
