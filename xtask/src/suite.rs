//! `cargo xtask test`: every step in its order, a line of time for each, resumable by name.

use std::time::Instant;

use crate::runtimes;
use crate::steps::{STEPS, Step};

/// How much of each suite runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Volume {
    /// The fixed subset that CI runs.
    Quick,
    /// All of everything.
    Full,
}

struct Choice {
    volume: Volume,
    only: Vec<String>,
    from: Option<String>,
    list: bool,
}

/// Runs what the arguments choose; the first failure ends the run.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let choice = parse(arguments)?;
    let chosen = choose(&choice)?;
    if choice.list {
        chosen.iter().for_each(|step| println!("{:<16} {}", step.name, step.what));
        return Ok(());
    }
    let wanted: Vec<_> = chosen.iter().flat_map(|step| (step.needs)()).collect();
    runtimes::check(&wanted)?;
    chosen.iter().try_for_each(|step| perform(step, choice.volume))?;
    println!("\nall {} steps passed", chosen.len());
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Choice, String> {
    let mut choice = Choice { volume: Volume::Quick, only: Vec::new(), from: None, list: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--full" => choice.volume = Volume::Full,
            "--list" => choice.list = true,
            "--step" => choice.only.push(rest.next().ok_or("--step wants a step's name")?.clone()),
            "--from" => choice.from = Some(rest.next().ok_or("--from wants a step's name")?.clone()),
            other => return Err(format!("unknown option '{other}'; see cargo xtask help")),
        }
    }
    Ok(choice)
}

fn choose(choice: &Choice) -> Result<Vec<&'static Step>, String> {
    for name in choice.only.iter().chain(&choice.from) {
        let named = STEPS.iter().find(|step| step.name == name);
        let step =
            named.ok_or_else(|| format!("there is no step '{name}'; cargo xtask test --list names them"))?;
        if choice.only.contains(name) && !step.when.is_in(choice.volume) {
            let other = if choice.volume == Volume::Full { "without" } else { "with" };
            return Err(format!("'{name}' is not a step of this volume: run it {other} --full"));
        }
    }
    let from = choice.from.as_ref().and_then(|name| STEPS.iter().position(|step| step.name == name));
    let wanted = |step: &&Step| choice.only.is_empty() || choice.only.iter().any(|name| name == step.name);
    let of_volume = |step: &&Step| step.when.is_in(choice.volume);
    let chosen: Vec<_> = STEPS.iter().skip(from.unwrap_or(0)).filter(of_volume).filter(wanted).collect();
    match chosen.is_empty() {
        true => {
            Err("no such step in this volume; cargo xtask test --list, with or without --full, names them"
                .to_owned())
        }
        false => Ok(chosen),
    }
}

fn perform(step: &Step, volume: Volume) -> Result<(), String> {
    println!("\n=== {}: {}", step.name, step.what);
    let started = Instant::now();
    let outcome = (step.run)(volume);
    println!("=== {}: {} in {:.0} s", step.name, verdict(&outcome), started.elapsed().as_secs_f64());
    let full = if volume == Volume::Full { " --full" } else { "" };
    outcome.map_err(|error| {
        format!("step '{0}' failed: {error}\nagain: cargo xtask test{full} --from {0}", step.name)
    })
}

fn verdict(outcome: &Result<(), String>) -> &'static str {
    if outcome.is_ok() { "passed" } else { "FAILED" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_step_runs_or_is_refused() {
        let count = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&one| one.to_owned()).collect();
            choose(&parse(&arguments)?).map(|chosen| chosen.len())
        };
        assert_eq!(count(&["--step", "tidy", "--step", "unit"]), Ok(2));
        assert_eq!(count(&["--full", "--step", "tidy", "--step", "chaos"]), Ok(2));
        for refused in [
            &["--step", "tidy", "--step", "chaos"][..],
            &["--full", "--step", "interop"],
            &["--step", "nothing"],
            &["--from", "nothing"],
        ] {
            assert!(count(refused).is_err(), "{refused:?}");
        }
    }
}
