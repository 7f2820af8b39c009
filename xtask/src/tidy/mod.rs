//! `cargo xtask tidy`: what keeps files readable, checked by a program.
//!
//! A file has at most 800 lines and opens with `//!`; a function has at most 70 lines, and half of them 10 or fewer.
//! Files above 400 lines stand in `ratchet.txt` with their length, which may only shrink.

mod functions;
mod ratchet;

use std::path::{Path, PathBuf};

use crate::shell::{output, root};

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;
const FUNCTION_LINES_MEDIAN: usize = 10;

/// What a source file may not say outside comments; each with what to do instead.
const LEFTOVERS: &[(&str, &str)] = &[
    ("todo!(", "write it or refuse the request"),
    ("unimplemented!(", "write it or refuse the request"),
    ("#[ignore", "run it, or leave it to --full by volume"),
    ("allow(dead_code", "delete what nobody calls, or give a reason"),
    ("allow(unused", "delete what nobody uses, or give a reason"),
    ("dbg!(", "use tracing"),
];

/// Checks all sources; every breach is a line of the error.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let files = sources()?;
    let mut breaches = Vec::new();
    let mut lengths = Vec::new();
    let mut functions = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))?;
        lengths.push((file.clone(), text.lines().count()));
        check_file(file, &text, &mut breaches);
        functions.extend(functions::lengths(file, &text)?);
    }
    check_functions(&functions, &mut breaches);
    breaches.extend(ratchet::check(&lengths, arguments.iter().any(|a| a == "--shrink"))?);
    report(files.len(), &functions, &breaches)
}

fn report(files: usize, functions: &[functions::Length], breaches: &[String]) -> Result<(), String> {
    if !breaches.is_empty() {
        return Err(breaches.join("\n"));
    }
    println!("{files} files, {} functions, median of {} lines", functions.len(), median(functions));
    Ok(())
}

/// Every Rust file that git knows, by its path from the root.
fn sources() -> Result<Vec<String>, String> {
    let listed = output(crate::shell::command(
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"],
    ))?;
    Ok(listed.lines().filter(|file| root().join(file).exists()).map(str::to_owned).collect())
}

fn check_file(file: &str, text: &str, breaches: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        breaches.push(format!("{file}: {lines} lines, at most {FILE_LINES_MAX}"));
    }
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !head.starts_with("//!") && !file.ends_with("build.rs") {
        breaches.push(format!("{file}: opens without //! that says what it is"));
    }
    if file.starts_with("xtask/src/tidy") {
        return;
    }
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        let excused = |word: &str| word.starts_with("allow(") && line.contains("reason = ");
        let found = LEFTOVERS.iter().find(|(word, _)| line.contains(word) && !excused(word));
        if let Some((word, instead)) = found {
            breaches.push(format!("{file}:{}: {word}…: {instead}", number + 1));
        }
    }
}

fn check_functions(functions: &[functions::Length], breaches: &mut Vec<String>) {
    for function in functions.iter().filter(|function| function.lines > FUNCTION_LINES_MAX) {
        breaches.push(format!("{}: {} lines, at most {FUNCTION_LINES_MAX}", function.place, function.lines));
    }
    let median = median(functions);
    if median > FUNCTION_LINES_MEDIAN {
        breaches.push(format!("the median function has {median} lines, more than {FUNCTION_LINES_MEDIAN}"));
    }
}

fn median(functions: &[functions::Length]) -> usize {
    let mut lines: Vec<usize> = functions.iter().map(|function| function.lines).collect();
    lines.sort_unstable();
    lines.get(lines.len() / 2).copied().unwrap_or(0)
}

/// Every Rust file below `folder`.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
