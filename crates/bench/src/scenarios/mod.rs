//! The scenarios, each in its file, and how they alternate between the brokers.

mod bulk;
mod idle;
mod latency;
mod read;
mod small;
mod start;

use std::time::Duration;

use crate::measure::Window;
use crate::probes::Floor;
use crate::report::{Report, Row};
use crate::settings::Settings;
use crate::subject::{Kind, Subject};

/// The brokers that are up, Kafka last.
pub struct Stage {
    /// Mekong in both modes, then Kafka.
    pub subjects: Vec<Subject>,
}

type Scenario = fn(&Settings, &Stage) -> Result<Vec<Row>, String>;

/// Name and code, in the order in which they run.
const SCENARIOS: &[(&str, Scenario)] = &[
    ("idle", idle::run),
    ("bulk", bulk::plain),
    ("zstd", bulk::zstd),
    ("lz4", bulk::lz4),
    ("small", small::run),
    ("read", read::catch_up),
    ("tail", read::tail),
    ("latency", latency::run),
];

/// Runs what the settings choose and returns the table.
pub fn run(settings: &Settings) -> Result<Report, String> {
    std::fs::create_dir_all(&settings.work)
        .map_err(|error| format!("{}: {error}", settings.work.display()))?;
    let wanted = |name: &str| settings.only.is_empty() || settings.only.iter().any(|only| only == name);
    let mut report = Report { notes: notes(settings)?, rows: Vec::new() };
    if wanted("start") {
        report.rows.extend(start::run(settings)?);
    }
    let chosen: Vec<_> = SCENARIOS.iter().filter(|(name, _)| wanted(name)).collect();
    if !chosen.is_empty() {
        let stage = set(settings)?;
        for (name, scenario) in chosen {
            eprintln!("{name} …");
            report.rows.extend(scenario(settings, &stage)?);
        }
    }
    if let Some(out) = &settings.out {
        std::fs::write(out, format!("# Mekong beside Apache Kafka\n\n{report}"))
            .map_err(|error| error.to_string())?;
    }
    Ok(report)
}

fn set(settings: &Settings) -> Result<Stage, String> {
    let kinds = [Kind::Durable, Kind::Relaxed, Kind::Kafka];
    let subjects = kinds.iter().map(|kind| Subject::start(*kind, settings)).collect::<Result<Vec<_>, _>>()?;
    let stage = Stage { subjects };
    bulk::warm(settings, &stage)?;
    Ok(stage)
}

fn notes(settings: &Settings) -> Result<Vec<String>, String> {
    let floor = Floor::measure(&settings.work)?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    Ok(vec![
        "Mekong and Apache Kafka 4.3.1 (1 GiB heap, 2 network and 2 I/O threads), one broker each, on one machine of".to_owned()
            + &format!(" {cores} cores, which the load generator shares; loopback, plaintext."),
        format!("Windows of {:.0} s, {} a side, in turns; medians; spread is the least and most ratio.", settings.window.as_secs_f64(), settings.pairs),
        "Durability: Mekong durable syncs before it acknowledges; Mekong relaxed and Kafka acknowledge from the page cache.".into(),
        format!(
            "Physical floor in this run, CPU-s/GiB: loopback socket (both sides) {:.3}, CRC-32C {:.3}, append {:.3}; produce ≥ {:.3}.",
            floor.socket, floor.crc, floor.append, floor.produce()
        ),
    ])
}

/// Windows of every subject in turns: A B C C B A …, `pairs` of each.
pub fn alternate(
    settings: &Settings,
    stage: &Stage,
    mut load: impl FnMut(&Subject, Duration) -> Result<(u64, u64), String>,
) -> Result<Vec<Vec<Window>>, String> {
    let mut windows: Vec<Vec<Window>> = stage.subjects.iter().map(|_| Vec::new()).collect();
    for round in 0..settings.pairs {
        let mut order: Vec<usize> = (0..stage.subjects.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for place in order {
            let (Some(subject), Some(list)) = (stage.subjects.get(place), windows.get_mut(place)) else {
                continue;
            };
            list.push(Window::around(subject, || load(subject, settings.window))?);
        }
    }
    Ok(windows)
}

/// A figure of the windows of both Mekongs beside Kafka's; `targets` are durable's and relaxed's.
pub fn rows(
    what: &str,
    unit: &'static str,
    windows: &[Vec<Window>],
    figure: fn(&Window) -> f64,
    targets: [Option<f64>; 2],
) -> Vec<Row> {
    let values = |place: usize| windows.get(place).into_iter().flatten().map(figure).collect::<Vec<f64>>();
    let modes = ["durable", "relaxed"];
    let row = |place: usize| Row {
        what: what.to_owned(),
        unit,
        mode: modes.get(place).copied().unwrap_or_default(),
        ours: values(place),
        theirs: values(2),
        target: targets.get(place).copied().flatten(),
        at_least: false,
    };
    vec![row(0), row(1)]
}
