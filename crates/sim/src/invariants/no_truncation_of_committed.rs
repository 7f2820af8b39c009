//! NoCommittedRecordLost: no replica removes a committed record that it has.

use super::{CommittedLog, Shadow, Verdict};

pub(super) fn check(shadow: &Shadow, committed: &CommittedLog, end: i64) -> Verdict {
    let removed = shadow.batches.iter().filter(|batch| batch.last >= end);
    let mut committed_ones = removed.filter(|batch| committed.batches.get(&batch.first) == Some(batch));
    match committed_ones.next() {
        Some(batch) => Err(format!("{batch:?} is committed and removed by a truncation to {end}")),
        None => Ok(()),
    }
}
