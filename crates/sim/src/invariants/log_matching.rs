//! LogMatching: a batch at one offset in one epoch is the same on every replica.

use super::{BatchId, CommittedLog, Verdict};

pub(super) fn check(partition: &mut CommittedLog, new: &[BatchId]) -> Verdict {
    for batch in new {
        let known = partition.known.entry((batch.first, batch.epoch)).or_insert(*batch);
        if known != batch {
            return Err(format!("{batch:?} and {known:?}"));
        }
    }
    Ok(())
}
