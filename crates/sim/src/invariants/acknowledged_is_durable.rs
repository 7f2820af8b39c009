//! AcknowledgedIsDurable (promise P1): an acknowledged record is durable on as many disks as `min.insync.replicas` asks.

use super::Verdict;

pub(super) fn check(durable_ends: &[i64], committed_end: i64, end: i64, min_isr: usize) -> Verdict {
    let disks = durable_ends.iter().filter(|durable| **durable >= end).count();
    if disks < min_isr {
        return Err(format!("acknowledged up to {end}, durable on {disks} disks"));
    }
    if committed_end < end {
        return Err(format!("acknowledged up to {end}, committed up to {committed_end}"));
    }
    Ok(())
}
