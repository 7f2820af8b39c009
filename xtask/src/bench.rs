//! `cargo xtask bench`: Mekong beside Apache Kafka, by the load generator in `crates/bench`; `cargo xtask counts`: what does not depend on
//! the clock; `cargo xtask bench cluster`: three nodes beside three of Kafka's.

use std::process::Command;

use crate::runtimes;
use crate::shell::{cargo, command, root, run, target};

/// Builds both sides and runs what the arguments choose; without `--quick` the table goes to `docs/benchmarks.md`.
pub fn run_bench(arguments: &[String]) -> Result<(), String> {
    if let Some(("registry", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return registry(rest);
    }
    if let Some(("cluster", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return cluster(rest);
    }
    runtimes::check(&[runtimes::JAVA, runtimes::MAVEN, runtimes::PYTHON, runtimes::CC])?;
    let mut bench = both_sides()?;
    let rdkafka = target().join("interop").join("rdkafka-performance");
    std::fs::create_dir_all(&rdkafka).map_err(|error| format!("{}: {error}", rdkafka.display()))?;
    let mut generator = command("bash", &["interop/rust/performance.sh"]);
    generator.env("WORK", &rdkafka);
    run(generator)?;
    bench.arg("--rdkafka").arg(rdkafka.join("librdkafka/examples/rdkafka_performance"));
    bench.arg("--work").arg(target().join("bench")).args(arguments);
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if is_whole(arguments) && !has("--quick") && !has("--out") {
        bench.arg("--out").arg(root().join("docs").join("benchmarks.md"));
    }
    run(bench)
}

/// The load generator, with both brokers built and named.
fn both_sides() -> Result<Command, String> {
    run(command(&cargo(), &["build", "--release", "--bin", "mekong", "--bin", "mekong-bench"]))?;
    let work = target().join("interop").join("java");
    std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let mut jars = command("bash", &["-c", "set -euo pipefail; . interop/java/environment.sh"]);
    jars.env("WORK", &work);
    run(jars)?;
    let release = target().join("release");
    let mut bench = command(&release.join("mekong-bench").to_string_lossy(), &[]);
    bench.arg("--mekong").arg(release.join("mekong")).arg("--kafka-libs").arg(work.join("libs"));
    Ok(bench)
}

/// The targets of a cluster, three nodes on each side; the whole of it goes to `docs/benchmarks-cluster.md`.
fn cluster(arguments: &[String]) -> Result<(), String> {
    runtimes::check(&[runtimes::JAVA, runtimes::MAVEN])?;
    let mut bench = both_sides()?;
    bench.arg("--cluster").arg("--work").arg(target().join("bench").join("cluster")).args(arguments);
    if arguments.is_empty() {
        bench.arg("--out").arg(root().join("docs").join("benchmarks-cluster.md"));
    }
    run(bench)
}

/// `cargo xtask counts`: instructions and system calls a request, against the file that keeps them, which `--write` writes.
pub fn run_counts(arguments: &[String]) -> Result<(), String> {
    runtimes::check(&[runtimes::VALGRIND, runtimes::STRACE])?;
    let option = match arguments {
        [] => "--check-counts",
        [write] if write == "--write" => "--write-counts",
        _ => return Err("counts takes --write or nothing".into()),
    };
    run(command(&cargo(), &["build", "--release", "--bin", "mekong", "--bin", "mekong-bench"]))?;
    let release = target().join("release");
    let mut counts = command(&release.join("mekong-bench").to_string_lossy(), &[option]);
    counts.arg(root().join("crates").join("bench").join("counts.txt"));
    counts.arg("--mekong").arg(release.join("mekong")).arg("--work").arg(target().join("bench"));
    run(counts)
}

/// Whether no scenario is named: every argument is an option or the value of one.
fn is_whole(arguments: &[String]) -> bool {
    let mut before = "";
    arguments.iter().all(|argument| {
        let is_value = before.starts_with("--") && before != "--quick";
        before = argument;
        is_value || argument.starts_with("--")
    })
}

/// The schema registry alone, by a load generator of its own.
fn registry(arguments: &[String]) -> Result<(), String> {
    run(command(&cargo(), &["build", "--release", "--bin", "mekong", "--bin", "mekong-bench-registry"]))?;
    let release = target().join("release");
    let mut bench = command(&release.join("mekong-bench-registry").to_string_lossy(), &[]);
    bench.arg("--mekong").arg(release.join("mekong"));
    bench.arg("--work").arg(target().join("bench").join("registry")).args(arguments);
    run(bench)
}
