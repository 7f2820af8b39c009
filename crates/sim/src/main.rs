//! `mekong-sim`: runs seeds, prints what broke and the line that repeats it.
//!
//! ```text
//! mekong-sim --seed 7                    one run, in full
//! mekong-sim --seeds 0..500              many, with the coverage of all
//! mekong-sim --seed 7 --shrink           the smallest plan that still fails
//! mekong-sim --seeds 0..2000 --plant NeverTruncate     (feature `planted`) stops at the first seed that finds it
//! ```

use std::process::ExitCode;
use std::time::Instant;

use sim::coverage::Coverage;
use sim::{Bug, Plan, Planted, run, shrink};

struct Arguments {
    seeds: std::ops::Range<u64>,
    shrinks: bool,
    bugs: Vec<Bug>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.bugs.is_empty() { hunt(&arguments) } else { mutate(&arguments) }
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut parsed = Arguments { seeds: 0..100, shrinks: false, bugs: Vec::new() };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--shrink" => parsed.shrinks = true,
            "--seed" => {
                let seed = number(arguments.next().as_deref())?;
                parsed.seeds = seed..seed + 1;
            }
            "--seeds" => {
                let text = arguments.next().unwrap_or_default();
                let (from, to) = text.split_once("..").ok_or("--seeds wants FROM..TO")?;
                parsed.seeds = number(Some(from))?..number(Some(to))?;
            }
            "--plant" => parsed.bugs = bugs(&arguments.next().unwrap_or_default())?,
            other => {
                return Err(format!(
                    "unknown argument {other}; --seed N, --seeds A..B, --shrink, --plant NAME|all"
                ));
            }
        }
    }
    Ok(parsed)
}

fn number(text: Option<&str>) -> Result<u64, String> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| "a seed is a number".to_owned())
}

fn bugs(name: &str) -> Result<Vec<Bug>, String> {
    if name == "all" {
        return Ok(Bug::ALL.to_vec());
    }
    let found = Bug::ALL.iter().find(|bug| format!("{bug:?}") == name);
    found.map(|bug| vec![*bug]).ok_or_else(|| format!("no bug is called {name}"))
}

/// Runs seeds and reports what they break.
fn hunt(arguments: &Arguments) -> ExitCode {
    let (mut coverage, mut failed, began) = (Coverage::default(), 0, Instant::now());
    for seed in arguments.seeds.clone() {
        let plan = Plan::new(seed);
        let outcome = run(&plan, Planted::NONE);
        coverage.add(&outcome.coverage);
        if outcome.violations.is_empty() {
            continue;
        }
        failed += 1;
        println!("seed {seed} fails; {}", plan.repro());
        outcome.violations.iter().take(5).for_each(|violation| println!("    {violation}"));
        if arguments.shrinks {
            println!("    smallest: {:#?}", shrink(&plan, Planted::NONE, 200));
        }
    }
    let runs = arguments.seeds.end - arguments.seeds.start;
    println!("{runs} histories in {:.1} s, {failed} failed\n{coverage}", began.elapsed().as_secs_f64());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plants each bug and counts how many seeds it takes to find it.
#[cfg(feature = "planted")]
fn mutate(arguments: &Arguments) -> ExitCode {
    let mut missed = 0;
    for bug in &arguments.bugs {
        let planted = Planted::NONE.with(*bug);
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

#[cfg(not(feature = "planted"))]
fn mutate(_: &Arguments) -> ExitCode {
    eprintln!(
        "bugs can be planted only with the feature `planted`: cargo run -p mekong-sim --features planted -- …"
    );
    ExitCode::FAILURE
}
