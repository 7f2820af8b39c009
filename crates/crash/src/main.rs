//! The real process under what the world does to it: `kill -9`, a full disk, hostile clients. What it acknowledged is read back.
//!
//! ```text
//! mekong-crash kill    --mekong PATH --work DIR [--cycles N] [--seed S]     kill -9 under load; resumable
//! mekong-crash real    --mekong PATH --work DIR [--cycles N] [--seed S]     N crash images off traces; needs strace; resumable
//! mekong-crash full    --mekong PATH --work DIR                            a 64 MiB tmpfs filled for real; needs root
//! mekong-crash hostile --mekong PATH --work DIR [--seconds N]              bad clients in a 256 MiB cgroup; needs root
//! ```

mod full;
mod hostile;
mod kill;
mod ledger;
mod load;
mod node;
mod real;
mod settings;
mod strace;
mod verify;

use std::process::ExitCode;

use settings::Settings;
use tokio::signal::unix::{SignalKind, signal};

/// What a failure says.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn run(command: &str, settings: &Settings) -> Result<(), Failure> {
    match command {
        "kill" => kill::run(settings).await,
        "real" => real::run(settings).await,
        "full" => full::run(settings).await,
        "hostile" => hostile::run(settings).await,
        other => Err(format!("unknown command '{other}': kill, real, full or hostile").into()),
    }
}

/// Waits for SIGTERM or SIGINT.
async fn told_to_stop() -> Result<(), Failure> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    Err("told to stop; what is done is noted".into())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let outcome = Settings::parse(arguments).and_then(|settings| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            tokio::select! {
                outcome = run(&command, &settings) => outcome,
                // What was begun is dropped: processes are killed, control groups and mounts removed.
                told = told_to_stop() => told,
            }
        })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("mekong-crash {command}: {message}");
            ExitCode::FAILURE
        }
    }
}
