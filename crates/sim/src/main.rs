//! `mekong-sim`: runs seeds, prints what broke and the line that repeats it.
//!
//! ```text
//! mekong-sim --seed 7                    one run, in full
//! mekong-sim --seeds 0..500              many, with the coverage of all
//! mekong-sim --seeds 0..500 --jobs 1     on one thread; as many as there are cores otherwise
//! mekong-sim --seeds 0..520 --least 500  fails, too, if fewer than so many count
//! mekong-sim --seed 7 --shrink           the smallest plan that still fails
//! mekong-sim --seeds 0..2000 --plant NeverTruncate     (feature `planted`) stops at the first seed that finds it;
//!                                        may be given many times, `all` is all
//! ```

use std::process::ExitCode;
use std::time::Instant;

use sim::{Bug, Hunt, Plan, Planted, hunt, run, shrink};

struct Arguments {
    seeds: std::ops::Range<u64>,
    shrinks: bool,
    bugs: Vec<Bug>,
    jobs: usize,
    least: u64,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.bugs.is_empty() { search(&arguments) } else { mutate(&arguments) }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut parsed = Arguments { seeds: 0..100, shrinks: false, bugs: Vec::new(), jobs, least: 0 };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--shrink" => parsed.shrinks = true,
            "--seed" => {
                let seed = number(arguments.next().as_deref())?;
                parsed.seeds = seed..seed + 1;
            }
            "--seeds" => parsed.seeds = range(&arguments.next().unwrap_or_default())?,
            "--jobs" => {
                let jobs = number(arguments.next().as_deref())?;
                parsed.jobs = usize::try_from(jobs).unwrap_or(1).max(1);
            }
            "--least" => parsed.least = number(arguments.next().as_deref())?,
            "--plant" => parsed.bugs.extend(bugs(&arguments.next().unwrap_or_default())?),
            other => {
                return Err(format!(
                    "unknown argument {other}; --seed N, --seeds A..B, --jobs N, --least N, --shrink, --plant NAME|all"
                ));
            }
        }
    }
    Ok(parsed)
}

fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("--seeds wants FROM..TO")?;
    Ok(number(Some(from))?..number(Some(to))?)
}

fn number(text: Option<&str>) -> Result<u64, String> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| "a number is wanted".to_owned())
}

fn bugs(name: &str) -> Result<Vec<Bug>, String> {
    if name == "all" {
        return Ok(Bug::ALL.to_vec());
    }
    let found = Bug::ALL.iter().find(|bug| format!("{bug:?}") == name);
    found.map(|bug| vec![*bug]).ok_or_else(|| format!("no bug is called {name}"))
}

/// Runs seeds and reports what they break.
fn search(arguments: &Arguments) -> ExitCode {
    let began = Instant::now();
    let report = |seed: u64, violations: &[String]| {
        println!("seed {seed} fails; {}", Plan::new(seed).repro());
        violations.iter().take(5).for_each(|violation| println!("    {violation}"));
        if arguments.shrinks {
            println!("    smallest: {:#?}", shrink(&Plan::new(seed), Planted::NONE, 200));
        }
    };
    let Hunt { histories, counted, failed, coverage } = hunt(&arguments.seeds, arguments.jobs, &report);
    let took = began.elapsed().as_secs_f64();
    println!(
        "seeds {:?}: {histories} histories in {took:.1} s, {counted} long and rough enough to count, {failed} failed\n{coverage}",
        arguments.seeds
    );
    if failed == 0 && counted >= arguments.least { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plants each bug and counts how many seeds it takes to find it.
fn mutate(arguments: &Arguments) -> ExitCode {
    let mut missed = 0;
    for bug in &arguments.bugs {
        let Some(planted) = planted(*bug) else {
            eprintln!(
                "bugs can be planted only with the feature `planted`: cargo run --profile sim -p mekong-sim --features planted -- …"
            );
            return ExitCode::FAILURE;
        };
        let found = arguments.seeds.clone().find_map(|seed| {
            let violations = run(&Plan::new(seed), planted).violations;
            violations.into_iter().next().map(|violation| (seed, violation))
        });
        match found {
            Some((seed, violation)) => println!("{bug:?}: found by seed {seed}: {violation}"),
            None => {
                missed += 1;
                println!("{bug:?}: MISSED by seeds {:?}", arguments.seeds);
            }
        }
    }
    println!("{} of {} bugs found", arguments.bugs.len() - missed, arguments.bugs.len());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(feature = "planted")]
fn planted(bug: Bug) -> Option<Planted> {
    Some(Planted::NONE.with(bug))
}

#[cfg(not(feature = "planted"))]
fn planted(_: Bug) -> Option<Planted> {
    None
}
