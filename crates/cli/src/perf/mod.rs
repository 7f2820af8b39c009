//! `mekong perf …`: throughput and latency, measured through this client.

mod consume;
mod latency;
mod produce;
mod quantiles;

use crate::connect::Connect;
use crate::failure::Outcome;
use crate::output::Output;

/// `mekong perf …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Send records as fast as they go, or at a rate.
    Produce(produce::Arguments),
    /// Read records as fast as they come.
    Consume(consume::Arguments),
    /// Send one record at a time and wait until it is read.
    Latency(latency::Arguments),
}

/// Runs it.
pub async fn run(command: Command, connect: &Connect, output: &Output) -> Outcome {
    match command {
        Command::Produce(arguments) => produce::run(arguments, connect, output).await,
        Command::Consume(arguments) => consume::run(arguments, connect, output).await,
        Command::Latency(arguments) => latency::run(arguments, connect, output).await,
    }
}
