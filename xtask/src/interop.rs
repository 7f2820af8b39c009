//! Clients and suites that others wrote, each against a Mekong of its own.
//!
//! `interop/<name>/run.sh quick|full` finds in its environment `BOOTSTRAP` (host:port, of each broker), `CONTROLLERS` (the same
//! of a cluster's controller listeners), `WORK` (a folder to install into
//! and to leave results in) and `MEKONG` (the binary). Beside it `server.properties` may hold what its broker needs.
//! It exits with 0 only if every test of its list passed.
//!
//! Steps `interop-cluster` and `interop-<name>-cluster` run them against a cluster of three processes, and so does `MEKONG_BROKERS=3` for any; `MEKONG_INTEROP=java,go` only these, and
//! `MEKONG_INTEROP_BOOTSTRAP=host:port` against a broker that is already up, such as Apache Kafka, whose passes the lists hold.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::brokers::Brokers;
pub use crate::brokers::binary;
use crate::listed::{self, Run};
use crate::runtimes::{CC, GO, JAVA, KCAT, MAVEN, NODE, PYTHON, Runtime};
use crate::shell::{root, target};
use crate::suite::Volume;

/// A folder below `interop` and what it needs.
pub struct Client {
    /// The folder's name.
    pub name: &'static str,
    /// Languages.
    pub needs: &'static [Runtime],
    /// Whether CI runs its quick part, or only `--full` runs it.
    pub quick: bool,
}

const fn client(name: &'static str, needs: &'static [Runtime], quick: bool) -> Client {
    Client { name, needs, quick }
}

/// All clients, cheap ones first.
pub const CLIENTS: &[Client] = &[
    client("kio", &[PYTHON], true),
    client("python", &[PYTHON], true),
    client("registry-python", &[PYTHON], true),
    client("registry-node", &[NODE], true),
    client("registry-go", &[GO, CC], true),
    client("registry-java", &[JAVA, MAVEN], true),
    client("registry-rust", &[CC], false),
    client("node", &[NODE], true),
    client("go", &[GO], true),
    client("java", &[JAVA, MAVEN], true),
    client("parity", &[JAVA, MAVEN, PYTHON], true),
    client("mixed-group", &[JAVA, MAVEN, PYTHON], true),
    client("registry-crash", &[PYTHON], true),
    client("registry-fleet", &[JAVA, MAVEN, PYTHON], true),
    client("kcat", &[KCAT], false),
    client("java-apps", &[JAVA, MAVEN, PYTHON], false),
    client("librdkafka", &[NODE, CC], true),
    client("rust", &[PYTHON, CC], false),
];

/// Every language that the clients need.
pub fn needs() -> Vec<Runtime> {
    CLIENTS.iter().flat_map(|client| client.needs.iter().copied()).collect()
}

/// The languages that one client needs.
pub fn needs_of(name: &str) -> Vec<Runtime> {
    CLIENTS
        .iter()
        .filter(|client| client.name == name)
        .flat_map(|client| client.needs.iter().copied())
        .collect()
}

/// How many brokers make a cluster here.
const CLUSTER: usize = 3;

/// The clients whose suites run against a cluster, too; parity compares one broker with one of Kafka's, `kio` compares no broker,
/// and the others start the brokers that they need themselves.
pub const OF_CLUSTERS: &[&str] =
    &["kcat", "python", "node", "go", "java", "mixed-group", "librdkafka", "rust"];

/// Those of them that a quick run has: some minutes in all.
const QUICK_OF_CLUSTERS: &[&str] = &["python", "node", "go", "java"];

/// Runs one client against one broker, or what `MEKONG_BROKERS` says.
pub fn run_named(name: &str, volume: Volume) -> Result<(), String> {
    run_one(named(name)?, volume, brokers_asked())
}

/// Runs one client against a cluster of three.
pub fn run_clustered(name: &str, volume: Volume) -> Result<(), String> {
    if !OF_CLUSTERS.contains(&name) {
        return Err(format!("'{name}' has no suite for a cluster"));
    }
    run_one(named(name)?, volume, CLUSTER)
}

fn named(name: &str) -> Result<&'static Client, String> {
    CLIENTS.iter().find(|client| client.name == name).ok_or(format!("no client '{name}'"))
}

fn brokers_asked() -> usize {
    std::env::var("MEKONG_BROKERS").ok().and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Runs every client of the volume; all run, then the failed ones are named together.
pub fn run_all(volume: Volume) -> Result<(), String> {
    let named = std::env::var("MEKONG_INTEROP").ok();
    let is_chosen = |client: &&Client| match &named {
        Some(names) => names.split(',').any(|name| name == client.name),
        None => client.quick || volume == Volume::Full,
    };
    run_each(CLIENTS.iter().filter(is_chosen), volume, brokers_asked())
}

/// The languages that the quick run's clients of a cluster need.
pub fn needs_clustered() -> Vec<Runtime> {
    QUICK_OF_CLUSTERS.iter().flat_map(|name| needs_of(name)).collect()
}

/// The quick run's share of suites against a cluster of three.
pub fn run_all_clustered(volume: Volume) -> Result<(), String> {
    run_each(CLIENTS.iter().filter(|client| QUICK_OF_CLUSTERS.contains(&client.name)), volume, CLUSTER)
}

fn run_each(
    chosen: impl Iterator<Item = &'static Client>,
    volume: Volume,
    count: usize,
) -> Result<(), String> {
    let mut failed = Vec::new();
    for client in chosen {
        println!("--- interop/{}, brokers: {count}", client.name);
        if let Err(error) = run_one(client, volume, count) {
            println!("--- interop/{}: FAILED: {error}", client.name);
            failed.push(client.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("interop failed: {}", failed.join(", "))) }
}

fn run_one(client: &Client, volume: Volume, count: usize) -> Result<(), String> {
    let folder = root().join("interop").join(client.name);
    let work = target().join("interop").join(client.name);
    std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let other = std::env::var("MEKONG_INTEROP_BOOTSTRAP").ok();
    let broker = match other {
        Some(bootstrap) => Brokers::of_others(bootstrap),
        None => Brokers::start(&work.join("data"), &folder.join("server.properties"), count)?,
    };
    let mut script = Command::new("bash");
    script.arg(folder.join("run.sh")).arg(if volume == Volume::Full { "full" } else { "quick" });
    script
        .env("BOOTSTRAP", &broker.bootstrap)
        .env("CONTROLLERS", &broker.controllers)
        .env("WORK", &work)
        .env("DATA", work.join("data"))
        .env("MEKONG", binary());
    script.env("REGISTRY", &broker.registry).current_dir(&folder).stdin(Stdio::null());
    let output = shown(script)?;
    listed::compare(&folder, Run { volume, brokers: count }, &output)
}

/// Runs to the end, shows each line of its output as it comes and returns all of it; a failure is an error.
fn shown(mut script: Command) -> Result<String, String> {
    let named = format!("{script:?}");
    let failed = |error: std::io::Error| format!("{named}: {error}");
    let mut child = script.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut output = String::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.map_err(failed)?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            output.push_str(&line);
            output.push('\n');
        }
    }
    let status = child.wait().map_err(failed)?;
    if status.success() { Ok(output) } else { Err(format!("{named}: {status}")) }
}
