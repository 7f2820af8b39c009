//! ReplicationQuorumSuperset: whoever may be elected, by the ISR or as eligible, has durably everything that is committed, as it was
//! committed.

use super::{CommittedLog, Shadow, Verdict};

/// A replica that was never opened has nothing.
pub(super) fn check(node: usize, shadow: Option<&mut Shadow>, committed: &CommittedLog) -> Verdict {
    let (end, has) = (committed.end, shadow.map_or(0, |shadow| shadow.holds_durably(committed)));
    match has < end {
        true => Err(format!("{end} is committed, and node {node}, which may lead, has it up to {has}")),
        false => Ok(()),
    }
}
