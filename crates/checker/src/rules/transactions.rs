//! Transactions: all or nothing, and decided once.

use std::collections::BTreeMap;

use super::Case;
use crate::history::{Call, Key, Observation, Op};
use crate::report::{Report, Rule};

/// The last full read of each key: when it began, where the log began, and the ids of what was there.
struct Finals(BTreeMap<Key, (usize, u64, i64, Vec<usize>)>);

impl Finals {
    fn new(case: &Case<'_>) -> Self {
        let mut finals = BTreeMap::new();
        for (place, op) in case.ops().filter(|(_, op)| op.is_ok()) {
            if let Call::FullRead { key, log_start, records } = &op.call {
                let mut ids: Vec<usize> =
                    records.iter().filter_map(|(_, value)| case.index.id(*key, *value)).collect();
                ids.sort_unstable();
                finals.insert(*key, (place, op.invoked, *log_start, ids));
            }
        }
        Self(finals)
    }

    /// The full read that should have this value and lacks it.
    fn lacks(&self, key: Key, id: usize, offset: Option<i64>) -> Option<(usize, u64)> {
        let (place, invoked, log_start, there) = self.0.get(&key)?;
        let is_removed = offset.map_or(*log_start > 0, |offset| offset < *log_start);
        (!is_removed && there.binary_search(&id).is_err()).then_some((*place, *invoked))
    }
}

/// A transaction is committed, as one of its values shows, and another one is not there.
pub(super) fn torn(case: &Case<'_>, report: &mut Report) {
    if !case.settings.atomic {
        return;
    }
    let finals = Finals::new(case);
    let mut shown = vec![u64::MAX; case.index.len()];
    for (_, op) in case.ops().filter(|(_, op)| op.is_ok()) {
        for (key, _, value) in op.reads() {
            if let Some(id) = case.index.id(key, value) {
                shown[id] = shown[id].min(op.completed);
            }
        }
    }
    for (place, op) in case.ops() {
        let ids = || op.sends().filter_map(|(key, value, _)| case.index.id(key, value));
        let Some(proof) = ids().map(|id| shown[id]).min().filter(|proof| *proof != u64::MAX) else {
            continue;
        };
        for (key, value, offset) in op.sends() {
            let Some(id) = case.index.id(key, value) else { continue };
            let lacking = finals.lacks(key, id, offset).filter(|(_, invoked)| proof < *invoked);
            if let Some((read, _)) = lacking {
                report.add(Rule::TornTransaction, Some(key), &[place, read], || {
                    format!("of one transaction some is visible, and value {value} is not")
                });
            }
        }
    }
}

/// What a coordinator said of a transaction agrees with itself and with what is visible.
pub(super) fn decided(case: &Case<'_>, report: &mut Report) {
    let mut verdicts: BTreeMap<usize, bool> = BTreeMap::new();
    for seen in &case.history.observations {
        let Observation::Decided { key, value, committed } = seen else { continue };
        let writer = case.index.id(*key, *value).and_then(|id| case.writer(id));
        let Some((place, _)) = writer else { continue };
        if *verdicts.entry(place).or_insert(*committed) != *committed {
            report.add(Rule::DecidedThenFlipped, Some(*key), &[place], || {
                "a transaction was said to be committed and to be aborted".into()
            });
        }
    }
    let finals = Finals::new(case);
    for (place, committed) in verdicts {
        let op = &case.history.ops[place];
        if let Some((key, value)) = contradiction(case, &finals, op, committed) {
            report.add(Rule::DecidedThenFlipped, Some(key), &[place], || {
                let verdict = if committed { "committed, and lacks" } else { "aborted, and shows" };
                format!("a transaction was {verdict} value {value}")
            });
        }
    }
}

fn contradiction(case: &Case<'_>, finals: &Finals, op: &Op, committed: bool) -> Option<(Key, u64)> {
    op.sends().find_map(|(key, value, offset)| {
        let id = case.index.id(key, value)?;
        let contradicts =
            if committed { finals.lacks(key, id, offset).is_some() } else { case.index.read_ok[id] };
        contradicts.then_some((key, value))
    })
}
