//! What the checker says of a run, written beside its history.

use std::fs;
use std::path::Path;

use checker::{Call, History, Observation, Op, Settings, check, to_edn};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::plan::{Fault, Plan, Workload};
use crate::{Options, Outcome};

const SECOND: u64 = 1_000_000_000;
/// A run in which fewer sends were acknowledged, or fewer after the faults, proves nothing.
const ACKNOWLEDGED_MIN: usize = 100;
const ACKNOWLEDGED_AFTER_MIN: usize = 10;
/// How long after a fault a broker that was cut off may still not know what the others decided.
const STALE: u64 = 3 * SECOND;

/// What came of a run.
pub struct Verdict {
    /// No promise was broken.
    pub is_clean: bool,
    /// For the reader.
    pub line: String,
}

impl Verdict {
    /// A run that came to no end.
    pub fn broken(why: String) -> Self {
        Self { is_clean: false, line: why }
    }
}

/// The verdict of an earlier run of this seed.
pub fn earlier(out: &Path, seed: u64) -> Option<Verdict> {
    let text = fs::read_to_string(out.join(format!("run-{seed}.json"))).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
    let is_clean = value.get("clean")?.as_bool()?;
    Some(Verdict { is_clean, line: format!("{} (earlier)", value.get("line")?.as_str()?) })
}

/// Checks a history.
pub fn judge(
    plan: &Plan,
    (mut history, idle): (History, Vec<String>),
    cluster: &Cluster,
    options: &Options,
) -> Outcome<Verdict> {
    let lines = cluster.log_lines();
    let is_said = |words: &&str| lines.iter().any(|(_, line)| line.contains(*words));
    let is_felt = traces(plan.fault).is_none_or(|traces| traces.iter().any(is_said));
    forget_stale_looks(plan.fault, &mut history);
    let panics = lines.into_iter().filter(|(_, line)| line.contains("panicked at"));
    history
        .observations
        .extend(panics.map(|(broker, line)| Observation::LogLine { broker, line: format!("ERROR {line}") }));
    let report = check(&history, &settings(plan));
    let mut broken: Vec<String> = report.illegal().map(ToString::to_string).collect();
    broken.extend(empty(plan.fault, &history, is_felt));
    broken.extend(idle);
    // A full disk ends a broker whose metadata it holds, with a message.
    if plan.fault != Fault::FullDisk {
        broken.extend(cluster.ended().iter().cloned());
    }
    let sent = history.ops.iter().filter(|op| op.is_ok() && op.sends().next().is_some()).count();
    let gap = longest_gap(&history);
    let what = if broken.is_empty() { "clean".to_owned() } else { format!("{} BROKEN", broken.len()) };
    let line = format!(
        "{what}; {} operations, {sent} acknowledged, {} faults, longest gap {:.1} s",
        history.ops.len(),
        history.faults.len(),
        gap as f64 / SECOND as f64
    );
    let path = options.out.join(format!("run-{}", plan.seed));
    let write = |extension: &str, text: String| {
        let path = path.with_extension(extension);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    write("edn", to_edn(&history))?;
    let verdict = json!({
        "seed": plan.seed, "fault": format!("{:?}", plan.fault), "workload": format!("{:?}", plan.workload),
        "library": format!("{:?}", plan.library), "clean": broken.is_empty(), "line": line,
        "broken": broken.iter().take(50).collect::<Vec<_>>(),
    });
    write("json", format!("{verdict:#}"))?;
    broken.iter().take(5).for_each(|text| println!("    {text}"));
    Ok(Verdict { is_clean: broken.is_empty(), line })
}

/// What brokers say of a fault that they felt; nothing where it cannot fail to be felt, or need not be said.
fn traces(fault: Fault) -> Option<&'static [&'static str]> {
    match fault {
        Fault::PauseLeader | Fault::Isolate | Fault::OneWay => Some(&["fenced a broker"]),
        Fault::FullDisk => Some(&["the disk is full", "the disk is nearly full"]),
        _ => None,
    }
}

/// Why a run proves nothing: no fault struck, or was felt, or hardly anything was done.
fn empty(fault: Fault, history: &History, is_felt: bool) -> Vec<String> {
    let healed = history.healed.unwrap_or_default();
    let acknowledged = |from: u64| {
        let sends = history.ops.iter().filter(|op| op.is_ok() && op.sends().next().is_some());
        sends.filter(|op| op.completed >= from).count()
    };
    let (all, after) = (acknowledged(0), acknowledged(healed));
    let reasons = [
        (fault != Fault::None && history.faults.is_empty(), "no fault struck".to_owned()),
        (!is_felt, "no broker felt the faults".to_owned()),
        (all < ACKNOWLEDGED_MIN, format!("only {all} sends were acknowledged")),
        (after < ACKNOWLEDGED_AFTER_MIN, format!("only {after} sends were acknowledged after the faults")),
    ];
    reasons.into_iter().filter_map(|(is_so, reason)| is_so.then_some(reason)).collect()
}

/// A client may ask a broker that is cut off, which cannot know what the others decided meanwhile: what is seen of topics then counts for
/// nothing. Afterwards it does.
fn forget_stale_looks(fault: Fault, history: &mut History) {
    // One whose metadata can no longer be written follows nobody for the moment that it takes to end.
    let cuts_off = matches!(
        fault,
        Fault::PauseLeader | Fault::Isolate | Fault::OneWay | Fault::Ring | Fault::Bridge | Fault::FullDisk
    );
    if !cuts_off {
        return;
    }
    let faults = history.faults.clone();
    let during = |op: &Op| {
        let overlaps = |(began, ended): &(u64, u64)| op.completed >= *began && op.invoked <= ended + STALE;
        faults.iter().any(overlaps)
    };
    history.ops.retain(|op| !matches!(op.call, Call::Get { .. }) || !during(op));
}

fn settings(plan: &Plan) -> Settings {
    Settings {
        atomic: false,
        final_reads: true,
        subscribes: matches!(plan.workload, Workload::Subscribe | Workload::Churn),
        rewinds: false,
        // Whether work goes on under faults is measured; that it goes on after them is demanded.
        recoverable: false,
        recency_max: 5 * SECOND,
        recovery_max: 30 * SECOND,
        progress_min: if plan.fault == Fault::None { 100 } else { 0 },
    }
}

/// The longest time in which no send was acknowledged.
fn longest_gap(history: &History) -> u64 {
    let acknowledged = history.ops.iter().filter(|op| op.is_ok() && matches!(op.call, Call::Records(_)));
    let mut times: Vec<u64> =
        acknowledged.filter(|op| op.sends().next().is_some()).map(|op| op.completed).collect();
    times.sort_unstable();
    times.windows(2).map(|pair| pair.last().unwrap_or(&0) - pair.first().unwrap_or(&0)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use checker::{Mop, Outcome as Ended};

    use super::*;

    fn send(at: u64) -> Op {
        let sends = vec![Mop::Send { key: 0, value: at, offset: Some(0) }];
        Op::new(1, at, at, Ended::Ok, Call::Records(sends))
    }

    #[test]
    fn a_run_that_proves_nothing_is_not_clean() {
        let mut history = History { healed: Some(1000), ..History::default() };
        assert_eq!(empty(Fault::None, &history, true).len(), 2);
        assert_eq!(empty(Fault::KillLeader, &history, false).len(), 4);
        history.faults = vec![(10, 20)];
        history.ops = (0..1020).map(send).collect();
        assert_eq!(empty(Fault::KillLeader, &history, true), Vec::<String>::new());
        history.ops.truncate(1001);
        assert_eq!(empty(Fault::KillLeader, &history, true).len(), 1, "nothing goes on afterwards");
    }

    #[test]
    fn what_a_broker_that_was_cut_off_says_of_topics_does_not_count() {
        let look = |at| Op::new(1, at, at + 1, Ended::Ok, Call::Get { register: 1, value: 0 });
        let ops = vec![look(5), look(15), send(16), look(20 + STALE), look(21 + STALE)];
        let history = History { faults: vec![(10, 20)], ops, ..History::default() };
        for (fault, left) in [(Fault::OneWay, 3), (Fault::KillAny, 5)] {
            let mut history = history.clone();
            forget_stale_looks(fault, &mut history);
            assert_eq!(history.ops.len(), left, "{fault:?}");
        }
    }
}
