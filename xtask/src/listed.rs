//! `interop/<client>/passes.txt`: the tests of a client that pass on Apache Kafka 4.3.1, which must go on to pass on Mekong.
//!
//! One test a line, as the script prints it after `ok `; `full: ` before it leaves it out of the quick run, and `cluster: `
//! or `single: ` asks it only of several brokers or of one. A test that the list names and the run does not pass fails, and
//! so does one that passes without being listed: so the list grows with the tests, and never shrinks unseen.

use std::collections::BTreeSet;
use std::path::Path;

use crate::suite::Volume;

/// What a run is, as far as lists care.
#[derive(Clone, Copy)]
pub struct Run {
    /// Quick or full.
    pub volume: Volume,
    /// How many brokers it had.
    pub brokers: usize,
}

/// The tests of the list in `text` that `run` must pass.
fn wanted(text: &str, run: Run) -> BTreeSet<&str> {
    text.lines().filter_map(|line| asked(line.trim(), run)).collect()
}

/// The test that a line names, if this run has it.
fn asked(line: &str, run: Run) -> Option<&str> {
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    match line.split_once(": ") {
        Some(("full", test)) => (run.volume == Volume::Full).then_some(test),
        Some(("cluster", test)) => (run.brokers > 1).then_some(test),
        Some(("single", test)) => (run.brokers == 1).then_some(test),
        _ => Some(line),
    }
}

/// The tests that a script says have passed.
fn passed(output: &str) -> BTreeSet<&str> {
    output.lines().filter_map(|line| plain(line).strip_prefix("ok ")).map(str::trim).collect()
}

/// A line without the colours that some program left at its beginning.
fn plain(mut line: &str) -> &str {
    while let Some((code, rest)) = line.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m')) {
        if code.contains(|letter: char| !letter.is_ascii_digit() && letter != ';') {
            break;
        }
        line = rest;
    }
    line
}

/// Compares what a script printed with the list in `folder`, where there is one.
pub fn compare(folder: &Path, run: Run, output: &str) -> Result<(), String> {
    let list = folder.join("passes.txt");
    match std::fs::read_to_string(&list) {
        Ok(text) => held(&text, run, output).map_err(|error| format!("{}: {error}", list.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("{}: {error}", list.display())),
    }
}

fn held(text: &str, run: Run, output: &str) -> Result<(), String> {
    let (wanted, passed) = (wanted(text, run), passed(output));
    let named: BTreeSet<&str> =
        text.lines().map(|line| line.split_once(": ").map_or(line, |(_, test)| test).trim()).collect();
    let join = |tests: Vec<&str>| tests.join("\n  ");
    let missing: Vec<&str> = wanted.difference(&passed).copied().collect();
    let unlisted: Vec<&str> = passed.difference(&named).copied().collect();
    if !missing.is_empty() {
        return Err(format!("listed, and not passed:\n  {}", join(missing)));
    }
    if !unlisted.is_empty() {
        return Err(format!("passed, and not listed yet; add them:\n  {}", join(unlisted)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# a client\nx produces\nfull: x consumes\ncluster: x moves\n";

    fn outcome(volume: Volume, brokers: usize, output: &str) -> Result<(), String> {
        held(LIST, Run { volume, brokers }, output)
    }

    #[test]
    fn a_run_passes_only_with_all_that_its_list_names() {
        assert_eq!(outcome(Volume::Quick, 1, "ok x produces\n"), Ok(()));
        assert_eq!(outcome(Volume::Quick, 1, "\u{1b}[0m\u{1b}[1;31mok x produces\n"), Ok(()));
        assert_eq!(outcome(Volume::Full, 3, "ok x produces\nok x consumes\nok x moves\n"), Ok(()));
        let missing = outcome(Volume::Full, 1, "ok x produces\nnot ok x consumes\n");
        assert!(missing.is_err_and(|error| error.contains("not passed:\n  x consumes")));
        assert!(outcome(Volume::Quick, 3, "ok x produces\n").is_err_and(|error| error.contains("x moves")));
    }

    #[test]
    fn a_test_that_passes_must_be_listed() {
        let unlisted = outcome(Volume::Quick, 1, "ok x produces\nok x commits\n");
        assert!(unlisted.is_err_and(|error| error.contains("add them:\n  x commits")));
    }
}
