//! What is too old or too much goes, a whole segment at a time; its files follow after a delay.

use std::sync::Arc;

use base::Offset;

use super::{Deleting, PartitionLog};
use crate::error::Result;
use crate::planted::{self, Bug};
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
        self.context.fence.check()?;
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
            let Some(because) = self.deletable(segment, is_active, next, now_ms, excess)? else { break };
            // Whatever it goes for, as much less is too much.
            excess = excess.saturating_sub(segment.size());
            deleted.push(Deleted { base_offset: segment.base_offset(), bytes: segment.size(), because });
        }
        if !deleted.is_empty() {
            let taken = self.take_out(deleted.len(), &segments, now_ms);
            self.context.fence.guard(taken)?;
        }
        Ok(deleted)
    }

    /// Removes files whose delay is over, unless a reader still holds them, and forgets producers that were silent for long.
    pub fn on_tick(&mut self, now_ms: i64) -> Result<()> {
        self.producers.expire(now_ms, self.config.producer_id_expiration_ms);
        let durable_start = self.shared.durable_log_start();
        let (due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.deleting).into_iter().partition(|gone| {
                gone.due_ms <= now_ms
                    && (gone.needs_log_start <= durable_start || planted::has(Bug::RetentionTooEarly))
                    && Arc::strong_count(&gone.segment) == 1
            });
        self.deleting = waiting;
        due.iter().try_for_each(|gone| gone.segment.remove_files())
    }

    /// When [`Self::on_tick`] has something to do next, by the wall clock; `None` while nothing waits.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<i64> {
        self.deleting.iter().map(|gone| gone.due_ms).min()
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
        excess: u64,
    ) -> Result<Option<DeletedBecause>> {
        if next <= self.shared.log_start() {
            return Ok(Some(DeletedBecause::BeforeLogStart));
        }
        if !self.config.delete {
            return Ok(None);
        }
        if self.config.retention_ms >= 0 && self.is_old(segment, is_active, now_ms)? {
            return Ok(Some(DeletedBecause::Age));
        }
        if excess >= segment.size() && segment.size() > 0 {
            return Ok(Some(DeletedBecause::Size));
        }
        Ok(None)
    }

    /// Whether `retention.ms` is over since its largest timestamp; as in Kafka since it was written where no record has one.
    fn is_old(&self, segment: &Segment, is_active: bool, now_ms: i64) -> Result<bool> {
        let largest = if is_active { self.active.largest.0 } else { segment.largest()?.timestamp };
        let since = match largest {
            0.. => Some(largest),
            _ if segment.size() > 0 => segment.modified_ms()?,
            _ => None,
        };
        Ok(since.is_some_and(|since| now_ms.saturating_sub(since) > self.config.retention_ms))
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
        for (place, segment) in gone.iter().enumerate() {
            // The file keeps its name: after a crash before the new start is durable, the segment is simply there again.
            let needs_log_start = all.get(place + 1).map_or(start, |next| next.base_offset().0);
            let due_ms = now_ms.saturating_add(self.config.file_delete_delay_ms);
            self.deleting.push(Deleting { due_ms, needs_log_start, segment: Arc::clone(segment) });
            segment.close_files();
        }
        self.announce_log_start(start);
        if self.epochs.truncate_start(start) { self.store_epochs() } else { Ok(()) }
    }
}
