//! The steps of `cargo xtask test`, in the order in which they run: cheap ones first.

use std::path::PathBuf;

use crate::runtimes::{self, Runtime};
use crate::shell::{cargo, command, root, run, target};
use crate::suite::Volume;
use crate::{interop, layers, tidy};

/// One named part of the tests.
pub struct Step {
    /// What `--step` and `--from` call it.
    pub name: &'static str,
    /// A line for the reader.
    pub what: &'static str,
    /// The languages that it needs.
    pub needs: fn() -> Vec<Runtime>,
    /// Performs it.
    pub run: fn(Volume) -> Result<(), String>,
}

/// All steps.
pub const STEPS: &[Step] = &[
    Step { name: "format", what: "rustfmt agrees", needs: Vec::new, run: format },
    Step { name: "tidy", what: "lengths, heads, leftovers", needs: Vec::new, run: |_| tidy::run(&[]) },
    Step { name: "layers", what: "who may know whom", needs: Vec::new, run: |_| layers::run() },
    Step { name: "lint", what: "clippy, warnings are errors", needs: Vec::new, run: lint },
    Step {
        name: "definitions",
        what: "Kafka's own message definitions",
        needs: || vec![runtimes::MAVEN],
        run: definitions,
    },
    Step { name: "unit", what: "the tests beside the code", needs: Vec::new, run: unit },
    Step {
        name: "simulate",
        what: "a cluster in one thread, its faults and its checker",
        needs: Vec::new,
        run: simulate,
    },
    Step {
        name: "checker",
        what: "the checker on clean histories and on planted anomalies",
        needs: Vec::new,
        run: checker,
    },
    Step { name: "build", what: "the release binary", needs: Vec::new, run: build },
    Step { name: "interop", what: "clients that others wrote", needs: interop::needs, run: interop::run_all },
];

fn format(_: Volume) -> Result<(), String> {
    run(command(&cargo(), &["fmt", "--all", "--check"]))
}

/// Tests may panic, so what keeps panics out of the product is not asked of them.
fn lint(_: Volume) -> Result<(), String> {
    let clippy = ["clippy", "--quiet", "--workspace"];
    let product = [&clippy[..], &["--lib", "--bins", "--", "-D", "warnings"]].concat();
    run(command(&cargo(), &product))?;
    let allowed = [
        "-A",
        "clippy::unwrap_used",
        "-A",
        "clippy::indexing_slicing",
        "-A",
        "unfulfilled_lint_expectations",
    ];
    let tests = [&clippy[..], &["--tests", "--examples", "--", "-D", "warnings"], &allowed[..]].concat();
    run(command(&cargo(), &tests))
}

/// Where the definitions inside the kafka-clients jar are unpacked.
fn definitions_folder() -> PathBuf {
    target().join("interop").join("kafka-definitions")
}

fn definitions(_: Volume) -> Result<(), String> {
    let folder = definitions_folder();
    let folder = folder.to_string_lossy();
    run(command("bash", &["interop/kafka-definitions/fetch.sh", &folder]))
}

fn unit(volume: Volume) -> Result<(), String> {
    let mut tests = command(&cargo(), &["test", "--quiet", "--workspace"]);
    tests.env("MEKONG_KAFKA_DEFINITIONS", definitions_folder());
    if volume == Volume::Full {
        tests.env("MEKONG_TEST_VOLUME", "full");
    }
    run(tests)
}

/// At least 500 histories that count; 20,000 with `--full`.
fn simulate(volume: Volume) -> Result<(), String> {
    let (seeds, least) = if volume == Volume::Full { ("0..20800", "20000") } else { ("0..530", "500") };
    let simulate = ["run", "--quiet", "--profile", "sim", "-p", "mekong-sim", "--"];
    run(command(&cargo(), &[&simulate[..], &["--seeds", seeds, "--least", least]].concat()))
}

/// More than 25 kinds of anomalies: more than 10,000 of them, and as many clean histories.
fn checker(_: Volume) -> Result<(), String> {
    let check = ["test", "--quiet", "--profile", "sim", "-p", "mekong-checker", "--test", "planted"];
    let mut check = command(&cargo(), &[&check[..], &["--", "--nocapture"]].concat());
    check.env("MEKONG_CHECKER_HISTORIES", "260");
    run(check)
}

fn build(_: Volume) -> Result<(), String> {
    run(command(&cargo(), &["build", "--quiet", "--release", "--bin", "mekong"]))?;
    let binary = target().join("release").join("mekong");
    if binary.exists() {
        Ok(())
    } else {
        Err(format!("{} is missing below {}", binary.display(), root().display()))
    }
}
