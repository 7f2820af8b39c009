//! Sends keep their order: within an operation, and from one operation of a process to its next.

use std::collections::BTreeMap;

use super::Case;
use crate::history::{Key, Outcome, Process};
use crate::report::{Report, Rule};

/// Within one operation.
pub(super) fn within(case: &Case<'_>, report: &mut Report) {
    for (place, op) in case.ops() {
        let mut last: BTreeMap<Key, usize> = BTreeMap::new();
        for (key, value, _) in op.sends() {
            let Some(id) = case.index.id(key, value) else { continue };
            let Some(before) = last.insert(key, id) else { continue };
            let rule = match case.versions.delta(before, id) {
                ..1 => Rule::IntNonmonotonicSend,
                1 => continue,
                _ => Rule::IntSendSkip,
            };
            report.add(rule, Some(key), &[place], || {
                format!("one operation sent {} and then value {value}", case.name(before))
            });
        }
    }
}

/// Between operations of one process.
pub(super) fn between(case: &Case<'_>, report: &mut Report) {
    let mut last: BTreeMap<(Process, Key), (usize, usize)> = BTreeMap::new();
    for (place, op) in case.ops().filter(|(_, op)| op.outcome != Outcome::Fail) {
        let mut ends: BTreeMap<Key, usize> = BTreeMap::new();
        for (key, value, _) in op.sends() {
            let Some(id) = case.index.id(key, value) else { continue };
            let is_first = ends.insert(key, id).is_none();
            let before = last.get(&(op.process, key)).copied().filter(|_| is_first);
            let Some((before, earlier)) = before.filter(|(before, _)| case.versions.delta(*before, id) < 1)
            else {
                continue;
            };
            report.add(Rule::NonmonotonicSend, Some(key), &[earlier, place], || {
                format!("a process sent {} and then value {value}, which stands before it", case.name(before))
            });
        }
        last.extend(ends.into_iter().map(|(key, id)| ((op.process, key), (id, place))));
    }
}
