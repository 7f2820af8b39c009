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

use crate::validation::Validation;

/// The arguments of `mekong serve`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A file of Kafka's properties (server.properties).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One property; wins over the file's. May be given many times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where the schema registry listens [default: http://127.0.0.1:8081, or where other nodes reach the broker; the next free
    /// port if it is busy]
    #[arg(long, value_name = "URL", conflicts_with = "no_registry")]
    registry: Option<String>,
    /// One property of the schema registry, under Confluent's names. May be given many times.
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "no_registry")]
    registry_set: Vec<String>,
    /// Run no schema registry.
    #[arg(long)]
    no_registry: bool,
    /// Stop when standard input ends, as it does when the process at its other end dies.
    #[arg(long, hide = true)]
    stop_at_end_of_input: bool,
}

/// Runs a broker; returns when it has stopped.
pub fn run(arguments: Arguments, json: bool) -> ExitCode {
    let loggers = start_logs();
    let until_end_of_input = arguments.stop_at_end_of_input;
    let outcome = registry_options(&arguments).and_then(|mut registry| {
        let mut config = config(arguments)?;
        config.loggers = loggers;
        if let Some(options) = &mut registry {
            beside(options, &config);
        }
        let validator = registry.as_ref().map(|options| options.validator.clone());
        config.checks = Some(Arc::new(Validation { validator }));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_stack_size(crate::STACK_BYTES)
            .enable_all()
            .build();
        runtime.map_err(|error| error.to_string())?.block_on(serve(
            config,
            registry,
            json,
            until_end_of_input,
        ))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("mekong: {message}");
            ExitCode::FAILURE
        }
    }
}

/// How the registry in this process is to run, unless it is not.
fn registry_options(arguments: &Arguments) -> Result<Option<registry::Options>, String> {
    if arguments.no_registry {
        return Ok(None);
    }
    let mut options = registry::Options {
        moves: arguments.registry.is_none(),
        elect: registry::Elect::InClusters,
        ..registry::Options::default()
    };
    for pair in &arguments.registry_set {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("--registry-set {pair}: write --registry-set key=value"))?;
        options.moves &= name.trim() != "listeners";
        options.set(name.trim(), value)?;
    }
    if let Some(url) = &arguments.registry {
        options.set("listeners", url)?;
    }
    for note in &options.notes {
        tracing::warn!("{note}");
    }
    Ok(Some(options))
}

/// Where nothing else is said, the registry listens at the addresses where other nodes reach the broker: they forward writes.
fn beside(options: &mut registry::Options, config: &Config) {
    let Some(listener) = config.listeners.iter().find(|listener| !listener.is_controllers) else { return };
    let advertised =
        listener.advertised.as_ref().map(|(host, _)| host.as_str()).filter(|host| !host.is_empty());
    let bound = Some(listener.host.as_str()).filter(|host| !is_wildcard(host));
    options.machine = advertised.or(bound).map(str::to_owned);
    if options.machine.as_deref().is_some_and(|host| !registry::is_loopback(host)) && options.moves {
        let host = bound.unwrap_or("0.0.0.0");
        let host =
            if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        for listen in &mut options.listeners {
            listen.address = format!("{host}:{}", registry::DEFAULT_PORT);
        }
    }
}

fn is_wildcard(host: &str) -> bool {
    matches!(host, "" | "0.0.0.0" | "::" | "[::]")
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

async fn serve(
    config: Config,
    registry: Option<registry::Options>,
    json: bool,
    until_end_of_input: bool,
) -> Result<(), String> {
    let mut told = std::pin::pin!(told_to_stop(until_end_of_input).map_err(|error| error.to_string())?);
    for note in &config.notes {
        tracing::warn!("{} {}", note.key, note.text);
    }
    for dir in &config.log_dirs {
        if let Some(reason) = crate::filesystem::not_durable(dir) {
            tracing::warn!("{} is not durable: it is on {reason}", dir.display());
        }
    }
    // A node that waits for its quorum can be told to stop as well.
    let handle = tokio::select! {
        handle = broker::serve(config) => handle.map_err(|error| error.to_string())?,
        () = &mut told => return Ok(()),
    };
    let registry = start_registry(&handle, registry).await?;
    say_ready(&handle, registry.as_ref(), json);
    let failure = tokio::select! {
        () = told => None,
        reason = handle.failed() => Some(reason),
    };
    if let Some(registry) = registry {
        registry.stop().await;
    }
    handle.stop().await;
    failure.map_or(Ok(()), Err)
}

/// Waits for SIGTERM, SIGINT or, where asked, the end of standard input.
fn told_to_stop(until_end_of_input: bool) -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (end, mut ended) = tokio::sync::mpsc::channel::<()>(1);
    if until_end_of_input {
        // A thread of its own: the runtime would wait for a blocking task.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            let _ = end.blocking_send(());
        });
    }
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            Some(()) = ended.recv() => {}
        }
    })
}

/// The schema registry: a client of this broker in the same process.
async fn start_registry(
    broker: &Handle,
    options: Option<registry::Options>,
) -> Result<Option<registry::http::Handle>, String> {
    let options = options.filter(|_| broker.is_broker());
    let (Some(mut options), Some(address)) = (options, broker.address()) else { return Ok(None) };
    options.bootstrap = address.to_string();
    let listener = options.listeners.first().map(|listen| listen.address.clone()).unwrap_or_default();
    match registry::serve(options).await {
        Ok(handle) => Ok(Some(handle)),
        Err(error) => Err(format!("the schema registry cannot listen on {listener}: {error}")),
    }
}

/// The one line on stdout.
fn say_ready(handle: &Handle, registry: Option<&registry::http::Handle>, json: bool) {
    if json {
        let listeners: Vec<_> = handle.served().iter().map(listener_as_json).collect();
        let registry = registry.map(|registry| registry.url());
        println!("{}", serde_json::json!({ "ready": true, "listeners": listeners, "registry": registry }));
        return;
    }
    let mut listeners: Vec<_> = handle.served().iter().map(listener_as_text).collect();
    listeners.extend(registry.map(|registry| format!("the schema registry on {}", registry.url())));
    println!("Mekong serves {}", listeners.join(", "));
}

fn listener_as_json(served: &Served) -> serde_json::Value {
    let addresses: Vec<_> = served.addresses.iter().map(ToString::to_string).collect();
    serde_json::json!({ "name": served.name, "protocol": served.protocol.name(), "addresses": addresses, "moved": served.moved })
}

fn listener_as_text(served: &Served) -> String {
    let addresses: Vec<_> = served.addresses.iter().map(ToString::to_string).collect();
    let moved = if served.moved { " (the default port was busy)" } else { "" };
    let who = if served.is_controllers { "controllers" } else { "Kafka clients" };
    format!("{who} on {}://{}{moved}", served.name, addresses.join(","))
}

/// Logs go to stderr: for people on a terminal, as JSON otherwise; `RUST_LOG` sets the levels they begin with, clients of the
/// broker may change them while it runs.
pub fn start_logs() -> Loggers {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,openraft=error"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_listens_where_other_nodes_reach_the_broker() {
        let table = [
            ("PLAINTEXT://:9092", None, "127.0.0.1:8081", None),
            ("PLAINTEXT://:9092", Some("PLAINTEXT://localhost:9092"), "127.0.0.1:8081", Some("localhost")),
            ("PLAINTEXT://127.0.0.1:9092", None, "127.0.0.1:8081", Some("127.0.0.1")),
            ("PLAINTEXT://:9092", Some("PLAINTEXT://node-1:9092"), "0.0.0.0:8081", Some("node-1")),
            ("PLAINTEXT://10.0.0.1:9092", None, "10.0.0.1:8081", Some("10.0.0.1")),
            ("PLAINTEXT://10.0.0.1:9092", Some("PLAINTEXT://node-1:9092"), "10.0.0.1:8081", Some("node-1")),
        ];
        for (listeners, advertised, address, machine) in table {
            let mut properties = Properties::default();
            properties.set("listeners", listeners, Origin::CommandLine);
            if let Some(advertised) = advertised {
                properties.set("advertised.listeners", advertised, Origin::CommandLine);
            }
            let config = Config::new(properties).unwrap();
            let mut options = registry::Options { moves: true, ..registry::Options::default() };
            beside(&mut options, &config);
            assert_eq!(options.listeners[0].address, address, "{listeners} {advertised:?}");
            assert_eq!(options.machine.as_deref(), machine, "{listeners} {advertised:?}");
            let mut options = registry::Options::default();
            beside(&mut options, &config);
            assert_eq!(options.listeners[0].address, "127.0.0.1:8081", "chosen by hand");
        }
    }
}
