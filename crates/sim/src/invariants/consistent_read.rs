//! ConsistentRead: a client is given committed records, as they were committed.

use super::{BatchId, CommittedLog, Verdict};

pub(super) fn check(committed: &CommittedLog, given: &[BatchId]) -> Verdict {
    for batch in given {
        if committed.batches.get(&batch.first) != Some(batch) {
            return Err(format!("a client is given {batch:?}, committed up to {}", committed.end));
        }
    }
    Ok(())
}
