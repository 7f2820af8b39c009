//! The scenarios, each in its file, and how they alternate between the brokers.

pub mod bulk;
mod connections;
mod crash;
mod cross;
mod idle;
mod latency;
mod partitions;
mod read;
mod small;
mod start;

use std::time::{Duration, Instant};

use crate::measure::Window;
use crate::probes::Floor;
use crate::report::{Goal, Report, Row};
use crate::settings::Settings;
use crate::subject::{Kind, Subject};
use crate::{load, machine};

/// The brokers that are up, Kafka last.
pub struct Stage {
    /// Mekong in all modes, then Kafka.
    pub subjects: Vec<Subject>,
    /// What the machine takes for the same work.
    pub floor: Floor,
}

/// A scenario on the brokers that are up.
type OnStage = fn(&Settings, &Stage) -> Result<Vec<Row>, String>;
/// A scenario that starts its own brokers, while no other runs.
type Alone = fn(&Settings) -> Result<Vec<Row>, String>;

/// Name and code, in the order in which they run; those before the first load come first.
const ON_STAGE: &[(&str, OnStage)] = &[
    ("idle", idle::run),
    ("bulk", bulk::plain),
    ("zstd", bulk::zstd),
    ("lz4", bulk::lz4),
    ("small", small::run),
    ("tail", read::tail),
    ("read", read::catch_up),
    ("latency", latency::run),
    ("cross", cross::run),
];
const ALONE: &[(&str, Alone)] = &[
    ("connections", connections::run),
    ("start", start::run),
    ("partitions", partitions::run),
    ("crash", crash::run),
];

/// Runs what the settings choose and returns the table; a scenario that breaks off does not end the others.
pub fn run(settings: &Settings) -> Result<Report, String> {
    std::fs::create_dir_all(&settings.work)
        .map_err(|error| format!("{}: {error}", settings.work.display()))?;
    let known =
        |only: &String| ON_STAGE.iter().map(|s| s.0).chain(ALONE.iter().map(|s| s.0)).any(|s| s == only);
    if let Some(unknown) = settings.only.iter().find(|only| !known(only)) {
        return Err(format!("unknown scenario {unknown}"));
    }
    let mut report = Report::default();
    let (floor, started) = (Floor::measure(&settings.work)?, Instant::now());
    let stolen = crate::subject::machine_cpu_seconds()?.1;
    if ON_STAGE.iter().any(|(name, _)| settings.wants(name)) {
        on_stage(settings, floor, &mut report)?;
    }
    for (name, scenario) in ALONE.iter().filter(|(name, _)| settings.wants(name)) {
        note_outcome(name, &mut report, || scenario(settings));
    }
    let stolen = crate::subject::machine_cpu_seconds()?.1 - stolen;
    report.notes = notes(settings, &floor, started.elapsed(), stolen);
    Ok(report)
}

fn on_stage(settings: &Settings, floor: Floor, report: &mut Report) -> Result<(), String> {
    let kinds = [Kind::Durable, Kind::Relaxed, Kind::DurableHeaderOnly, Kind::RelaxedHeaderOnly, Kind::Kafka];
    let subjects = kinds.into_iter().filter(|kind| !settings.alone || *kind != Kind::Kafka);
    let subjects =
        subjects.map(|kind| Subject::start(kind, "main", settings)).collect::<Result<Vec<_>, _>>()?;
    let stage = Stage { subjects, floor };
    let mut warm = false;
    for (name, scenario) in ON_STAGE.iter().filter(|(name, _)| settings.wants(name)) {
        if *name != "idle" && !warm {
            bulk::warm(settings, &stage)?;
            warm = true;
        }
        note_outcome(name, report, || scenario(settings, &stage));
        // Disks are small, and what one scenario left must not burden the next.
        for subject in &stage.subjects {
            if let Err(error) = load::delete_topics(&subject.address) {
                report.failed.push(format!("topics of {name} could not be deleted: {error}"));
            }
        }
        std::thread::sleep(Duration::from_secs(2));
    }
    stage.subjects.into_iter().for_each(Subject::clear);
    Ok(())
}

/// Adds the rows, prints them as they come, and keeps the reason if there are none.
fn note_outcome(name: &str, report: &mut Report, run: impl FnOnce() -> Result<Vec<Row>, String>) {
    let started = Instant::now();
    eprintln!("{name} …");
    match run() {
        Ok(rows) => {
            let part = Report { rows, ..Report::default() };
            eprintln!("{part}\n{name}: {:.0} s", started.elapsed().as_secs_f64());
            report.rows.extend(part.rows);
        }
        Err(error) => {
            eprintln!("{name} broke off: {error}");
            report.failed.push(format!("{name}: {error}"));
        }
    }
}

fn notes(settings: &Settings, floor: &Floor, took: Duration, stolen: f64) -> Vec<String> {
    let machine = machine::describe(&settings.work);
    let minutes = took.as_secs_f64() / 60.0;
    vec![
        format!("Measured on {} in {minutes:.0} minutes, on {machine}. The host took {stolen:.0} s of CPU away meanwhile.", machine::today()),
        "One broker of each kind, which the load generator shares the machine with; loopback, plaintext. Apache Kafka 4.3.1: \
         1 GiB heap, G1, 2 network and 2 I/O threads, else as it comes. Mekong: as it comes, with its schema registry."
            .into(),
        format!(
            "Windows of {:.0} s, {} a side, the brokers in turns, forwards and backwards (ABBA), after {:.0} s of warm-up each. Figures are \
             medians over the windows, ratios medians over neighbouring windows, spread is the least and the most of those ratios.",
            settings.window.as_secs_f64(), settings.pairs, settings.warm_up.as_secs_f64()
        ),
        "Durability: `durable` syncs before it acknowledges; `relaxed` and Kafka acknowledge from the page cache.".into(),
        "Topics of S1 to S4: 6 partitions (S4: 1), segments of 32 MiB, 32 to 64 MiB kept a partition, looked at every second; else defaults. Batches are encoded before the \
         windows: 64 records of 1 KiB, half of each random (S3, S7: one record of 100 bytes)."
            .into(),
        format!(
            "Physical floor in this run, CPU-s/GiB: loopback socket {:.3} received and {:.3} sent, CRC-32C {:.3}, append of 64 KiB to a file {:.3}; \
             so produce ≥ {:.3}, read ≥ {:.3}. × floor is Mekong's figure over that.",
            floor.received, floor.sent, floor.crc, floor.append, floor.produce(), floor.sent
        ),
    ]
}

/// The subjects of these kinds, with Kafka last.
pub fn pick<'s>(stage: &'s Stage, kinds: &[Kind]) -> Vec<&'s Subject> {
    stage
        .subjects
        .iter()
        .filter(|subject| kinds.contains(&subject.kind) || subject.kind == Kind::Kafka)
        .collect()
}

/// The two modes that most scenarios compare, and Kafka.
pub fn both(stage: &Stage) -> Vec<&Subject> {
    pick(stage, &[Kind::Durable, Kind::Relaxed])
}

/// What every subject's windows brought, in the order of the subjects.
pub struct Windows<'s, W> {
    /// The subjects, Kafka last.
    pub subjects: Vec<&'s Subject>,
    /// Of each of them, its windows.
    pub windows: Vec<Vec<W>>,
}

/// Windows of every subject in turns: A B C C B A …, `pairs` of each.
pub fn alternate<'s, W>(
    subjects: Vec<&'s Subject>,
    pairs: usize,
    mut measure: impl FnMut(&Subject) -> Result<W, String>,
) -> Result<Windows<'s, W>, String> {
    let mut windows: Vec<Vec<W>> = subjects.iter().map(|_| Vec::new()).collect();
    for round in 0..pairs {
        let mut order: Vec<_> = subjects.iter().zip(&mut windows).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (subject, list) in order {
            list.push(measure(subject)?);
        }
    }
    Ok(Windows { subjects, windows })
}

/// Windows of load, which returns (count, bytes), in turns.
pub fn load_windows<'s>(
    settings: &Settings,
    subjects: Vec<&'s Subject>,
    mut load: impl FnMut(&Subject, Duration) -> Result<(u64, u64), String>,
) -> Result<Windows<'s, Window>, String> {
    alternate(subjects, settings.pairs, |subject| Window::around(subject, || load(subject, settings.window)))
}

impl<W> Windows<'_, W> {
    /// A row for every Mekong beside Kafka.
    pub fn rows(
        &self,
        what: &str,
        unit: &'static str,
        figure: impl Fn(&W) -> f64,
        goals: impl Fn(Kind) -> Vec<Goal>,
    ) -> Vec<Row> {
        let values = |windows: &Vec<W>| windows.iter().map(&figure).collect::<Vec<f64>>();
        let mut both = self.subjects.iter().zip(&self.windows);
        let kafka = both.find(|(subject, _)| subject.kind == Kind::Kafka);
        let theirs = kafka.map(|(_, windows)| values(windows)).unwrap_or_default();
        let ours = self.subjects.iter().zip(&self.windows).filter(|(subject, _)| subject.kind != Kind::Kafka);
        ours.map(|(subject, windows)| {
            let what = match subject.kind {
                Kind::DurableHeaderOnly | Kind::RelaxedHeaderOnly => format!("{what}, header-only"),
                _ => what.to_owned(),
            };
            let (ours, theirs, goals) = (values(windows), theirs.clone(), goals(subject.kind));
            Row { what, unit, mode: subject.kind.mode(), ours, theirs, goals, floor: None }
        })
        .collect()
    }
}

/// No goal: a figure that explains others.
pub fn no_goal(_: Kind) -> Vec<Goal> {
    Vec::new()
}

/// Goals for the ratio, durable and relaxed.
pub fn at_most(durable: f64, relaxed: f64) -> impl Fn(Kind) -> Vec<Goal> {
    move |kind| vec![Goal::AtMost(if kind.mode() == "durable" { durable } else { relaxed })]
}

/// The rows with the machine's floor beside them.
pub fn over(floor: f64, rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().map(|row| Row { floor: Some(floor), ..row }).collect()
}
