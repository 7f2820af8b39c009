//! `mekong-bench --cluster`: what a cluster of three is to do, beside three nodes of Apache Kafka on the same machine.
//!
//! Each scenario starts its own three processes, first Mekong's, then Kafka's, and clears them away. Gaps are what Kafka's own
//! VerifiableProducer sees, on both sides, in its own time stamps.

mod admin;
mod bulk;
mod faults;
mod many;
mod network;
mod nodes;
mod producer;
mod report;
mod rolling;

use std::time::Instant;

use report::{Measured, Table};

use crate::machine;
use crate::settings::Settings;
use crate::subject::{Kind, machine_cpu_seconds};

/// How many runs each side has, and how long the steady load lasts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Runs {
    /// Mekong's.
    pub ours: usize,
    /// Kafka's.
    pub theirs: usize,
    /// Minutes of full load.
    pub minutes: f64,
}

impl Default for Runs {
    fn default() -> Self {
        Self { ours: 30, theirs: 5, minutes: 30.0 }
    }
}

/// A scenario of one side with so many runs.
type Scenario = fn(&Settings, Kind, usize) -> Result<Vec<Measured>, String>;

const SCENARIOS: &[(&str, Scenario)] = &[
    ("idle", many::idle),
    ("start", many::start),
    ("kill", faults::kill),
    ("pause", faults::pause),
    ("cut", faults::cut),
    ("one-way", faults::one_way),
    ("alone", faults::alone),
    ("pause-default", faults::pause_default),
    ("shutdown", faults::shutdown),
    ("elect", faults::elect),
    ("reassign", faults::reassign),
    ("rolling", rolling::run),
    ("partitions", many::partitions),
    ("change", many::change),
];
const S12: &str = "s12";
const STEADY: &str = "steady";

/// Runs what the settings choose; a scenario that breaks off does not end the others.
pub fn run(settings: &Settings, runs: Runs) -> Result<Table, String> {
    std::fs::create_dir_all(&settings.work)
        .map_err(|error| format!("{}: {error}", settings.work.display()))?;
    let known = |only: &&String| {
        SCENARIOS.iter().map(|one| one.0).chain([S12, STEADY]).any(|name| name == only.as_str())
    };
    if let Some(unknown) = settings.only.iter().find(|only| !known(only)) {
        return Err(format!("unknown scenario {unknown}"));
    }
    let (mut table, started, stolen) = (Table::default(), Instant::now(), machine_cpu_seconds()?.1);
    for (name, scenario) in SCENARIOS.iter().filter(|(name, _)| settings.wants(name)) {
        for (kind, runs) in sides(settings, runs) {
            let found = || scenario(settings, kind, runs).map(|found| of(kind, found));
            note(&mut table, &format!("{name}, {}", kind.name()), found);
        }
    }
    if settings.wants(S12) {
        note(&mut table, S12, || bulk::side_by_side(settings));
    }
    if settings.wants(STEADY) {
        let kind = Kind::Durable;
        note(&mut table, STEADY, || bulk::steady(settings, kind, runs.minutes).map(|found| of(kind, found)));
    }
    let stolen = machine_cpu_seconds()?.1 - stolen;
    table.notes = notes(settings, runs, started.elapsed().as_secs_f64() / 60.0, stolen);
    Ok(table)
}

fn sides(settings: &Settings, runs: Runs) -> impl Iterator<Item = (Kind, usize)> {
    let both = [(Kind::Durable, runs.ours), (Kind::Kafka, runs.theirs)];
    let alone = settings.alone;
    both.into_iter().filter(move |(kind, runs)| *runs > 0 && (!alone || *kind != Kind::Kafka))
}

fn of(kind: Kind, found: Vec<Measured>) -> Vec<(Kind, Measured)> {
    found.into_iter().map(|found| (kind, found)).collect()
}

/// Adds what was found, says it at once, and keeps the reason if nothing was.
fn note(table: &mut Table, name: &str, run: impl FnOnce() -> Result<Vec<(Kind, Measured)>, String>) {
    let started = Instant::now();
    eprintln!("{name} …");
    match run() {
        Ok(found) => {
            for (kind, found) in found {
                eprintln!("  {} {}: {:.3?} errors {}", found.key, kind.name(), found.values, found.errors);
                table.add(kind, found);
            }
        }
        Err(error) => {
            eprintln!("{name} broke off: {error}");
            table.failed.push(format!("{name}: {error}"));
        }
    }
    eprintln!("{name}: {:.0} s", started.elapsed().as_secs_f64());
}

fn notes(settings: &Settings, runs: Runs, minutes: f64, stolen: f64) -> Vec<String> {
    let machine = machine::describe(&settings.work);
    vec![
        format!("Measured on {} in {minutes:.0} minutes, on {machine}. The host took {stolen:.0} s of CPU away meanwhile.", machine::today()),
        "Three processes of each kind, each broker and voter, which share the machine with the client; loopback, plaintext. RF 3, \
         min.insync.replicas=2, time-outs as each has them by default, automatic balance of leaders off. Apache Kafka 4.3.1: 1 GiB heap, G1, \
         2 network and 2 I/O threads."
            .into(),
        "Durability: Mekong syncs on every replica in sync before it acknowledges (`durable`), if not said otherwise; `relaxed` and Kafka \
         acknowledge from the page cache."
            .into(),
        format!(
            "Gaps: the longest time between two acknowledgements that Kafka's VerifiableProducer (200 records/s, acks=all) printed, {} runs of \
             Mekong and {} of Kafka (a tenth of them for the client as it comes, and for the rolling restart); the same cluster goes on from \
             run to run. What is created, elected and restarted with many partitions is run once.",
            runs.ours, runs.theirs
        ),
        format!(
            "S12: 6 partitions, 64 KiB batches of 64 records, five requests in flight to each node; {} windows of {:.0} s a side, in turns. \
             Steady load: the same, for {} minutes; sizes divided by {}.",
            settings.pairs, settings.window.as_secs_f64(), runs.minutes, settings.divide
        ),
    ]
}
