//! AcknowledgedIsDurable (promise P1): an acknowledged record is durable, as it was committed, on as many disks as
//! `min.insync.replicas` asks.

use super::{CommittedLog, Shadow, Verdict};

pub(super) fn check<'a>(
    disks: impl Iterator<Item = &'a mut Shadow>,
    committed: &CommittedLog,
    end: i64,
    min_isr: usize,
) -> Verdict {
    if committed.end < end {
        return Err(format!("acknowledged up to {end}, committed up to {}", committed.end));
    }
    let disks = disks.filter_map(|shadow| (shadow.holds_durably(committed) >= end).then_some(())).count();
    if disks < min_isr {
        return Err(format!("acknowledged up to {end}, durable on {disks} disks"));
    }
    Ok(())
}
