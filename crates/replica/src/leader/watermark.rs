//! The high watermark: below it every in-sync replica has everything durably.

use base::Offset;
use base::planted::Bug;

use super::follower_state::FollowerState;
use super::in_sync::Pending;
use super::{Effects, Leader};

/// How far consumers may read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadBound {
    /// Records below were committed.
    pub high_watermark: Offset,
    /// Whether this leader has shown in its own epoch that nothing committed lies beyond its high watermark as of its election.
    /// Until then it must not tell anybody that the log ends there: a fetch at the high watermark waits, ListOffsets for the latest
    /// offset answers `OFFSET_NOT_AVAILABLE`.
    pub proven: bool,
}

impl Leader {
    /// How far consumers may read now.
    #[must_use]
    pub fn read_bound(&self) -> ReadBound {
        let proven = self.high_watermark >= self.epoch_start;
        ReadBound { high_watermark: self.high_watermark, proven }
    }

    /// Everything below was committed.
    #[must_use]
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Moves the high watermark as far as it may go.
    pub(super) fn advance(&mut self, now_ms: i64) -> Effects {
        let Some(offset) = self.committed_end(now_ms).filter(|offset| *offset > self.high_watermark) else {
            return Effects::default();
        };
        self.high_watermark = offset;
        Effects { high_watermark: Some(offset), alter_partition: None }
    }

    fn committed_end(&self, now_ms: i64) -> Option<Offset> {
        let planted = self.settings.planted;
        if self.is_under_min_isr() && !planted.has(Bug::HighWatermarkBelowMinIsr) {
            return None;
        }
        let own = if planted.has(Bug::HighWatermarkCountsLeadersUndurable) {
            self.log_end
        } else {
            self.durable_end
        };
        let mut followers = self.followers.iter().filter(|follower| self.is_waited_for(follower, now_ms));
        followers.try_fold(own, |end, follower| {
            let reached = if planted.has(Bug::HighWatermarkCountsUndurable) {
                follower.ends.map(|ends| ends.log_end)
            } else {
                follower.durable_end()
            };
            match reached {
                // A member that has not been heard of in this epoch may have anything: nothing is committed without it.
                None if planted.has(Bug::HighWatermarkSkipsSilentReplicas) => Some(end),
                reached => reached.map(|reached| end.min(reached)),
            }
        })
    }

    /// Members of the maximal ISR; and whoever is about to join, so that the high watermark does not run away from it.
    fn is_waited_for(&self, follower: &FollowerState, now_ms: i64) -> bool {
        let planted = self.settings.planted;
        let pending = self.pending.as_ref();
        if planted.has(Bug::HighWatermarkTrustsPendingShrink)
            && let Some(Pending { isr, .. }) = pending
        {
            return isr.contains(&follower.id);
        }
        if self.isr.contains(&follower.id) {
            return true;
        }
        if planted.has(Bug::HighWatermarkIgnoresPendingIsr) {
            return false;
        }
        let is_asked_for = pending.is_some_and(|pending| pending.unsettled.contains(&follower.id));
        is_asked_for || (follower.ends.is_some() && self.is_about_to_join(follower, now_ms))
    }

    fn is_about_to_join(&self, follower: &FollowerState, now_ms: i64) -> bool {
        !follower.is_observer
            && !self.recovering
            && follower.is_eligible
            && follower.is_caught_up(self.log_end, self.settings.lag_time_max_ms, now_ms)
    }
}
