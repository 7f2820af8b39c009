//! LeaderCompleteness: a new leader has everything that was ever committed, as it was committed.

use super::{CommittedLog, Shadow, Verdict};

pub(super) fn check(shadow: &Shadow, committed: &mut CommittedLog) -> Verdict {
    let mut held = shadow.batches.iter();
    for batch in committed.batches.values() {
        match held.next() {
            Some(own) if own == batch => {}
            other => return Err(format!("leads without {batch:?}, has {other:?}")),
        }
    }
    Ok(())
}
