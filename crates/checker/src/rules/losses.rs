//! What was acknowledged is there, and seen.

use super::Case;
use crate::history::{Call, Outcome};
use crate::index::NONE;
use crate::report::{Report, Rule};

/// A value stands among those that were read, and was not read itself.
///
/// A reader that has read up to some place must have read what lies below. A value that stands at several offsets counts at its last.
pub(super) fn lost_write(case: &Case<'_>, report: &mut Report) {
    for (key, ids) in case.index.keys().filter(|(key, _)| !case.is_compacted(*key)) {
        let first = |id: usize| case.versions.first[id];
        let read = ids.clone().filter(|id| case.index.read_ok[*id] && first(*id) != NONE);
        let Some(bound) = read.map(first).max() else { continue };
        for id in ids.filter(|id| case.versions.last[*id] <= bound && !case.index.read_ok[*id]) {
            let Some((place, _)) = case.writer(id).filter(|(place, _)| case.index.committed[*place]) else {
                continue;
            };
            report.add(Rule::LostWrite, Some(key), &[place], || {
                format!("{} lies below what was read, and was not read", case.name(id))
            });
        }
    }
}

/// A value was acknowledged, and no ok read ever brought it.
pub(super) fn unseen(case: &Case<'_>, report: &mut Report) {
    if !case.settings.final_reads {
        return;
    }
    for (key, ids) in case.index.keys().filter(|(key, _)| !case.is_compacted(*key)) {
        for id in ids.filter(|id| case.index.written[*id] == Some(Outcome::Ok) && !case.index.read_ok[*id]) {
            let writer = case.index.writer[id] as usize;
            report.add(Rule::Unseen, Some(key), &[writer], || {
                format!("{} was acknowledged and never read", case.name(id))
            });
        }
    }
}

/// A full read by a fresh consumer lacks a value that was acknowledged long before, all faults being healed for as long.
pub(super) fn stale(case: &Case<'_>, report: &mut Report) {
    let recency = case.settings.recency_max;
    let healed = match (case.history.healed, case.history.faults.is_empty()) {
        (Some(healed), _) => healed,
        (None, true) => 0,
        (None, false) => return,
    };
    let of_keys: std::collections::BTreeMap<_, _> = case.index.keys().collect();
    for (place, op) in case.ops().filter(|(_, op)| op.is_ok()) {
        let Call::FullRead { key, log_start, records } = &op.call else { continue };
        if op.invoked < healed.saturating_add(recency) || case.is_compacted(*key) {
            continue;
        }
        let mut there: Vec<usize> =
            records.iter().filter_map(|(_, value)| case.index.id(*key, *value)).collect();
        there.sort_unstable();
        for id in of_keys.get(key).cloned().unwrap_or(0..0) {
            let Some((writer, sent)) = case.writer(id) else { continue };
            if !sent.is_ok() || sent.completed.saturating_add(recency) >= op.invoked {
                continue;
            }
            let value = case.index.value(id);
            let is_removed = sent.sends().any(|(key, sent, offset)| {
                (key, sent) == value && offset.is_some_and(|offset| offset < *log_start)
            });
            if !is_removed && there.binary_search(&id).is_err() {
                report.add(Rule::StaleRead, Some(*key), &[writer, place], || {
                    format!("{} was acknowledged long before a full read that lacks it", case.name(id))
                });
            }
        }
    }
}
