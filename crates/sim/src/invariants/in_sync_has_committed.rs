//! ReplicationQuorumSuperset: whoever may be elected, by the ISR or as eligible, has durably everything that is committed.

use super::Verdict;

pub(super) fn check(members: &[(usize, i64)], committed_end: i64) -> Verdict {
    match members.iter().find(|(_, durable_end)| *durable_end < committed_end) {
        Some((node, end)) => {
            Err(format!("{committed_end} is committed, and node {node}, which may lead, has {end}"))
        }
        None => Ok(()),
    }
}
