//! The `mekong` binary: the only place that prints.

mod ask;
mod cluster;
mod config;
mod connect;
mod consume;
mod demo;
mod dev;
mod embedded;
mod failure;
mod filesystem;
mod format;
mod group;
mod log;
mod output;
mod perf;
mod produce;
mod profile;
mod quorum;
mod registry_command;
mod schema;
mod serve;
mod text;
mod time;
mod topic;
mod validation;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use connect::Connect;
use failure::Outcome;
use output::Output;

/// Requests of many connections take and free small pieces on several threads: it costs a quarter less CPU than the C library's here.
// Without huge pages: a buffer that is reserved and not written to must not take memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Event streaming that speaks Kafka's protocol.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    connect: Connect,
    /// Print JSON: one object, or one a line where there are many.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a broker.
    Serve(serve::Arguments),
    /// Run a cluster of several brokers on this machine, to try things on.
    Dev(dev::Arguments),
    /// Run a schema registry alone, on any cluster.
    Registry(registry_command::Arguments),
    /// Create, list, describe, alter and delete topics.
    #[command(subcommand, visible_alias = "topics")]
    Topic(topic::Command),
    /// Send records from arguments, lines or JSON lines.
    Produce(produce::Arguments),
    /// Print records.
    Consume(consume::Arguments),
    /// List, describe, reset and delete consumer groups.
    #[command(subcommand, visible_alias = "groups")]
    Group(group::Command),
    /// Show and change configs of topics, brokers and groups.
    #[command(subcommand)]
    Config(config::Command),
    /// Show the cluster: brokers, what they speak, what lies on their disks.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Read the files of a partition, without a broker.
    #[command(subcommand)]
    Log(log::Command),
    /// Register, check, compare and copy schemas of the schema registry.
    #[command(visible_alias = "schemas")]
    Schema(schema::Arguments),
    /// Measure throughput and latency.
    #[command(subcommand)]
    Perf(perf::Command),
    /// See it work: a play with live figures and a proof at the end.
    #[command(subcommand)]
    Demo(demo::Command),
    /// Keep the addresses of clusters under names.
    #[command(subcommand)]
    Profile(profile::Command),
    /// Print a script that completes commands in a shell.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// Of each thread: schemas may nest as deep as is allowed, and parsing them recurses.
const STACK_BYTES: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    let Arguments { connect, json, command } = Arguments::parse();
    if let Command::Serve(arguments) = command {
        return serve::run(arguments, json);
    }
    if let Command::Registry(arguments) = command {
        return registry_command::run(arguments, &connect, json);
    }
    let output = Output::new(json);
    match run(command, &connect, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&output),
    }
}

fn run(command: Command, connect: &Connect, output: &Output) -> Outcome {
    match command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "mekong", &mut script);
            return output.bytes(&script);
        }
        Command::Log(command) => return log::run(command, output),
        Command::Profile(command) => return profile::run(command, output),
        Command::Dev(arguments) => return dev::run(arguments, output),
        _ => {}
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK_BYTES).enable_all().build()?;
    let outcome = runtime.block_on(run_connected(command, connect, output));
    runtime.shutdown_background();
    outcome
}

async fn run_connected(command: Command, connect: &Connect, output: &Output) -> Outcome {
    match command {
        Command::Topic(command) => topic::run(command, connect, output).await,
        Command::Produce(arguments) => produce::run(arguments, connect, output).await,
        Command::Consume(arguments) => consume::run(arguments, connect, output).await,
        Command::Group(command) => group::run(command, connect, output).await,
        Command::Config(command) => config::run(command, connect, output).await,
        Command::Cluster(command) => cluster::run(command, connect, output).await,
        Command::Schema(arguments) => schema::run(arguments, connect, output).await,
        Command::Perf(command) => perf::run(command, connect, output).await,
        Command::Demo(command) => demo::run(command, connect, output).await,
        Command::Serve(_)
        | Command::Dev(_)
        | Command::Registry(_)
        | Command::Log(_)
        | Command::Profile(_)
        | Command::Completions { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        super::Arguments::command().debug_assert();
    }
}
