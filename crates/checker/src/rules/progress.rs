//! Work goes on: under faults that leave a majority, and soon after the last fault.

use super::Case;
use crate::history::{Call, Mop, Op};
use crate::report::{Report, Rule};

/// Whether a micro-operation is of a kind.
type Wanted = fn(&Mop) -> bool;

pub(super) fn check(case: &Case<'_>, report: &mut Report) {
    under_faults(case, report);
    after_healing(case, report);
}

fn under_faults(case: &Case<'_>, report: &mut Report) {
    if !case.settings.recoverable || case.history.faults.is_empty() {
        return;
    }
    let during =
        |op: &Op| case.history.faults.iter().any(|(begin, end)| (*begin..*end).contains(&op.completed));
    let done = case.ops().filter(|(_, op)| op.is_ok() && during(op)).count();
    if done < case.settings.progress_min {
        report.add(Rule::Stalled, None, &[], || {
            format!("only {done} operations succeeded under recoverable faults")
        });
    }
}

fn after_healing(case: &Case<'_>, report: &mut Report) {
    let Some(healed) = case.history.healed else { return };
    let end = healed.saturating_add(case.settings.recovery_max);
    let asks = |op: &Op, wanted: Wanted| op.mops().iter().any(wanted);
    let kinds: [(&str, Wanted); 2] =
        [("send", |mop| matches!(mop, Mop::Send { .. })), ("poll", |mop| matches!(mop, Mop::Poll { .. }))];
    for (name, wanted) in kinds {
        let tried = case.ops().any(|(_, op)| asks(op, wanted) && op.completed > healed && op.invoked < end);
        let done = |op: &Op| op.is_ok() && (healed..=end).contains(&op.completed);
        let fresh = |op: &Op| name == "poll" && matches!(op.call, Call::FullRead { .. });
        let went_on = case.ops().any(|(_, op)| done(op) && (asks(op, wanted) || fresh(op)));
        if tried && !went_on {
            report.add(Rule::Stalled, None, &[], || {
                format!("no {name} succeeded in time after the last fault")
            });
        }
    }
}
