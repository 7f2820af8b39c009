//! Brokers of the built binary for the suites: one by itself, or a cluster of several processes.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::shell::target;

/// The release binary, which step `build` has built.
pub fn binary() -> PathBuf {
    target().join("release").join("mekong")
}

/// Mekongs on free ports with empty data folders, killed when dropped.
pub struct Brokers {
    children: Vec<Child>,
    /// `host:port` of each, separated by commas.
    pub bootstrap: String,
    /// The same of a cluster's controller listeners; empty for one broker, which has none.
    pub controllers: String,
    /// The first one's schema registry's URL.
    pub registry: String,
}

impl Brokers {
    /// Starts `count` of them as one cluster and waits for their ready lines. Their data lie in `data`, or in folders inside it.
    pub fn start(data: &Path, properties: &Path, count: usize) -> Result<Self, String> {
        std::fs::remove_dir_all(data).ok();
        let mut brokers = Self {
            children: Vec::new(),
            bootstrap: String::new(),
            controllers: String::new(),
            registry: String::new(),
        };
        if count == 1 {
            let own =
                ["listeners=PLAINTEXT://127.0.0.1:0".to_owned(), format!("log.dirs={}", data.display())];
            brokers.children.push(spawn(&own, properties, &data.with_extension("log"))?);
        } else {
            for (place, own) in cluster(data, count)?.iter().enumerate() {
                let log = data.with_extension(format!("{}.log", place + 1));
                brokers.children.push(spawn(own, properties, &log)?);
            }
        }
        brokers.wait_until_ready()?;
        Ok(brokers)
    }

    /// Brokers that someone else has started and will stop, without a registry.
    pub fn of_others(bootstrap: String) -> Self {
        Self { children: Vec::new(), bootstrap, controllers: String::new(), registry: String::new() }
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let (mut addresses, mut controllers) = (Vec::new(), Vec::new());
        for child in &mut self.children {
            let ready = ready_line(child)?;
            addresses.push(told(&ready, "/listeners/0/addresses/0")?);
            controllers.extend(told(&ready, "/listeners/1/addresses/0").ok());
            if self.registry.is_empty() {
                self.registry = told(&ready, "/registry").unwrap_or_default();
            }
        }
        self.bootstrap = addresses.join(",");
        self.controllers = controllers.join(",");
        Ok(())
    }
}

/// The properties of each member of a cluster: replicas on all of up to three, two of which must have a record.
fn cluster(data: &Path, count: usize) -> Result<Vec<Vec<String>>, String> {
    // Held until all are chosen, so that no two are the same.
    let listeners: Result<Vec<_>, _> = (0..count * 2).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    let ports: Result<Vec<u16>, _> = listeners
        .and_then(|all| all.iter().map(|one| one.local_addr().map(|address| address.port())).collect());
    let ports = ports.map_err(|error| error.to_string())?;
    let (clients, controllers) = ports.split_at(count);
    let voters: Vec<_> = controllers
        .iter()
        .enumerate()
        .map(|(place, port)| format!("{}@127.0.0.1:{port}", place + 1))
        .collect();
    let members = clients.iter().zip(controllers).enumerate().map(|(place, (client, controller))| {
        let id = place + 1;
        vec![
            format!("node.id={id}"),
            "process.roles=broker,controller".to_owned(),
            format!("controller.quorum.voters={}", voters.join(",")),
            "controller.listener.names=CONTROLLER".to_owned(),
            format!("listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}"),
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
            format!("default.replication.factor={}", count.min(3)),
            format!("min.insync.replicas={}", count.min(2)),
            format!("log.dirs={}", data.join(id.to_string()).display()),
        ]
    });
    Ok(members.collect())
}

fn spawn(own: &[String], properties: &Path, log: &Path) -> Result<Child, String> {
    let mut command = Command::new(binary());
    command.args(["serve", "--json"]);
    for one in own {
        command.args(["--set", one]);
    }
    if properties.exists() {
        command.arg("--config").arg(properties);
    }
    let log = std::fs::File::create(log).map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.spawn().map_err(|error| format!("{}: {error}", binary().display()))
}

/// The line that says what is served where, as JSON.
fn ready_line(child: &mut Child) -> Result<serde_json::Value, String> {
    let stdout = child.stdout.take().ok_or("no standard output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    serde_json::from_str(&line).map_err(|error| format!("the ready line is not JSON ({error}): {line:?}"))
}

fn told(ready: &serde_json::Value, pointer: &str) -> Result<String, String> {
    let text = ready.pointer(pointer).and_then(|value| value.as_str());
    Ok(text.ok_or(format!("no {pointer} in {ready}"))?.to_owned())
}

impl Drop for Brokers {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Killing is what we mean; a broker that is gone already is what we want.
            child.kill().ok();
            child.wait().ok();
        }
    }
}
