//! `mekong schema`: the schema registry from the command line.

pub mod codec;
mod compare;
mod copy;
mod order;
mod read;
mod registry;
mod settings;
mod subjects;

use crate::connect::Connect;
use crate::failure::Outcome;
use crate::output::Output;
pub use registry::RegistryArguments;

/// `mekong schema …`
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    registry: RegistryArguments,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(clap::Subcommand)]
enum Command {
    /// List subjects with their latest versions.
    List(subjects::List),
    /// Print a schema.
    Get(subjects::Get),
    /// Register a schema under a subject.
    Register(subjects::Register),
    /// Say whether a schema may follow in a subject, and if not, what to change.
    Check(compare::Check),
    /// Compare two versions of a subject.
    Diff(compare::Diff),
    /// Delete a subject or one version of it.
    Delete(subjects::Delete),
    /// Show or change compatibility and other settings, of a subject or of all.
    Config(settings::Config),
    /// Show or set the mode, of a subject or of all.
    Mode(settings::Mode),
    /// Print schemas with ids, versions and settings as JSON lines, for `import`.
    Export(copy::Export),
    /// Register what `export` printed, under the same ids and versions.
    Import(copy::Import),
}

/// Runs it.
pub async fn run(arguments: Arguments, connect: &Connect, output: &Output) -> Outcome {
    let registry = arguments.registry.client(connect)?;
    match arguments.command {
        Command::List(command) => command.run(&registry, output).await,
        Command::Get(command) => command.run(&registry, output).await,
        Command::Register(command) => command.run(&registry, output).await,
        Command::Check(command) => command.run(&registry, output).await,
        Command::Diff(command) => command.run(&registry, output).await,
        Command::Delete(command) => command.run(&registry, output).await,
        Command::Config(command) => command.run(&registry, output).await,
        Command::Mode(command) => command.run(&registry, output).await,
        Command::Export(command) => command.run(&registry, output).await,
        Command::Import(command) => command.run(&registry, output).await,
    }
}
