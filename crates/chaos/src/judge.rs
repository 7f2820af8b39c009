//! What the checker says of a run, written beside its history.

use std::fs;
use std::path::Path;

use checker::{Call, History, Observation, Settings, check, to_edn};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::plan::{Fault, Plan, Workload};
use crate::{Options, Outcome};

const SECOND: u64 = 1_000_000_000;

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
pub fn judge(plan: &Plan, mut history: History, cluster: &Cluster, options: &Options) -> Outcome<Verdict> {
    let lines = cluster.log_lines().into_iter();
    let panics = lines.filter(|(_, line)| line.contains("panicked at"));
    history
        .observations
        .extend(panics.map(|(broker, line)| Observation::LogLine { broker, line: format!("ERROR {line}") }));
    let report = check(&history, &settings(plan));
    let broken: Vec<String> = report.illegal().map(ToString::to_string).collect();
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
