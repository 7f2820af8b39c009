//! `mekong-chaos`: a cluster of real processes, clients that others wrote, faults, and the checker.
//!
//! ```text
//! mekong-chaos --runs 40 --seed 1 --mekong BINARY --drivers FOLDER --out FOLDER [--seconds 60]
//! ```
//!
//! A run is a function of its seed: which fault, which workload, which clients. Its verdict is `OUT/run-SEED.json`, its history
//! `OUT/run-SEED.edn`; a run with a verdict is not repeated, so that an interrupted series goes on where it was. Needs root, for
//! network namespaces and mounts.
//!
//! `mekong-chaos client …` is the client of our own; see [`own`].

mod cluster;
mod drivers;
mod faults;
mod judge;
mod network;
mod own;
mod plan;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

/// Whatever goes wrong here ends a run, in words.
type Outcome<T = ()> = Result<T, String>;

/// What is run, with what.
pub struct Options {
    runs: u64,
    seed: u64,
    seconds: u64,
    mekong: PathBuf,
    drivers: PathBuf,
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == "client" => own::main(rest),
        _ => parse(&arguments).and_then(|options| series(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options {
        runs: 1,
        seed: 1,
        seconds: 60,
        mekong: "mekong".into(),
        drivers: ".".into(),
        out: "chaos".into(),
    };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{name} wants a value"))?;
        let number = || value.parse().map_err(|_| format!("{name} wants a number"));
        match name.as_str() {
            "--runs" => options.runs = number()?,
            "--seed" => options.seed = number()?,
            "--seconds" => options.seconds = number()?,
            "--mekong" => options.mekong = value.into(),
            "--drivers" => options.drivers = value.into(),
            "--out" => options.out = value.into(),
            _ => {
                return Err(format!(
                    "unknown option {name}; --runs, --seed, --seconds, --mekong, --drivers, --out"
                ));
            }
        }
    }
    Ok(options)
}

fn series(options: &Options) -> Outcome {
    if !rustix::process::geteuid().is_root() {
        return Err("network namespaces and mounts need root".into());
    }
    let _sole = network::Sole::take()?;
    std::fs::create_dir_all(&options.out).map_err(|error| format!("{}: {error}", options.out.display()))?;
    let mut failed = Vec::new();
    for (done, seed) in (options.seed..options.seed + options.runs).enumerate() {
        let plan = plan::Plan::new(seed, options.seconds);
        let verdict = match judge::earlier(&options.out, seed) {
            Some(verdict) => verdict,
            // A cluster that does not come back has broken its promise, too.
            None => run::run(&plan, options).unwrap_or_else(judge::Verdict::broken),
        };
        println!("{}/{} {plan}: {}", done + 1, options.runs, verdict.line);
        if !verdict.is_clean {
            failed.push(seed);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("runs of seeds {failed:?} broke promises")) }
}
