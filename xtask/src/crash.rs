//! `cargo xtask crash`: the crash proofs at volume, each resumable.

use std::fs;
use std::path::Path;

use crate::shell::{cargo, command, root, run, target};
use crate::sources;

const USAGE: &str = "\
cargo xtask crash seeds [--seeds A..B]       power loss and failing calls beneath the log; 0..10000
cargo xtask crash images [--traces A..B]     crash images of recorded traces, 245 of each; 0..200
cargo xtask crash planted                    which planted bug is found by what, after how many seeds
cargo xtask crash kill [--cycles N] [--seed S]
    kill -9 of the real process under load; 500
cargo xtask crash real [--cycles N] [--seed S]
    crash images off traces of the real process, which starts on each; 1000; needs strace
cargo xtask crash full                       a 64 MiB tmpfs filled for real; needs root
cargo xtask crash hostile                    bad clients in a 256 MiB control group; needs root
    what was done is noted in target/crash and not done again by the same sources; --anew begins from the start";

/// Traces and seeds of one run of the test binary: what a broken-off run loses at most.
const CHUNK: u64 = 20;
/// Images of each trace.
const IMAGES: &str = "245";

/// Runs one of the proofs.
pub fn run_crash(arguments: &[String]) -> Result<(), String> {
    let (command, rest) = arguments.split_first().ok_or(USAGE)?;
    match command.as_str() {
        "seeds" => chunks("seeds", &range(rest, "--seeds", 0..10_000)?, 500, rest, seeds),
        "images" => chunks("images", &range(rest, "--traces", 0..200)?, CHUNK, rest, images),
        "planted" => run(test(&["--features", "planted-bugs"], "every_planted_bug_is_found")),
        "kill" | "real" | "full" | "hostile" => real(command, rest),
        _ => Err(USAGE.to_owned()),
    }
}

type Chunk = std::ops::Range<u64>;

fn range(rest: &[String], name: &str, all: Chunk) -> Result<Chunk, String> {
    let Some(place) = rest.iter().position(|argument| argument == name) else { return Ok(all) };
    let bounds = rest.get(place + 1).and_then(|text| text.split_once(".."));
    let parsed = bounds.and_then(|(from, upto)| Some(from.parse().ok()?..upto.parse().ok()?));
    parsed.ok_or_else(|| format!("{name} needs A..B"))
}

/// Runs a range piece by piece, and notes each that is done.
fn chunks(
    name: &str,
    all: &Chunk,
    step: u64,
    rest: &[String],
    one: fn(&Chunk) -> Result<(), String>,
) -> Result<(), String> {
    let folder = target().join("crash");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let notes = folder.join(format!("{name}.done"));
    let anew = rest.iter().any(|argument| argument == "--anew");
    let mut done = of_these_sources(if anew { None } else { fs::read_to_string(&notes).ok() })?;
    let mut from = all.start;
    while from < all.end {
        let chunk = from..(from + step).min(all.end);
        let line = format!("{}..{}", chunk.start, chunk.end);
        if !done.lines().any(|noted| noted == line) {
            one(&chunk).map_err(|error| format!("{name} {line}: {error}"))?;
            done.push_str(&line);
            done.push('\n');
            fs::write(&notes, &done).map_err(|error| format!("{}: {error}", notes.display()))?;
        }
        println!("{name} {line} done");
        from = chunk.end;
    }
    Ok(())
}

/// What was noted, if it was of the sources as they are; else the beginning of such notes. What other sources did proves nothing.
fn of_these_sources(noted: Option<String>) -> Result<String, String> {
    let head = format!("of {:016x}\n", sources::digest(&root())?);
    Ok(noted.filter(|noted| noted.starts_with(&head)).unwrap_or(head))
}

fn test(features: &[&str], filter: &str) -> std::process::Command {
    let mut arguments = vec!["test", "--quiet", "--profile", "sim", "-p", "mekong-log", "--test", "crash"];
    arguments.extend(features);
    arguments.extend(["--", "--nocapture", filter]);
    command(&cargo(), &arguments)
}

fn seeds(chunk: &Chunk) -> Result<(), String> {
    let mut tests = test(&[], "acknowledged_batches_survive");
    tests.env("MEKONG_CRASH_SEEDS", format!("{}..{}", chunk.start, chunk.end));
    run(tests)
}

fn images(chunk: &Chunk) -> Result<(), String> {
    let mut tests = test(&[], "images_of_recorded_traces");
    tests.env("MEKONG_CRASH_TRACES", format!("{}..{}", chunk.start, chunk.end));
    tests.env("MEKONG_CRASH_IMAGES", IMAGES);
    run(tests)
}

fn seed_of(rest: &[String]) -> &str {
    let place = rest.iter().position(|argument| argument == "--seed");
    place.and_then(|place| rest.get(place + 1)).map_or("1", |seed| seed)
}

/// Removes what a proof of this seed left, and nothing of the others.
fn forget(work: &Path, name: &str, rest: &[String]) {
    let seed = seed_of(rest);
    let Ok(entries) = fs::read_dir(work) else { return };
    for entry in entries.flatten() {
        let file = entry.file_name();
        let file = file.to_string_lossy();
        let of_proof = file.strip_prefix(&format!("{name}-{seed}"));
        if of_proof.is_some_and(|rest| rest.starts_with(['.', '-'])) {
            fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path())).ok();
        }
    }
}

/// The proofs on the real process.
pub fn real(name: &str, rest: &[String]) -> Result<(), String> {
    run(command(&cargo(), &["build", "--quiet", "--release", "--bin", "mekong", "--bin", "mekong-crash"]))?;
    let release = target().join("release");
    let work = target().join("crash");
    let stamp = work.join(format!("{name}-{}.of", seed_of(rest)));
    let noted = fs::read_to_string(&stamp).ok();
    let now = of_these_sources(noted.clone())?;
    if rest.iter().any(|argument| argument == "--anew") || noted.as_ref() != Some(&now) {
        forget(&work, name, rest);
    }
    fs::create_dir_all(&work)
        .and_then(|()| fs::write(&stamp, now))
        .map_err(|error| format!("{}: {error}", stamp.display()))?;
    let mut proof = command(&release.join("mekong-crash").to_string_lossy(), &[name]);
    proof.current_dir(root()).arg("--mekong").arg(release.join("mekong")).arg("--work").arg(work);
    let volume = if name == "kill" { "500" } else { "1000" };
    if matches!(name, "kill" | "real") && !rest.iter().any(|argument| argument == "--cycles") {
        proof.args(["--cycles", volume]);
    }
    proof.args(rest.iter().filter(|argument| *argument != "--anew"));
    run(proof)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_other_sources_count_for_nothing() {
        let head = of_these_sources(None).unwrap();
        let noted = format!("{head}0..500\n");
        assert_eq!(of_these_sources(Some(noted.clone())), Ok(noted));
        assert_eq!(of_these_sources(Some("of 0123456789abcdef\n0..500\n".to_owned())), Ok(head.clone()));
        assert_eq!(of_these_sources(Some("0..500\n".to_owned())), Ok(head));
    }
}
