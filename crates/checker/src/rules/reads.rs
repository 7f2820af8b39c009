//! What may be read: what somebody wrote, did not fail to write, and not what the reader itself is writing.

use super::Case;
use crate::history::Outcome;
use crate::index::NONE;
use crate::report::{Report, Rule};

/// A value was read that nobody sent.
pub(super) fn phantom(case: &Case<'_>, report: &mut Report) {
    for (place, op) in case.ops() {
        for (key, offset, value) in op.reads() {
            if case.index.id(key, value).is_some_and(|id| case.index.writer[id] == NONE) {
                report.add(Rule::PhantomRead, Some(key), &[place], || {
                    format!("value {value} was read at {offset}; nobody wrote it")
                });
            }
        }
    }
}

/// An ok operation read a value whose write certainly failed.
pub(super) fn aborted(case: &Case<'_>, report: &mut Report) {
    for (place, op) in case.ops().filter(|(_, op)| op.is_ok()) {
        for (key, offset, value) in op.reads() {
            let Some(id) = case.index.id(key, value) else { continue };
            if case.index.written[id] == Some(Outcome::Fail) {
                let writer = case.index.writer[id] as usize;
                report.add(Rule::AbortedRead, Some(key), &[writer, place], || {
                    format!("value {value}, whose write failed, was read at {offset}")
                });
            }
        }
    }
}

/// A value whose write certainly failed was shown to anyone, whatever became of that read.
pub(super) fn failed_write_visible(case: &Case<'_>, report: &mut Report) {
    for id in 0..case.index.len() {
        if case.index.read_any[id] && case.index.written[id] == Some(Outcome::Fail) {
            let (key, value) = case.index.value(id);
            let writer = case.index.writer[id] as usize;
            report.add(Rule::FailedWriteVisible, Some(key), &[writer], || {
                format!("the write of value {value} failed, and yet it is there")
            });
        }
    }
}

/// A transaction read what it sent itself.
pub(super) fn precommitted(case: &Case<'_>, report: &mut Report) {
    if !case.settings.atomic {
        return;
    }
    for (place, op) in case.ops().filter(|(_, op)| op.outcome != Outcome::Fail) {
        for (key, offset, value) in op.polled() {
            if op.sends().any(|(sent_key, sent, _)| (sent_key, sent) == (key, value)) {
                report.add(Rule::PrecommittedRead, Some(key), &[place], || {
                    format!("an operation read value {value}, its own, at {offset}")
                });
            }
        }
    }
}

/// Two transactions read what the other wrote.
pub(super) fn early(case: &Case<'_>, report: &mut Report) {
    if !case.settings.atomic {
        return;
    }
    let mut pairs = Vec::new();
    for (place, op) in case.ops().filter(|(place, _)| case.index.committed[*place]) {
        let written_by = op.polled().filter_map(|(key, _, value)| case.writer(case.index.id(key, value)?));
        pairs.extend(written_by.map(|(writer, _)| (writer, place)).filter(|(writer, _)| *writer != place));
    }
    pairs.sort_unstable();
    pairs.dedup();
    for (writer, reader) in pairs.iter().filter(|(writer, reader)| writer < reader) {
        if pairs.binary_search(&(*reader, *writer)).is_ok() {
            report.add(Rule::EarlyRead, None, &[*writer, *reader], || {
                "two transactions read each other".into()
            });
        }
    }
}
