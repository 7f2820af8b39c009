//! One offset holds one value, one value lies at one offset, and that is the one that was acknowledged.

use super::Case;
use crate::report::{Report, Rule};

/// Some offset holds two values.
pub(super) fn inconsistent(case: &Case<'_>, report: &mut Report) {
    for (key, log) in &case.versions.logs {
        for place in (0..log.len()).filter(|place| log.at(*place).len() > 1) {
            let names =
                || log.at(place).iter().map(|id| case.index.value(*id as usize).1).collect::<Vec<_>>();
            report.add(Rule::InconsistentOffsets, Some(*key), &[], || {
                format!("offset {} holds {:?}", log.offsets[place], names())
            });
        }
    }
}

/// Some value lies at two offsets.
pub(super) fn duplicate(case: &Case<'_>, report: &mut Report) {
    for id in (0..case.index.len()).filter(|id| case.versions.places[*id] > 1) {
        let (key, value) = case.index.value(id);
        let log = &case.versions.logs[&key];
        let offsets = || {
            let holds = |place: &usize| log.at(*place).contains(&(id as u32));
            (0..log.len()).filter(holds).map(|place| log.offsets[place]).collect::<Vec<_>>()
        };
        let ops: Vec<usize> = case.writer(id).map(|(place, _)| place).into_iter().collect();
        report.add(Rule::Duplicate, Some(key), &ops, || {
            format!("value {value} lies at offsets {:?}", offsets())
        });
    }
}

/// A value was acknowledged at one offset and read at another; or an acknowledgement names an offset before the log's first.
pub(super) fn acknowledged(case: &Case<'_>, report: &mut Report) {
    let mut told = vec![None; case.index.len()];
    for (_, op) in case.ops().filter(|(_, op)| op.is_ok()) {
        for (key, value, offset) in op.sends() {
            if let (Some(id), Some(offset)) = (case.index.id(key, value), offset) {
                told[id] = Some(offset);
            }
        }
    }
    for (place, op) in case.ops() {
        for (key, offset, value) in op.reads() {
            let Some(id) = case.index.id(key, value) else { continue };
            if let Some(told) = told[id].filter(|told| *told != offset) {
                let writer = case.index.writer[id] as usize;
                report.add(Rule::AckOffset, Some(key), &[writer, place], || {
                    format!("value {value} was acknowledged at {told} and read at {offset}")
                });
            }
        }
    }
}
