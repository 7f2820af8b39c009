//! `mekong serve`: one broker, until SIGTERM or SIGINT.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use broker::config::{Config, Origin, Properties};
use broker::{Handle, Loggers, Served};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, reload};

/// The arguments of `mekong serve`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A file of Kafka's properties (server.properties).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One property; wins over the file's. May be given many times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Runs a broker; returns when it has stopped.
pub fn run(arguments: Arguments, json: bool) -> ExitCode {
    let loggers = start_logs();
    let outcome = config(arguments).and_then(|mut config| {
        config.loggers = loggers;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(serve(config, json))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("mekong: {message}");
            ExitCode::FAILURE
        }
    }
}

fn config(arguments: Arguments) -> Result<Config, String> {
    let mut properties = Properties::default();
    if let Some(path) = &arguments.config {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        properties = Properties::parse(&text, path);
    }
    for pair in arguments.set {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| format!("--set {pair}: write --set key=value"))?;
        properties.set(key.trim(), value, Origin::CommandLine);
    }
    Config::new(properties).map_err(|error| error.to_string())
}

async fn serve(config: Config, json: bool) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?);
    for note in &config.notes {
        tracing::warn!("{} {}", note.key, note.text);
    }
    let handle = broker::serve(config).await.map_err(|error| error.to_string())?;
    // The schema registry and the console start here, as clients of this broker in the same process.
    say_ready(&handle, json);
    let failure = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        reason = handle.failed() => Some(reason),
    };
    handle.stop().await;
    failure.map_or(Ok(()), Err)
}

/// The one line on stdout.
fn say_ready(handle: &Handle, json: bool) {
    if json {
        let listeners: Vec<_> = handle.served().iter().map(listener_as_json).collect();
        println!("{}", serde_json::json!({ "ready": true, "listeners": listeners }));
        return;
    }
    let listeners: Vec<_> = handle.served().iter().map(listener_as_text).collect();
    println!("Mekong serves {}", listeners.join(", "));
}

fn listener_as_json(served: &Served) -> serde_json::Value {
    let addresses: Vec<_> = served.addresses.iter().map(ToString::to_string).collect();
    serde_json::json!({ "name": served.name, "protocol": served.protocol.name(), "addresses": addresses, "moved": served.moved })
}

fn listener_as_text(served: &Served) -> String {
    let addresses: Vec<_> = served.addresses.iter().map(ToString::to_string).collect();
    let moved = if served.moved { " (the default port was busy)" } else { "" };
    format!("Kafka clients on {}://{}{moved}", served.name, addresses.join(","))
}

/// Logs go to stderr: for people on a terminal, as JSON otherwise; `RUST_LOG` sets the levels they begin with, clients of the
/// broker may change them while it runs.
fn start_logs() -> Loggers {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let (filter, handle) = reload::Layer::new(filter);
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    if std::io::stderr().is_terminal() {
        registry.with(logs).init();
    } else {
        registry.with(logs.json()).init();
    }
    Loggers::new(Arc::new(move |directives: &str| {
        if let Err(error) = handle.reload(EnvFilter::new(directives)) {
            tracing::warn!(%error, "the log levels could not be changed");
        }
    }))
}
