//! A failing plan made smaller: faults and clients are taken away as long as it still fails.

use base::planted::Planted;

use crate::plan::Plan;
use crate::world::run;

/// The smallest plan found that still fails, trying at most so many runs.
#[must_use]
pub fn shrink(plan: &Plan, planted: Planted, tries_max: usize) -> Plan {
    let mut smallest = plan.clone();
    let mut tries = 0;
    let mut fails = |candidate: &Plan| {
        tries += 1;
        tries <= tries_max && !run(candidate, planted).violations.is_empty()
    };
    let mut place = 0;
    while place < smallest.faults.len() {
        let mut candidate = smallest.clone();
        candidate.faults.remove(place);
        if fails(&candidate) {
            smallest = candidate;
        } else {
            place += 1;
        }
    }
    let mut candidate = smallest.clone();
    candidate.loss = 0;
    if fails(&candidate) {
        smallest = candidate;
    }
    while smallest.clients.len() > 1 {
        let mut candidate = smallest.clone();
        candidate.clients.pop();
        if !fails(&candidate) {
            break;
        }
        smallest = candidate;
    }
    smallest
}
