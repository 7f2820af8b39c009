//! `mekong-bench-registry`: the schema registry under load, its targets beside what was measured.
//!
//! One `mekong serve` with an empty data folder is written to and read from over keep-alive connections; then it is killed
//! and started again, and `mekong registry` is started beside it, for what a start takes and what the state costs in memory.
//! CPU is the whole process's, the broker's part included.

mod http;
mod load;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use server::Server;

/// What to run.
struct Settings {
    mekong: PathBuf,
    work: PathBuf,
    versions: usize,
    window: Duration,
}

/// A line of the report.
struct Row {
    what: &'static str,
    target: &'static str,
    measured: String,
    met: bool,
}

const CONNECTIONS: usize = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match settings(&arguments).and_then(|settings| run(&settings)) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn settings(arguments: &[String]) -> Result<Settings, String> {
    let mut settings = Settings {
        mekong: "target/release/mekong".into(),
        work: "target/bench/registry".into(),
        versions: 100_000,
        window: Duration::from_secs(10),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--mekong" => settings.mekong = value()?.into(),
            "--work" => settings.work = value()?.into(),
            "--versions" => settings.versions = value()?.parse().map_err(|_| "--versions wants a number")?,
            "--quick" => {
                settings.versions = 10_000;
                settings.window = Duration::from_secs(3);
            }
            name => return Err(format!("unknown option {name}")),
        }
    }
    Ok(settings)
}

fn run(settings: &Settings) -> Result<String, String> {
    std::fs::remove_dir_all(&settings.work).ok();
    std::fs::create_dir_all(&settings.work).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    let mut serve = Server::serve(settings)?;
    writes(settings, &serve, &mut rows)?;
    reads(settings, &serve, &mut rows)?;
    starts(settings, &mut serve, &mut rows)?;
    drop(serve);
    std::fs::remove_dir_all(&settings.work).ok();
    Ok(report(settings, &rows))
}

fn writes(settings: &Settings, serve: &Server, rows: &mut Vec<Row>) -> Result<(), String> {
    let address = &serve.registry;
    load::register(address, 1, 0..200, "w")?;
    let alone = load::register(address, 1, 200..200 + 1000, "w")?;
    let p50 = alone.percentile_ms(50.0);
    rows.push(Row {
        what: "register a new schema, durable, one writer: p50",
        target: "≤ 5 ms",
        measured: format!("{p50:.2} ms (p99 {:.2} ms)", alone.percentile_ms(99.0)),
        met: p50 <= 5.0,
    });
    let (cpu, started) = (serve.cpu_seconds()?, Instant::now());
    let many = load::register(address, CONNECTIONS, 0..settings.versions, "v")?;
    let rate = many.count() as f64 / started.elapsed().as_secs_f64();
    let cost = (serve.cpu_seconds()? - cpu) * 1e6 / many.count() as f64;
    rows.push(Row {
        what: "register new schemas of 1 KiB, 64 writers",
        target: "≥ 2,000/s",
        measured: format!("{rate:.0}/s, p99 {:.1} ms, {cost:.0} CPU-µs each", many.percentile_ms(99.0)),
        met: rate >= 2000.0,
    });
    let (cpu, started) = (serve.cpu_seconds()?, Instant::now());
    let again = load::register_again(address, CONNECTIONS, settings.versions.min(1000), settings.window)?;
    let rate = again.count() as f64 / started.elapsed().as_secs_f64();
    let cost = (serve.cpu_seconds()? - cpu) * 1e6 / again.count() as f64;
    rows.push(Row {
        what: "register existing schemas of 1 KiB again, 64 connections",
        target: "≥ 20,000/s",
        measured: format!("{rate:.0}/s, {cost:.1} CPU-µs each"),
        met: rate >= 20_000.0,
    });
    Ok(())
}

fn reads(settings: &Settings, serve: &Server, rows: &mut Vec<Row>) -> Result<(), String> {
    let address = &serve.registry;
    let ids = settings.versions;
    let (cpu, started) = (serve.cpu_seconds()?, Instant::now());
    let closed = load::get_by_id(address, CONNECTIONS, ids, settings.window)?;
    let rate = closed.count() as f64 / started.elapsed().as_secs_f64();
    let cost = (serve.cpu_seconds()? - cpu) * 1e6 / closed.count() as f64;
    rows.push(Row {
        what: "GET by id, 64 keep-alive connections, closed loop",
        target: "≤ 20 CPU-µs each",
        measured: format!("{cost:.1} CPU-µs each at {rate:.0}/s"),
        met: cost <= 20.0,
    });
    let open = load::get_by_id_paced(address, CONNECTIONS, ids, 5000, settings.window)?;
    let p99 = open.percentile_ms(99.0);
    rows.push(Row {
        what: "GET by id, 5,000/s, open loop: p99 from the intended moment",
        target: "≤ 2 ms",
        measured: format!("{p99:.2} ms (p50 {:.2} ms)", open.percentile_ms(50.0)),
        met: p99 <= 2.0,
    });
    Ok(())
}

fn starts(settings: &Settings, serve: &mut Server, rows: &mut Vec<Row>) -> Result<(), String> {
    serve.kill();
    *serve = Server::serve(settings)?;
    let alone = Server::registry(settings, &serve.broker)?;
    let seconds = alone.ready_in.as_secs_f64();
    rows.push(Row {
        what: "start of a registry with all versions in `_schemas`, to its first answer",
        target: "≤ 2 s",
        measured: format!(
            "{seconds:.2} s alone; {:.2} s with its broker, after kill -9",
            serve.ready_in.as_secs_f64()
        ),
        met: seconds <= 2.0,
    });
    let mib = alone.resident_bytes()? as f64 / 1e6;
    rows.push(Row {
        what: "resident memory of a registry with all versions",
        target: "≤ 250 MB",
        measured: format!("{mib:.0} MB"),
        met: mib <= 250.0,
    });
    Ok(())
}

fn report(settings: &Settings, rows: &[Row]) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut text = format!(
        "{} versions of 1 KiB, windows of {} s, {cores} cores shared with the load generator\n\n| what | target | \
         measured | |\n|---|---|---|---|\n",
        settings.versions,
        settings.window.as_secs()
    );
    for row in rows {
        let met = if row.met { "met" } else { "missed" };
        text.push_str(&format!("| {} | {} | {} | {met} |\n", row.what, row.target, row.measured));
    }
    text
}
