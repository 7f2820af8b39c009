//! DiskKeepsDurable: what was durable is there when the log is opened again, unchanged.

use super::{BatchId, Shadow, Verdict};

pub(super) fn check(before: &Shadow, found: &[BatchId]) -> Verdict {
    let durable = before.batches.iter().filter(|batch| batch.last < before.durable_end);
    let mut found = found.iter();
    for batch in durable {
        match found.next() {
            Some(own) if own == batch => {}
            other => return Err(format!("{batch:?} was durable, and now there is {other:?}")),
        }
    }
    Ok(())
}
