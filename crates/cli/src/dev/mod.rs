//! `mekong dev`: a cluster of real processes on this machine, to try things on: brokers can be killed, paused, restarted and added.
//!
//! ```text
//! mekong dev ──► supervisor ──► mekong serve --config DIR/1/server.properties
//!                    ▲     ├──► mekong serve --config DIR/2/server.properties
//! mekong dev kill 2 ─┘     └──► …
//!      (DIR/control.sock)
//! ```
//!
//! The supervisor stays in the foreground and owns the processes: they end with it, even if it is killed, because each of them stops
//! when its standard input ends. Folders and ports are chosen once and kept in `DIR/dev.json`, so that the next start finds the
//! cluster again; the property files are written once and may be edited.

mod control;
mod member;
mod plan;
mod supervisor;

use std::path::PathBuf;

use control::Order;

use crate::failure::Outcome;
use crate::output::Output;

/// `mekong dev …`
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    start: Start,
    /// The cluster's folder.
    #[arg(long, value_name = "FOLDER", default_value = "./mekong-dev", global = true)]
    dir: PathBuf,
}

/// How to start.
#[derive(clap::Args)]
struct Start {
    /// How many brokers, where the folder holds no cluster yet.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=100))]
    brokers: i32,
    /// The first broker's port; the others take the next free ones.
    #[arg(long, default_value_t = 9092)]
    port: u16,
    /// One property for all brokers; wins over the files'. May be given many times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Run no schema registry.
    #[arg(long)]
    no_registry: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show the brokers' processes.
    Status,
    /// Kill a broker (SIGKILL), as if its machine lost power.
    Kill {
        /// Its node.id.
        broker: i32,
    },
    /// Pause a broker (SIGSTOP): it holds its connections and says nothing.
    Pause {
        /// Its node.id.
        broker: i32,
    },
    /// Let a paused broker go on (SIGCONT).
    Resume {
        /// Its node.id.
        broker: i32,
    },
    /// Stop a broker in order if it runs, and start it.
    Restart {
        /// Its node.id.
        broker: i32,
    },
    /// Add a broker.
    Add,
    /// Stop a broker in order, or all and the supervisor.
    Stop {
        /// Its node.id [default: all].
        broker: Option<i32>,
    },
}

/// Runs it.
pub fn run(arguments: Arguments, output: &Output) -> Outcome {
    let Arguments { command, start, dir } = arguments;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        match command.map(order) {
            Some(order) => control::send(&dir, &order, output).await,
            None => supervisor::run(&dir, start, output).await,
        }
    })
}

fn order(command: Command) -> Order {
    let (verb, broker) = match command {
        Command::Status => ("status", None),
        Command::Kill { broker } => ("kill", Some(broker)),
        Command::Pause { broker } => ("pause", Some(broker)),
        Command::Resume { broker } => ("resume", Some(broker)),
        Command::Restart { broker } => ("restart", Some(broker)),
        Command::Add => ("add", None),
        Command::Stop { broker } => ("stop", broker),
    };
    Order { verb: verb.to_owned(), broker }
}
