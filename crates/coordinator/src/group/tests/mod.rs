//! Golden scripts (`scripts/*.script`) and a seeded random run over the shard of groups.
//!
//! A script is commands, `---`, and what they led to, in blocks apart by an empty line. `MEKONG_UPDATE=1` writes the results anew.

mod random;
mod show;
mod world;

use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;
use std::{env, fs};

use world::World;

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/group/tests/scripts");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The script with the results that its commands have now.
fn run(script: &str) -> String {
    let mut world = World::default();
    let blocks = script.split("\n\n").map(|block| {
        let commands = block.split("\n---").next().unwrap_or_default().trim_matches('\n');
        let runs = commands.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let results: Vec<String> = runs.flat_map(|line| world.run(line)).collect();
        let any = commands.lines().any(|line| !line.starts_with('#') && !line.trim().is_empty());
        let results = if any { std::format!("\n---\n{}", results.join("\n")) } else { String::new() };
        std::format!("{commands}{}", results.trim_end())
    });
    let blocks: Vec<String> = blocks.collect();
    std::format!("{}\n", blocks.join("\n\n").trim_end())
}

#[test]
fn scripts_lead_to_what_they_say() {
    let update = env::var_os("MEKONG_UPDATE").is_some();
    let mut ran = 0;
    for path in scripts() {
        let script = fs::read_to_string(&path).unwrap();
        let now = run(&script);
        if update {
            fs::write(&path, &now).unwrap();
        } else {
            assert_eq!(now, script, "{}", path.display());
        }
        ran += 1;
    }
    assert!(ran >= 8, "the scripts stand beside this file");
}
