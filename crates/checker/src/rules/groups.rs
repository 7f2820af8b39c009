//! Groups: one owner per partition and generation, and generations that rise.

use std::collections::BTreeMap;

use super::Case;
use crate::history::Observation;
use crate::report::{Report, Rule};

/// No two members of one generation own one partition.
pub(super) fn assignments(case: &Case<'_>, report: &mut Report) {
    let mut owners = BTreeMap::new();
    for seen in &case.history.observations {
        let Observation::Assignment { group, generation, member, keys } = seen else { continue };
        for key in keys {
            let owner = *owners.entry((*group, *generation, *key)).or_insert(*member);
            if owner != *member {
                report.add(Rule::DoubleAssignment, Some(*key), &[], || {
                    format!(
                        "members {owner} and {member} of group {group} both own it in generation {generation}"
                    )
                });
            }
        }
    }
}

/// A member's generation never goes back.
pub(super) fn generations(case: &Case<'_>, report: &mut Report) {
    let mut last = BTreeMap::new();
    for seen in &case.history.observations {
        let Observation::Assignment { group, generation, member, .. } = seen else { continue };
        let before = last.insert((*group, *member), *generation);
        if let Some(before) = before.filter(|before| before > generation) {
            report.add(Rule::GenerationRegressed, None, &[], || {
                format!("member {member} of group {group} went from generation {before} to {generation}")
            });
        }
    }
}
