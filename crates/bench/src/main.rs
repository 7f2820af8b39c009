//! `mekong-bench`: one load on Mekong and on Apache Kafka in turns, on this machine, with the same requests.
//!
//! Both brokers stay up for the whole run; windows alternate A B B A, so that a drift of the machine hits both. A figure is
//! a median over windows, a ratio the median of the ratios of neighbouring windows. The load generator sends batches that
//! were encoded before the window, so that a broker's CPU is what is measured.

mod cluster;
mod connection;
mod counts;
mod load;
mod machine;
mod measure;
mod probes;
mod report;
mod scenarios;
mod settings;
mod subject;

use std::process::ExitCode;

/// What is known of the figures, printed below every whole table.
const REMARKS: &str = include_str!("../remarks.md");

/// The same for the table of clusters.
const CLUSTER_REMARKS: &str = include_str!("../cluster-remarks.md");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match settings::Settings::parse(&arguments).and_then(|settings| run(&settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The counts, if a file for them is named; the cluster's table, if that is asked for; else the table of one broker.
fn run(settings: &settings::Settings) -> Result<(), String> {
    match (&settings.counts, settings.cluster) {
        (Some((file, check)), _) => counts::run(settings, file, *check),
        (None, Some(runs)) => cluster(settings, runs),
        (None, None) => bench(settings),
    }
}

fn cluster(settings: &settings::Settings, runs: cluster::Runs) -> Result<(), String> {
    let table = cluster::run(settings, runs)?;
    println!("{table}");
    let Some(out) = &settings.out else { return Ok(()) };
    let text = format!("# Three nodes of Mekong beside three of Apache Kafka\n\n{table}\n{CLUSTER_REMARKS}");
    std::fs::write(out, text).map_err(|error| format!("{}: {error}", out.display()))
}

fn bench(settings: &settings::Settings) -> Result<(), String> {
    let report = scenarios::run(settings)?;
    println!("{report}");
    let Some(out) = &settings.out else { return Ok(()) };
    let text = format!("# Mekong beside Apache Kafka\n\n{report}\n{REMARKS}");
    std::fs::write(out, text).map_err(|error| format!("{}: {error}", out.display()))
}
