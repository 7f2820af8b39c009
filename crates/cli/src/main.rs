//! The `mekong` binary: the only place that prints.

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Event streaming that speaks Kafka's protocol.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a broker.
    Serve(serve::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments),
    }
}
