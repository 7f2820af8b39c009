//! `cargo xtask bench`: Mekong beside Apache Kafka, by the load generator in `crates/bench`.

use crate::runtimes;
use crate::shell::{cargo, command, root, run, target};

/// Builds both sides and runs what the arguments choose; without `--quick` the table goes to `docs/benchmarks.md`.
pub fn run_bench(arguments: &[String]) -> Result<(), String> {
    runtimes::check(&[runtimes::JAVA, runtimes::MAVEN])?;
    run(command(&cargo(), &["build", "--release", "--bin", "mekong", "--bin", "mekong-bench"]))?;
    let work = target().join("interop").join("java");
    std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let mut jars = command("bash", &["-c", "set -euo pipefail; . interop/java/environment.sh"]);
    jars.env("WORK", &work);
    run(jars)?;
    let release = target().join("release");
    let mut bench = command(&release.join("mekong-bench").to_string_lossy(), &[]);
    bench.arg("--mekong").arg(release.join("mekong")).arg("--kafka-libs").arg(work.join("libs"));
    bench.arg("--work").arg(target().join("bench")).args(arguments);
    let whole = arguments.iter().all(|argument| argument.starts_with("--"))
        && !arguments.iter().any(|a| a == "--quick");
    if whole && !arguments.iter().any(|argument| argument == "--out") {
        bench.arg("--out").arg(root().join("docs").join("benchmarks.md"));
    }
    run(bench)
}
