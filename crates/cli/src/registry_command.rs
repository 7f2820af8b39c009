//! `mekong registry`: a schema registry alone, on Mekong or Kafka, until SIGTERM or SIGINT.

use std::path::PathBuf;
use std::process::ExitCode;

use registry::Options;
use tokio::signal::unix::{SignalKind, signal};

use crate::connect::Connect;

/// The arguments of `mekong registry`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A file of Confluent's properties (schema-registry.properties).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One property; wins over the file's. May be given many times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where to listen [default: http://127.0.0.1:8081]
    #[arg(long, value_name = "URL")]
    listener: Option<String>,
}

/// Runs a registry; returns when it has stopped.
pub fn run(arguments: Arguments, connect: &Connect, json: bool) -> ExitCode {
    let _loggers = crate::serve::start_logs();
    let outcome = options(arguments, connect).and_then(|options| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_stack_size(crate::STACK_BYTES)
            .enable_all()
            .build();
        runtime.map_err(|error| error.to_string())?.block_on(serve(options, json))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("mekong: {message}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: Arguments, connect: &Connect) -> Result<Options, String> {
    let mut options = Options { bootstrap: String::new(), ..Options::default() };
    if let Some(path) = &arguments.config {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let properties = broker::config::Properties::parse(&text, path);
        for (name, property) in properties.iter() {
            options.set(name, &property.value)?;
        }
    }
    for pair in &arguments.set {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| format!("--set {pair}: write --set key=value"))?;
        options.set(name.trim(), value)?;
    }
    if let Some(url) = &arguments.listener {
        options.set("listeners", url)?;
    }
    let named = connect.bootstrap().map_err(|failure| failure.message().to_owned())?;
    options.bootstrap = cluster(options.bootstrap, named, connect.is_explicit());
    Ok(options)
}

/// The cluster that the command line names, else that of the properties, the default profile's, or this machine's: a default
/// profile must not lead a registry away from the cluster of its own properties.
fn cluster(properties: String, named: Option<String>, is_explicit: bool) -> String {
    let named = named.unwrap_or_default();
    let order = if is_explicit { [named, properties] } else { [properties, named] };
    order.into_iter().find(|servers| !servers.is_empty()).unwrap_or_else(|| Options::default().bootstrap)
}

async fn serve(options: Options, json: bool) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    for note in &options.notes {
        tracing::warn!("{note}");
    }
    let listener = options.listeners.first().map(|listen| listen.address.clone()).unwrap_or_default();
    let mut handle = registry::serve(options)
        .await
        .map_err(|error| format!("the schema registry cannot listen on {listener}: {error}"))?;
    let ready = tokio::select! {
        () = handle.ready() => true,
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
    };
    if ready {
        let url = handle.url();
        if json {
            println!("{}", serde_json::json!({ "ready": true, "registry": url }));
        } else {
            println!("The schema registry serves {url}");
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    handle.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_profile_does_not_hide_the_properties() {
        for (properties, named, is_explicit, expected) in [
            ("file:1", Some("profile:1"), false, "file:1"),
            ("file:1", Some("line:1"), true, "line:1"),
            ("file:1", None, true, "file:1"),
            ("", Some("profile:1"), false, "profile:1"),
            ("", None, false, "localhost:9092"),
        ] {
            let found = cluster(properties.to_owned(), named.map(str::to_owned), is_explicit);
            assert_eq!(found, expected, "{properties} {named:?} {is_explicit}");
        }
    }
}
