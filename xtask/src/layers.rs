//! `cargo xtask layers`: which crate may know which, which crates are pure, and how many dependencies there are.
//!
//! The order here is the code map of ARCHITECTURE.md: a crate may use what stands above it, never what stands below.

mod imports;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::shell::{cargo, command, output, root};

struct Layer {
    name: &'static str,
    purity: Purity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purity {
    /// `no_std` with `alloc`: the compiler proves that it knows no world.
    NoStd,
    /// Uses `std` for collections and codecs, but no clock, files, threads or sockets.
    Pure,
    World,
}

const fn layer(name: &'static str, purity: Purity) -> Layer {
    Layer { name, purity }
}

const LAYERS: &[Layer] = &[
    layer("base", Purity::NoStd),
    layer("wire", Purity::NoStd),
    layer("records", Purity::Pure),
    layer("replica", Purity::NoStd),
    layer("metadata", Purity::NoStd),
    layer("coordinator", Purity::NoStd),
    layer("auth", Purity::NoStd),
    layer("schema", Purity::Pure),
    layer("env", Purity::World),
    layer("log", Purity::World),
    layer("net", Purity::World),
    layer("quorum", Purity::World),
    layer("client", Purity::World),
    layer("serde", Purity::World),
    layer("broker", Purity::World),
    layer("registry", Purity::World),
    layer("cli", Purity::World),
    layer("checker", Purity::Pure),
    layer("sim", Purity::World),
    layer("chaos", Purity::World),
    layer("bench", Purity::World),
    layer("crash", Purity::World),
];

/// Crates that no pure crate may depend on.
const WORLDLY: &[&str] = &["tokio", "rustix", "socket2", "rand", "getrandom", "axum", "tracing-subscriber"];

/// What a pure crate's source may not say.
const WORLDLY_WORDS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::env",
    "tokio::",
];

/// The most packages that a crate may draw in (`cargo tree -e normal`, each counted once).
const DEPENDENCIES_MAX: &[(&str, usize)] = &[("mekong-broker", 130), ("mekong", 250)];

/// Checks all; every breach is a line of the error.
pub fn run() -> Result<(), String> {
    let metadata = output(command(&cargo(), &["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let mut breaches = Vec::new();
    let packages = packages(&metadata);
    for (name, dependencies) in &packages {
        check_arrows(name, dependencies, &mut breaches);
        check_purity(name, dependencies, &mut breaches)?;
    }
    check_counts(&packages, &mut breaches)?;
    if breaches.is_empty() {
        println!("{} crates keep their layers", packages.len());
        return Ok(());
    }
    Err(breaches.join("\n"))
}

/// Workspace crates by folder name, with their normal dependencies' package names.
fn packages(metadata: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = short(package["name"].as_str().unwrap_or_default());
        let normal = package["dependencies"].as_array().into_iter().flatten().filter(|d| d["kind"].is_null());
        let names = normal.filter_map(|d| d["name"].as_str()).map(str::to_owned).collect();
        found.insert(name, names);
    }
    found.remove("xtask");
    found
}

/// A crate's folder name: the binary crate is `cli`, the others drop their prefix.
fn short(package: &str) -> String {
    if package == "mekong" { "cli".into() } else { package.trim_start_matches("mekong-").into() }
}

fn rank(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.name == name)
}

fn check_arrows(name: &str, dependencies: &[String], breaches: &mut Vec<String>) {
    let Some(own) = rank(name) else {
        breaches.push(format!("crate {name} has no place in the layers (xtask/src/layers.rs)"));
        return;
    };
    for used in dependencies.iter().filter(|used| used.starts_with("mekong")).map(|used| short(used)) {
        if rank(&used).is_none_or(|used| used >= own) {
            breaches.push(format!("crate {name} may not use {used}: it stands at or below it"));
        }
    }
    if name == "registry" && dependencies.iter().any(|used| used == "mekong-broker") {
        breaches.push(format!("crate {name} sees the cluster only through client, never the broker"));
    }
}

fn check_purity(name: &str, dependencies: &[String], breaches: &mut Vec<String>) -> Result<(), String> {
    let purity = LAYERS.iter().find(|layer| layer.name == name).map_or(Purity::World, |layer| layer.purity);
    if purity == Purity::World {
        return Ok(());
    }
    for used in dependencies.iter().filter(|used| WORLDLY.contains(&used.as_str())) {
        breaches.push(format!("pure crate {name} uses {used}"));
    }
    let source = root().join("crates").join(name).join("src");
    let head = std::fs::read_to_string(source.join("lib.rs")).map_err(|error| format!("{name}: {error}"))?;
    if purity == Purity::NoStd && !head.contains("no_std") {
        breaches.push(format!("crate {name} must be no_std"));
    }
    for file in crate::tidy::rust_files(&source) {
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        for (line, word) in worldly(&file.display().to_string(), &text)? {
            breaches.push(format!("{}:{line}: pure crate {name} says {word}", file.display()));
        }
    }
    Ok(())
}

/// The lines that say a word of the world, plainly or in a grouped import.
fn worldly(file: &str, text: &str) -> Result<BTreeSet<(usize, &'static str)>, String> {
    let code = text.lines().zip(1..).filter(|(line, _)| !line.trim_start().starts_with("//"));
    let said = code.filter_map(|(line, number)| {
        WORLDLY_WORDS.iter().find(|word| line.contains(**word)).map(|word| (number, *word))
    });
    let mut found: BTreeSet<_> = said.collect();
    // Tests of a pure crate may read their scripts and settings.
    if file.contains("/tests/") || file.ends_with("/tests.rs") {
        return Ok(found);
    }
    for import in imports::imports(file, text)? {
        let brought = WORLDLY_WORDS.iter().filter(|word| import.brings(word));
        found.extend(brought.map(|word| (import.line, *word)));
    }
    Ok(found)
}

fn check_counts(packages: &BTreeMap<String, Vec<String>>, breaches: &mut Vec<String>) -> Result<(), String> {
    for (package, most) in
        DEPENDENCIES_MAX.iter().filter(|(package, _)| packages.contains_key(&short(package)))
    {
        let tree = output(command(&cargo(), &["tree", "-e", "normal", "-p", package, "--prefix", "none"]))?;
        let unique: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        let count = unique.iter().filter(|line| !line.is_empty()).count();
        println!("{package}: {count} packages, at most {most}");
        if count > *most {
            breaches.push(format!("{package} draws in {count} packages, more than {most}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_found_however_it_is_imported() {
        for (text, lines) in [
            ("use std::fs;", &[1][..]),
            ("use std::{fs, io::Read};", &[1]),
            ("use std::{\n    collections::BTreeMap,\n    thread,\n};", &[3]),
            ("use std::time::{Duration, Instant};", &[1]),
            ("use std::{time::{self, SystemTime}};", &[1]),
            ("use std::{net::{self}};", &[1]),
            ("use ::std::{env as surroundings};", &[1]),
            ("use std::time::*;", &[1, 1]),
            ("use {tokio as runtime};", &[1]),
            ("fn f() { use std::{fs::File}; }", &[1]),
            ("fn f() { std::thread::yield_now(); }", &[1]),
            ("use std::{collections::BTreeMap, time::Duration};", &[]),
            ("use std::{fsync, environment};", &[]),
            ("// use std::{fs};", &[]),
        ] {
            let found: Vec<usize> =
                worldly("a.rs", text).unwrap().into_iter().map(|(line, _)| line).collect();
            assert_eq!(found, lines, "{text}");
        }
        assert!(worldly("src/tests/a.rs", "use std::{env, fs};").unwrap().is_empty());
        assert_eq!(worldly("src/tests/a.rs", "use std::fs;").unwrap().len(), 1);
    }
}
