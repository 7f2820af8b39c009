//! The partition while another broker leads it: what its fetcher asks for, and what becomes of the answers.

use std::sync::Arc;

use base::{LeaderEpoch, Offset};
use log::{Append, LogError, Origin, PartitionLog};
use records::{ValidBatch, ValidBatches};
use replica::{Effects, FetchAnswer, FetchPosition, Step};

use super::Partition;
use super::role::{History, ends};
use crate::replication::Inbox;

impl Partition {
    /// What to ask `leader` for; nothing where this node does not follow it. From now on its fetcher hears when more is durable.
    pub(crate) fn wish(&self, fetcher: &Arc<Inbox>, leader: i32) -> Option<FetchPosition> {
        self.with_log(|log| {
            let mut standing = self.standing();
            let follower = standing.replica.follower().filter(|follower| follower.leader().0 == leader)?;
            let position = follower.fetch(&History(log), ends(&log.view()));
            standing.fetcher.get_or_insert_with(|| Arc::clone(fetcher));
            Some(position)
        })
    }

    /// Takes the leader's answer to what was asked at `asked`, and says what was done with it.
    pub(crate) fn take_fetched(
        &self,
        asked: &FetchPosition,
        answer: &FetchAnswer,
        batches: Option<ValidBatches>,
        now_ms: i64,
    ) -> Result<Step, LogError> {
        let step = self.with_log(|log| {
            let step = {
                let mut standing = self.standing();
                let Some(follower) = standing.replica.follower() else { return Ok(Step::Drop) };
                follower.on_fetch_response(asked, answer, &History(log), ends(&log.view()))
            };
            self.take_step(log, step, batches, now_ms).map(|()| step)
        })?;
        if !matches!(step, Step::Append { .. }) {
            return Ok(step);
        }
        // Followers serve consumers too (KIP-392), and are cleaned.
        self.settle(self.standing(), Effects::default(), self.shared.now_ms());
        Ok(step)
    }

    fn take_step(
        &self,
        log: &mut PartitionLog,
        step: Step,
        batches: Option<ValidBatches>,
        now_ms: i64,
    ) -> Result<(), LogError> {
        match step {
            Step::Append { high_watermark, log_start } => {
                if let Some(batches) = batches {
                    copy(log, batches, now_ms)?;
                    self.sync_in_time(log);
                }
                if self.reader.advance_high_watermark(high_watermark) {
                    self.tell_readers();
                }
                let log_start = log_start.min(log.log_end());
                log.advance_log_start(log_start).map(drop)
            }
            Step::Truncate { end } => {
                tracing::info!(partition = ?self, from = log.log_end().0, to = end.0, "truncated to the leader's history");
                log.truncate_to(end, now_ms)?;
                self.soil(end);
                Ok(())
            }
            Step::Restart { start } => {
                tracing::info!(partition = ?self, start = start.0, "begins anew where the leader's log does");
                log.truncate_fully(start, now_ms)?;
                self.soil(Offset(0));
                Ok(())
            }
            Step::AskLeadersEnd | Step::Pause | Step::AwaitMetadata | Step::Drop => Ok(()),
        }
    }
}

/// Appends a leader's batches as they are.
fn copy(log: &mut PartitionLog, batches: ValidBatches, now_ms: i64) -> Result<(), LogError> {
    let how = Append { leader_epoch: LeaderEpoch(-1), origin: Origin::Replica, now_ms };
    if batches.size() as u64 <= log.config().segment_bytes {
        return log.append(batches, &how).map(drop);
    }
    // Together they are more than a segment holds.
    for batch in batches.iter().cloned() {
        log.append(ValidBatches::from(batch), &how)?;
    }
    Ok(())
}

/// The offset behind the last of some batches.
pub(crate) fn end_of(batches: &ValidBatches) -> Option<Offset> {
    batches.iter().last().map(ValidBatch::header).map(records::BatchHeader::next_offset)
}
