//! Committed offsets, topics and configs: what was set stays set until something else is.

use std::collections::BTreeMap;

use super::Case;
use crate::history::{Call, Outcome};
use crate::register::{self, Access};
use crate::report::{Report, Rule};

/// What a register holds that nobody set: "no offset", "no such topic", the default.
const INITIAL: i64 = -1;

pub(super) fn check(case: &Case<'_>, report: &mut Report) {
    let mut registers: BTreeMap<u64, (Vec<Access>, Vec<Access>)> = BTreeMap::new();
    for (place, op) in case.ops() {
        let completed = if op.is_ok() { op.completed } else { u64::MAX };
        let access = |value| Access { op: place, invoked: op.invoked, completed, value };
        match &op.call {
            Call::Set { register, value } if op.outcome != Outcome::Fail => {
                registers.entry(*register).or_default().0.push(access(*value));
            }
            Call::Get { register, value } if op.is_ok() => {
                registers.entry(*register).or_default().1.push(access(*value));
            }
            _ => {}
        }
    }
    for (register, (sets, gets)) in registers {
        for (get, wronged) in register::check(&sets, &gets, INITIAL) {
            let ops: Vec<usize> = wronged.map(|set| set.op).into_iter().chain([get.op]).collect();
            report.add(Rule::RegisterRegressed, None, &ops, || {
                format!("register {register} held {}, which nothing explains", get.value)
            });
        }
    }
}
