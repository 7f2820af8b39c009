//! The list of files above 400 lines: none may join it, none on it may grow.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::shell::root;

/// Above this a file must stand in the list.
const WISHED_LINES_MAX: usize = 400;

fn path() -> PathBuf {
    root().join("xtask/src/tidy/ratchet.txt")
}

/// Holds `lengths` against the list; with `shrink` writes today's lengths, which may still not grow.
pub fn check(lengths: &[(String, usize)], shrink: bool) -> Result<Vec<String>, String> {
    let allowed = read()?;
    let mut breaches = Vec::new();
    let mut today = BTreeMap::new();
    for (file, lines) in lengths.iter().filter(|(_, lines)| *lines > WISHED_LINES_MAX) {
        let most = allowed.get(file).copied().unwrap_or(WISHED_LINES_MAX);
        if *lines > most {
            breaches.push(format!(
                "{file}: {lines} lines, at most {most}: split it (xtask/src/tidy/ratchet.txt)"
            ));
        }
        today.insert(file.clone(), (*lines).min(most));
    }
    if shrink && breaches.is_empty() {
        write(&today)?;
    }
    Ok(breaches)
}

fn read() -> Result<BTreeMap<String, usize>, String> {
    let text = std::fs::read_to_string(path()).map_err(|error| format!("{}: {error}", path().display()))?;
    let entries = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (lines, file) = line.split_once(' ')?;
        Some((file.trim().to_owned(), lines.parse().ok()?))
    });
    Ok(entries.collect())
}

fn write(today: &BTreeMap<String, usize>) -> Result<(), String> {
    let mut text =
        String::from("# Files above 400 lines and the most lines each may have; only ever shorter.\n");
    for (file, lines) in today {
        text.push_str(&format!("{lines} {file}\n"));
    }
    std::fs::write(path(), text).map_err(|error| format!("{}: {error}", path().display()))
}
