//! Log starts, watermarks and epochs only grow, as one client sees them.

use std::collections::BTreeMap;

use super::Case;
use crate::history::{Mark, Observation};
use crate::report::{Report, Rule};

pub(super) fn check(case: &Case<'_>, report: &mut Report) {
    let mut last = BTreeMap::new();
    for seen in &case.history.observations {
        let Observation::Mark { process, key, mark, value } = seen else { continue };
        let before = last.insert((*process, *key, rank(*mark)), *value);
        if let Some(before) = before.filter(|before| before > value) {
            report.add(Rule::MarkRegressed, Some(*key), &[], || {
                format!("process {process} saw {mark:?} {before} and then {value}")
            });
        }
    }
}

fn rank(mark: Mark) -> u8 {
    match mark {
        Mark::LogStart => 0,
        Mark::HighWatermark => 1,
        Mark::LastStableOffset => 2,
        Mark::LeaderEpoch => 3,
    }
}
