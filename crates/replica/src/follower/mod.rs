//! A follower of one partition in one leader epoch.
//!
//! It holds no copy of the log's ends: the shell shows it the log each time, so that what it decides follows from what is there. What
//! it may do with an answer is one [`Step`]; an answer of another leader epoch, or to a position the log has left, does nothing.
//!
//! It fetches ahead of its disk, and each fetch says how much is durable. As long as records come it asks at once; when none come and
//! some are not durable yet it waits for the disk rather than at the leader, or the leader would learn of them only after the wait.

#[cfg(test)]
mod tests;

use base::planted::{Bug, Planted};
use base::{BrokerId, LeaderEpoch, Offset};
use wire::ErrorCode;

use crate::epochs::{EpochEnd, EpochHistory, truncation_point};
use crate::state::LogEnds;

/// What a follower asks for; a Fetch carries it per partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchPosition {
    /// The leader epoch it knows.
    pub leader_epoch: LeaderEpoch,
    /// Its log's end, from which it fetches.
    pub log_end: Offset,
    /// The epoch of its last record; -1 where it has none.
    pub last_fetched_epoch: LeaderEpoch,
    /// Its log's start.
    pub log_start: Offset,
    /// Below this it made everything durable.
    pub durable_end: Offset,
}

/// What the leader answered for the partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchAnswer {
    /// The error, `NONE` for none.
    pub error: ErrorCode,
    /// The leader's high watermark.
    pub high_watermark: Offset,
    /// The leader's log start; -1 where it did not say.
    pub log_start: Offset,
    /// The leader's log end, if the error is `OFFSET_OUT_OF_RANGE` and the shell asked for it (ListOffsets); else -1.
    pub log_end: Offset,
    /// Set if the logs parted: the leader's end of the epoch that it shares.
    pub diverging: Option<EpochEnd>,
    /// The offset behind the records that came; the position's own where none did.
    pub next_offset: Offset,
}

/// What is to be done with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a step is to be taken"]
pub enum Step {
    /// Append the records, if any came; then move the log's start and the high watermark up to these (never back).
    Append {
        /// The high watermark, within the log as it will be.
        high_watermark: Offset,
        /// The log's start.
        log_start: Offset,
    },
    /// Remove all from here on, then fetch again.
    Truncate {
        /// The log's new end.
        end: Offset,
    },
    /// Remove everything and go on here: the leader no longer has what would come next.
    Restart {
        /// The log's new start and end.
        start: Offset,
    },
    /// Ask the leader for its log's end, then bring the same answer with it.
    AskLeadersEnd,
    /// Nothing can be done now; fetch again after a pause.
    Pause,
    /// The leader is another one, or will be: wait for the metadata.
    AwaitMetadata,
    /// An answer to a question of the past: nothing.
    Drop,
}

/// When to fetch next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Poll {
    /// At once, and have the leader answer at once.
    Now,
    /// At once, and wait at the leader for new records.
    Wait,
    /// When the disk has made durable what was appended.
    AfterSync,
}

/// The follower's machine; see the module's text.
#[derive(Clone, Debug)]
pub struct Follower {
    leader: BrokerId,
    epoch: LeaderEpoch,
    /// Whether the last answer brought records: more may be there.
    is_streaming: bool,
    planted: Planted,
}

impl Follower {
    pub(crate) fn new(leader: BrokerId, epoch: LeaderEpoch, planted: Planted) -> Self {
        Self { leader, epoch, is_streaming: true, planted }
    }

    /// Whom it follows.
    #[must_use]
    pub fn leader(&self) -> BrokerId {
        self.leader
    }

    /// In which epoch.
    #[must_use]
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// What to ask the leader for.
    #[must_use]
    pub fn fetch(&self, log: &impl EpochHistory, ends: LogEnds) -> FetchPosition {
        FetchPosition {
            leader_epoch: self.epoch,
            log_end: ends.log_end,
            // Read from the log each time, so that an answer without records cannot clear it (KAFKA-15510).
            last_fetched_epoch: log.latest_epoch().unwrap_or(LeaderEpoch(-1)),
            log_start: ends.log_start,
            durable_end: ends.durable_end,
        }
    }

    /// When to ask.
    #[must_use]
    pub fn poll(&self, ends: LogEnds) -> Poll {
        match (self.is_streaming, ends.durable_end < ends.log_end) {
            (true, true) => Poll::Now,
            (_, false) => Poll::Wait,
            (false, true) => Poll::AfterSync,
        }
    }

    /// The leader answered what was asked at `asked`; `log` and `ends` are the log as it is now.
    pub fn on_fetch_response(
        &mut self,
        asked: &FetchPosition,
        answer: &FetchAnswer,
        log: &impl EpochHistory,
        ends: LogEnds,
    ) -> Step {
        let is_stale = asked.leader_epoch != self.epoch && !self.planted.has(Bug::AcceptStaleAnswer);
        if is_stale || asked.log_end != ends.log_end {
            return Step::Drop;
        }
        if answer.error != ErrorCode::NONE {
            self.is_streaming = false;
            return self.on_error(answer, ends);
        }
        if let Some(leader) = answer.diverging {
            return self.part(leader, log, ends);
        }
        self.is_streaming = answer.next_offset > asked.log_end;
        Step::Append {
            high_watermark: answer.high_watermark.min(answer.next_offset),
            log_start: answer.log_start.max(ends.log_start),
        }
    }

    fn part(&mut self, leader: EpochEnd, log: &impl EpochHistory, ends: LogEnds) -> Step {
        if self.planted.has(Bug::NeverTruncate) {
            return Step::Pause;
        }
        let end = if self.planted.has(Bug::TruncateToHighWatermark) {
            ends.high_watermark
        } else {
            truncation_point(log, leader, ends.log_end)
        };
        self.is_streaming = true;
        if end >= ends.log_end {
            // The leader contradicts itself: nothing to take back, and yet it says that the logs part.
            return Step::Pause;
        }
        if end < ends.log_start { Step::Restart { start: end } } else { Step::Truncate { end } }
    }

    fn on_error(&mut self, answer: &FetchAnswer, ends: LogEnds) -> Step {
        match answer.error {
            ErrorCode::OFFSET_OUT_OF_RANGE if answer.log_start > ends.log_end => {
                Step::Restart { start: answer.log_start }
            }
            ErrorCode::OFFSET_OUT_OF_RANGE if answer.log_end.0 < 0 => Step::AskLeadersEnd,
            ErrorCode::OFFSET_OUT_OF_RANGE if answer.log_end < ends.log_end => {
                Step::Truncate { end: answer.log_end.max(ends.log_start) }
            }
            ErrorCode::FENCED_LEADER_EPOCH
            | ErrorCode::NOT_LEADER_OR_FOLLOWER
            | ErrorCode::UNKNOWN_TOPIC_ID
            | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => Step::AwaitMetadata,
            // A leader that has not heard of its election yet (UNKNOWN_LEADER_EPOCH), a full disk, and whatever else passes.
            _ => Step::Pause,
        }
    }
}
