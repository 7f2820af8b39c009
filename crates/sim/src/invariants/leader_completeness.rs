//! LeaderCompleteness: a new leader has everything that was committed in earlier epochs, as it was committed.
//!
//! Of later epochs it need know nothing: a broker that reads the metadata late begins to lead when another does already. It reaches
//! no follower then, and commits nothing.

use super::{CommittedLog, Shadow, Verdict};

pub(super) fn check(shadow: &Shadow, committed: &mut CommittedLog, epoch: i32) -> Verdict {
    let mut held = shadow.batches.iter();
    for (first, batch) in &committed.batches {
        if committed.committed_in.get(first).is_some_and(|committed_in| *committed_in >= epoch) {
            break;
        }
        match held.next() {
            Some(own) if own == batch => {}
            other => return Err(format!("leads without {batch:?}, has {other:?}")),
        }
    }
    Ok(())
}
