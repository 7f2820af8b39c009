//! The steps of `cargo xtask test`, in the order in which they run: cheap ones first.

use std::path::PathBuf;

use crate::runtimes::{self, Runtime};
use crate::shell::{cargo, command, root, run, target};
use crate::suite::Volume;
use crate::{bench, chaos, crash, interop, layers, tidy};

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
    /// Which volumes have it.
    pub when: When,
}

/// Which volumes have a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Both.
    Always,
    /// The fixed subset that CI runs.
    Quick,
    /// All of everything, in parts that take less than an hour.
    Full,
}

impl When {
    /// Whether a run of this volume has it.
    pub fn is_in(self, volume: Volume) -> bool {
        match self {
            Always => true,
            Quick => volume == Volume::Quick,
            Full => volume == Volume::Full,
        }
    }
}

/// A step that only `--full` has, and that needs no language.
const fn full(name: &'static str, what: &'static str, run: fn(Volume) -> Result<(), String>) -> Step {
    Step { name, what, needs: Vec::new, run, when: Full }
}

/// A step with the programs that it needs.
const fn needing(needs: fn() -> Vec<Runtime>, step: Step) -> Step {
    Step { needs, ..step }
}

use When::{Always, Full, Quick};

/// All clients are one step in the quick run, and one each in the full one.
macro_rules! client {
    ($step:literal, $name:literal) => {
        Step {
            name: $step,
            what: "a client that others wrote, all of its suite",
            needs: || interop::needs_of($name),
            run: |volume| interop::run_named($name, volume),
            when: Full,
        }
    };
}

/// The same suite against three brokers, replicas on all of them.
macro_rules! clustered {
    ($step:literal, $name:literal) => {
        Step {
            name: $step,
            what: "a client that others wrote, all of its suite against three brokers",
            needs: || interop::needs_of($name),
            run: |volume| interop::run_clustered($name, volume),
            when: Full,
        }
    };
}

/// All steps.
pub const STEPS: &[Step] = &[
    Step { name: "format", what: "rustfmt agrees", needs: Vec::new, run: format, when: Always },
    Step {
        name: "tidy",
        what: "lengths, heads, leftovers",
        needs: Vec::new,
        run: |_| tidy::run(&[]),
        when: Always,
    },
    Step { name: "layers", what: "who may know whom", needs: Vec::new, run: |_| layers::run(), when: Always },
    Step { name: "lint", what: "clippy, warnings are errors", needs: Vec::new, run: lint, when: Always },
    Step {
        name: "definitions",
        what: "Kafka's own message definitions",
        needs: || vec![runtimes::MAVEN],
        run: definitions,
        when: Always,
    },
    Step { name: "unit", what: "the tests beside the code", needs: Vec::new, run: unit, when: Always },
    Step {
        name: "simulate",
        what: "a cluster in one thread, its faults and its checker",
        needs: Vec::new,
        run: simulate,
        when: Always,
    },
    Step {
        name: "checker",
        what: "the checker on clean histories and on planted anomalies",
        needs: Vec::new,
        run: checker,
        when: Always,
    },
    full("fuzz-decoder", "6,250,000 inputs to the decoder, 10,000 of each message and version", fuzz_decoder),
    full("fuzz-batches", "2,000,000 inputs to the batch parser", fuzz_batches),
    full("fuzz-groups", "more than 1,000,000 requests to groups", fuzz_groups),
    full("fuzz-recovery", "200,000 damaged data folders", fuzz_recovery),
    full("crash-log", "the log over a disk that loses writes, 3,000 lives and moves", crash_log),
    Step { name: "build", what: "the release binary", needs: Vec::new, run: build, when: Always },
    Step {
        name: "crash-sample",
        what: "10 times kill -9 of the real process under load; 50 crash images with --full",
        needs: Vec::new,
        run: crash_sample,
        when: Always,
    },
    full("crash-seeds", "a disk that loses what was not synced, 10,000 seeds", |_| crash_proof("seeds")),
    full("crash-images", "49,000 crash images of 200 recorded traces", |_| crash_proof("images")),
    full("crash-kill", "500 times kill -9 of the real process under load", |_| crash_proof("kill")),
    needing(
        chaos::needs,
        full("chaos", "real brokers, real clients, real faults: 20 runs of 60 s", |volume| {
            chaos::step(volume, 1)
        }),
    ),
    needing(chaos::needs, full("chaos-more", "20 other runs of it", |volume| chaos::step(volume, 21))),
    needing(
        || vec![runtimes::VALGRIND, runtimes::STRACE],
        full("counts", "instructions and system calls of hot paths", |_| bench::run_counts(&[])),
    ),
    Step {
        name: "interop",
        what: "clients that others wrote",
        needs: interop::needs,
        run: interop::run_all,
        when: Quick,
    },
    Step {
        name: "interop-cluster",
        what: "clients that others wrote, against three brokers",
        needs: interop::needs_clustered,
        run: interop::run_all_clustered,
        when: Quick,
    },
    client!("interop-kio", "kio"),
    client!("interop-python", "python"),
    client!("interop-registry-python", "registry-python"),
    client!("interop-registry-node", "registry-node"),
    client!("interop-registry-go", "registry-go"),
    client!("interop-registry-java", "registry-java"),
    client!("interop-registry-rust", "registry-rust"),
    client!("interop-node", "node"),
    client!("interop-go", "go"),
    client!("interop-java", "java"),
    client!("interop-parity", "parity"),
    client!("interop-mixed-group", "mixed-group"),
    client!("interop-registry-crash", "registry-crash"),
    client!("interop-registry-fleet", "registry-fleet"),
    client!("interop-kcat", "kcat"),
    client!("interop-java-apps", "java-apps"),
    client!("interop-librdkafka", "librdkafka"),
    client!("interop-rust", "rust"),
    clustered!("interop-kcat-cluster", "kcat"),
    clustered!("interop-python-cluster", "python"),
    clustered!("interop-node-cluster", "node"),
    clustered!("interop-go-cluster", "go"),
    clustered!("interop-java-cluster", "java"),
    clustered!("interop-mixed-group-cluster", "mixed-group"),
    clustered!("interop-librdkafka-cluster", "librdkafka"),
    clustered!("interop-rust-cluster", "rust"),
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

fn unit(_: Volume) -> Result<(), String> {
    let mut tests = command(&cargo(), &["test", "--quiet", "--workspace"]);
    tests.env("MEKONG_KAFKA_DEFINITIONS", definitions_folder());
    run(tests)
}

/// Planted bugs that the first 31 seeds find, one of each kind of mistake; docs/replication.md has all.
const PLANTED: &[&str] = &[
    "HighWatermarkCountsUndurable",
    "HighWatermarkIgnoresPendingIsr",
    "NewLeaderTrustsItsEnd",
    "JoinBelowEpochStart",
    "TruncateToHighWatermark",
    "LeadBeforeRegistered",
    "AckAtAppend",
    "NoIdempotence",
    "ReadToLogEnd",
    "AnswerBeforeCommit",
    "ServeBeforeLoaded",
];

/// At least 500 histories that count, 20,000 with `--full`; then some planted bugs must be found.
fn simulate(volume: Volume) -> Result<(), String> {
    let (seeds, least) = if volume == Volume::Full { ("0..21200", "20000") } else { ("0..530", "500") };
    let simulate = ["run", "--quiet", "--profile", "sim", "-p", "mekong-sim", "--features", "planted", "--"];
    run(command(&cargo(), &[&simulate[..], &["--seeds", seeds, "--least", least]].concat()))?;
    let planted: Vec<&str> = PLANTED.iter().flat_map(|bug| ["--plant", *bug]).collect();
    run(command(&cargo(), &[&simulate[..], &["--seeds", "0..31"], &planted[..]].concat()))
}

/// More than 25 kinds of anomalies: more than 10,000 of them, and as many clean histories.
fn checker(_: Volume) -> Result<(), String> {
    let check = ["test", "--quiet", "--profile", "sim", "-p", "mekong-checker", "--test", "planted"];
    let mut check = command(&cargo(), &[&check[..], &["--", "--nocapture"]].concat());
    check.env("MEKONG_CHECKER_HISTORIES", "260");
    run(check)
}

/// One test of a crate at its full volume, optimised.
fn at_volume(package: &str, test: &[&str], settings: &[(&str, &str)]) -> Result<(), String> {
    let common = ["test", "--quiet", "--profile", "sim", "-p", package];
    let mut tests = command(&cargo(), &[&common[..], test, &["--nocapture"]].concat());
    tests.envs(settings.iter().copied());
    run(tests)
}

fn fuzz_decoder(_: Volume) -> Result<(), String> {
    at_volume("mekong-wire", &["--test", "fuzz", "--"], &[("MEKONG_FUZZ_INPUTS", "6250000")])
}

fn fuzz_batches(_: Volume) -> Result<(), String> {
    at_volume("mekong-records", &["--test", "fuzz", "--"], &[("FUZZ_RECORDS", "2000000")])
}

fn fuzz_groups(_: Volume) -> Result<(), String> {
    at_volume("mekong-coordinator", &["--lib", "--", "random"], &[("MEKONG_TEST_VOLUME", "full")])
}

fn fuzz_recovery(_: Volume) -> Result<(), String> {
    at_volume("mekong-log", &["--test", "recovery_fuzz", "--"], &[("MEKONG_RECOVERY_INPUTS", "200000")])
}

fn crash_log(_: Volume) -> Result<(), String> {
    let seeds = [("MEKONG_CRASH_SEEDS", "0..3000"), ("MEKONG_MOVE_SEEDS", "0..3000")];
    at_volume("mekong-log", &["--test", "crash", "--test", "moving", "--"], &seeds)
}

/// What was done by a run that was broken off is not done again.
fn crash_proof(name: &str) -> Result<(), String> {
    crash::run_crash(&[name.to_owned()])
}

fn crash_sample(volume: Volume) -> Result<(), String> {
    let proof = |name: &str, count: &str| {
        crash::run_crash(&[name, "--cycles", count, "--seed", "90", "--anew"].map(str::to_owned))
    };
    proof("kill", "10")?;
    if volume == Volume::Full { proof("real", "50") } else { Ok(()) }
}

fn build(_: Volume) -> Result<(), String> {
    run(command(&cargo(), &["build", "--quiet", "--release", "--bin", "mekong"]))?;
    // As the README has it: cargo must know which of the binaries is meant.
    run(command(&cargo(), &["run", "--quiet", "--release", "--", "--version"]))?;
    let binary = target().join("release").join("mekong");
    if binary.exists() {
        Ok(())
    } else {
        Err(format!("{} is missing below {}", binary.display(), root().display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_its_step_in_a_full_run() {
        for client in interop::CLIENTS {
            let name = format!("interop-{}", client.name);
            assert!(STEPS.iter().any(|step| step.name == name && step.when == Full), "{name} is missing");
        }
        for client in interop::OF_CLUSTERS {
            let name = format!("interop-{client}-cluster");
            assert!(STEPS.iter().any(|step| step.name == name && step.when == Full), "{name} is missing");
        }
    }
}
