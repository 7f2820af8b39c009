//! ValidControllerIsrAndElr, MonotonicEpoch: a partition's state in the metadata makes sense, and its epochs only rise.

use metadata::image::Partition;

use super::Verdict;

pub(super) fn check(before: Option<&Partition>, now: &Partition, min_isr: usize) -> Verdict {
    if let Some(before) = before
        && (now.leader_epoch < before.leader_epoch || now.partition_epoch <= before.partition_epoch)
    {
        return Err(format!("epochs went back: {before:?} {now:?}"));
    }
    let is_replica = |id: &i32| now.replicas.contains(id);
    if !now.isr.iter().all(is_replica) || !now.elr.iter().all(is_replica) {
        return Err(format!("in sync or eligible, and no replica: {now:?}"));
    }
    if now.leader >= 0 && !now.isr.contains(&now.leader) {
        return Err(format!("the leader is not in sync: {now:?}"));
    }
    if now.elr.iter().any(|id| now.isr.contains(id)) {
        return Err(format!("in sync and eligible: {now:?}"));
    }
    if now.isr.len() >= min_isr.min(now.replicas.len()) && !now.elr.is_empty() {
        return Err(format!("enough in sync, and others eligible: {now:?}"));
    }
    Ok(())
}
