//! `cargo xtask …`: what developers and CI run. `cargo xtask help` lists the commands.

mod bench;
mod brokers;
mod chaos;
mod crash;
mod interop;
mod layers;
mod listed;
mod runtimes;
mod shell;
mod sources;
mod steps;
mod suite;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test [--full] [--step NAME]... [--from NAME] [--list]
    sets up and passes the tests; --full runs all of everything; --from resumes at a step
cargo xtask tidy [--shrink]
    file and function lengths, module heads, leftovers; --shrink tightens the ratchet
cargo xtask layers
    which crate may know which, purity, dependency counts
cargo xtask crash seeds|images|planted|kill|real|full|hostile [...]
    the crash proofs at volume, resumable
cargo xtask bench cluster [--runs N] [--kafka-runs N] [--minutes N] [--quick] [--alone] [--out FILE] [SCENARIO]...
    every target of a cluster, three nodes of Mekong beside three of Apache Kafka
cargo xtask bench [--quick] [--seconds N] [--pairs N] [--long SECONDS] [--out FILE] [SCENARIO]...
    Mekong and Apache Kafka side by side on this machine; all scenarios write docs/benchmarks.md
cargo xtask counts [--write]
    instructions and system calls a request, against what crates/bench/counts.txt keeps
cargo xtask chaos [--runs N] [--seed S] [--seconds N] [--out FOLDER]
    three real brokers in network namespaces, clients of four libraries, faults, the checker; needs root;
    runs with a verdict in the folder are not repeated";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match command.as_str() {
        "test" => suite::run(&rest),
        "tidy" => tidy::run(&rest),
        "layers" => layers::run(),
        "crash" => crash::run_crash(&rest),
        "counts" => bench::run_counts(&rest),
        "chaos" => chaos::run_chaos(&rest),
        "bench" => bench::run_bench(&rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(format!("unknown command '{command}'\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
