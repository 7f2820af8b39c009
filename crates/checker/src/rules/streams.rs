//! Consume, transform, produce: each source record once and in order; and money neither made nor lost.

use std::collections::BTreeMap;

use super::Case;
use crate::history::{Key, Observation};
use crate::index::NONE;
use crate::report::{Report, Rule};

/// The source's offset, the result's place in its log, and its id.
type Made = (i64, u32, usize);

/// Each source record has one visible result, and results stand in the order of their sources.
pub(super) fn transformed(case: &Case<'_>, report: &mut Report) {
    let mut results: BTreeMap<(Key, Key), Vec<Made>> = BTreeMap::new();
    for seen in &case.history.observations {
        let Observation::Transformed { source, sink } = seen else { continue };
        let Some(id) = case.index.id(sink.0, sink.1).filter(|id| case.index.read_ok[*id]) else { continue };
        let place = case.versions.first[id];
        if place != NONE {
            results.entry((source.0, sink.0)).or_default().push((source.1, place, id));
        }
    }
    for ((source, sink), mut of_source) in results {
        of_source.sort_unstable();
        of_source.dedup();
        for pair in of_source.windows(2) {
            let [(one, place, _), (other, later, id)] = pair else { continue };
            if one == other || place >= later {
                report.add(Rule::TransformedTwice, Some(sink), &[], || {
                    format!(
                        "offsets {one} and {other} of key {source} became one another's successor: {}",
                        case.name(*id)
                    )
                });
            }
        }
    }
}

/// The sum of all accounts is what it should be.
pub(super) fn bank(case: &Case<'_>, report: &mut Report) {
    for seen in &case.history.observations {
        if let Observation::BankTotal { total, expected } = seen
            && total != expected
        {
            report.add(Rule::BankTotal, None, &[], || format!("all accounts hold {total}, not {expected}"));
        }
    }
}
