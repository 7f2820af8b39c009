//! SingleLeader: in one epoch one node leads.

use super::{CommittedLog, Verdict};

pub(super) fn check(partition: &mut CommittedLog, epoch: i32, node: usize) -> Verdict {
    match partition.leaders.insert(epoch, node) {
        Some(other) if other != node => Err(format!("nodes {other} and {node} both lead in epoch {epoch}")),
        _ => Ok(()),
    }
}
