//! Polls go through a log in order, leaving nothing out.

use std::collections::BTreeMap;

use super::Case;
use crate::history::{Call, Key, Mop, Op, Outcome, Process};
use crate::report::{Report, Rule};

/// Within one operation.
pub(super) fn within(case: &Case<'_>, report: &mut Report) {
    for (place, op) in case.ops() {
        let mut last: BTreeMap<Key, usize> = BTreeMap::new();
        for (key, offset, value) in op.reads().filter(|(key, ..)| !op.rebalanced.contains(key)) {
            let Some(id) = case.index.id(key, value) else { continue };
            let Some(before) = last.insert(key, id) else { continue };
            let rule = match case.versions.delta(before, id) {
                ..1 => Rule::IntNonmonotonicPoll,
                1 => continue,
                _ => Rule::IntPollSkip,
            };
            report.add(rule, Some(key), &[place], || {
                format!("after {} came value {value} at offset {offset}", case.name(before))
            });
        }
    }
}

/// Between a process's operations; a consumer that shares partitions may start over after a rebalance.
pub(super) fn between(case: &Case<'_>, report: &mut Report) {
    if case.settings.subscribes {
        return;
    }
    let mut last: BTreeMap<Process, BTreeMap<Key, (usize, usize)>> = BTreeMap::new();
    for (place, op) in case.ops() {
        let last = last.entry(op.process).or_default();
        match &op.call {
            Call::Assign(keys) | Call::Subscribe(keys) if op.outcome != Outcome::Fail => {
                last.retain(|key, _| keys.contains(key));
            }
            Call::Records(_) => poll_after(case, report, place, op, last),
            _ => {}
        }
    }
}

fn poll_after(
    case: &Case<'_>,
    report: &mut Report,
    place: usize,
    op: &Op,
    last: &mut BTreeMap<Key, (usize, usize)>,
) {
    let mut ends: BTreeMap<Key, (usize, usize)> = BTreeMap::new();
    for (key, _, value) in op.polled() {
        let Some(id) = case.index.id(key, value) else { continue };
        let is_first = ends.insert(key, (id, place)).is_none();
        let Some((before, earlier)) = last.get(&key).copied().filter(|_| is_first) else { continue };
        let rule = match case.versions.delta(before, id) {
            ..1 => Rule::NonmonotonicPoll,
            1 => continue,
            _ => Rule::PollSkip,
        };
        report.add(rule, Some(key), &[earlier, place], || {
            format!("after {} the next poll began with value {value}", case.name(before))
        });
    }
    if op.is_ok() {
        last.append(&mut ends);
    }
}

/// After an aborted poll the next one begins at the same place.
pub(super) fn rewind(case: &Case<'_>, report: &mut Report) {
    if !case.settings.rewinds {
        return;
    }
    let mut due: BTreeMap<(Process, Key), (usize, usize)> = BTreeMap::new();
    for (place, op) in case.ops() {
        if matches!(op.call, Call::Assign(_) | Call::Subscribe(_) | Call::Crash) {
            due.retain(|(process, _), _| *process != op.process);
        }
        for (key, id) in firsts(case, op) {
            if let Some((began, aborted)) = due.remove(&(op.process, key))
                && case.versions.last[began] != case.versions.last[id]
            {
                report.add(Rule::AbortRewind, Some(key), &[aborted, place], || {
                    format!(
                        "an aborted poll began with {}, the next with {}",
                        case.name(began),
                        case.name(id)
                    )
                });
            }
            if op.outcome == Outcome::Fail {
                due.insert((op.process, key), (id, place));
            }
        }
    }
}

fn firsts(case: &Case<'_>, op: &Op) -> BTreeMap<Key, usize> {
    let mut firsts = BTreeMap::new();
    for (key, _, value) in op.polled() {
        if let Some(id) = case.index.id(key, value) {
            firsts.entry(key).or_insert(id);
        }
    }
    firsts
}

/// A group's committed offset ran ahead of the poll that was still being worked on.
pub(super) fn committed_too_far(case: &Case<'_>, report: &mut Report) {
    for (place, op) in case.ops() {
        for mop in op.mops() {
            let Mop::SeenCommitted { key, offset } = mop else { continue };
            let first = op.polled().find(|(polled, ..)| polled == key);
            if let Some((_, first, _)) = first.filter(|(_, first, _)| offset - 1 > *first) {
                report.add(Rule::CommittedTooFar, Some(*key), &[place], || {
                    format!("{offset} was committed while the poll from {first} was in progress")
                });
            }
        }
    }
}

/// Not rules: how stale reads were, and how often records came again.
pub(super) fn metrics(case: &Case<'_>, report: &mut Report) {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, op) in case.ops().filter(|(_, op)| op.is_ok()) {
        let mut ends: BTreeMap<Key, usize> = BTreeMap::new();
        for (key, _, value) in op.polled() {
            let Some(id) = case.index.id(key, value) else { continue };
            *counts.entry(id).or_default() += 1;
            ends.insert(key, id);
        }
        for (key, id) in ends {
            let (log, place) = (&case.versions.logs[&key], case.versions.last[id] as usize);
            if place + 1 >= log.len() {
                continue;
            }
            for next in log.at(place + 1) {
                let sent = case.writer(*next as usize).filter(|(_, sent)| sent.is_ok());
                let lag = sent.map_or(0, |(_, sent)| op.invoked.saturating_sub(sent.completed));
                report.realtime_lag_max = report.realtime_lag_max.max(lag);
            }
        }
    }
    report.polled_again = counts.values().filter(|count| **count > 1).count();
}
