//! Clients and suites that others wrote, each against a Mekong of its own.
//!
//! `interop/<name>/run.sh quick|full` finds in its environment `BOOTSTRAP` (host:port), `WORK` (a folder to install into
//! and to leave results in) and `MEKONG` (the binary). Beside it `server.properties` may hold what its broker needs.
//! It exits with 0 only if every test of its list passed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::runtimes::{CC, GO, JAVA, MAVEN, NODE, PYTHON, Runtime};
use crate::shell::{root, run, target};
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
    client("node", &[NODE], true),
    client("go", &[GO], true),
    client("java", &[JAVA, MAVEN], true),
    client("parity", &[JAVA, MAVEN, PYTHON], true),
    client("mixed-group", &[JAVA, MAVEN, PYTHON], true),
    client("registry-fleet", &[JAVA, MAVEN, PYTHON], true),
    client("kcat", &[], false),
    client("java-apps", &[JAVA, MAVEN, PYTHON], false),
    client("librdkafka", &[NODE, CC], true),
    client("rust", &[PYTHON, CC], false),
];

/// Every language that the clients need.
pub fn needs() -> Vec<Runtime> {
    CLIENTS.iter().flat_map(|client| client.needs.iter().copied()).collect()
}

/// Runs every client of the volume; all run, then the failed ones are named together.
pub fn run_all(volume: Volume) -> Result<(), String> {
    let chosen: Vec<_> = CLIENTS.iter().filter(|client| client.quick || volume == Volume::Full).collect();
    let mut failed = Vec::new();
    for client in &chosen {
        println!("--- interop/{}", client.name);
        if let Err(error) = run_one(client, volume) {
            println!("--- interop/{}: FAILED: {error}", client.name);
            failed.push(client.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("interop failed: {}", failed.join(", "))) }
}

fn run_one(client: &Client, volume: Volume) -> Result<(), String> {
    let folder = root().join("interop").join(client.name);
    let work = target().join("interop").join(client.name);
    std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let broker = Broker::start(&work.join("data"), &folder.join("server.properties"))?;
    let mut script = Command::new("bash");
    script.arg(folder.join("run.sh")).arg(if volume == Volume::Full { "full" } else { "quick" });
    script
        .env("BOOTSTRAP", &broker.bootstrap)
        .env("WORK", &work)
        .env("DATA", work.join("data"))
        .env("MEKONG", binary());
    script.env("REGISTRY", &broker.registry).current_dir(&folder).stdin(Stdio::null());
    run(script)
}

/// The release binary, which step `build` has built.
pub fn binary() -> PathBuf {
    target().join("release").join("mekong")
}

/// A Mekong on a free port with an empty data folder, killed when dropped.
pub struct Broker {
    child: Child,
    /// `host:port`.
    pub bootstrap: String,
    /// The schema registry's URL.
    pub registry: String,
}

impl Broker {
    /// Starts one and waits for its ready line.
    pub fn start(data: &Path, properties: &Path) -> Result<Self, String> {
        std::fs::remove_dir_all(data).ok();
        let mut command = Command::new(binary());
        command.args(["serve", "--json", "--set", "listeners=PLAINTEXT://127.0.0.1:0", "--set"]);
        command.arg(format!("log.dirs={}", data.display()));
        if properties.exists() {
            command.arg("--config").arg(properties);
        }
        let log = std::fs::File::create(data.with_extension("log")).map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let child = command.spawn().map_err(|error| format!("{}: {error}", binary().display()))?;
        let mut broker = Self { child, bootstrap: String::new(), registry: String::new() };
        let ready = ready_line(&mut broker.child)?;
        broker.bootstrap = told(&ready, "/listeners/0/addresses/0")?;
        broker.registry = told(&ready, "/registry")?;
        Ok(broker)
    }
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

impl Drop for Broker {
    fn drop(&mut self) {
        // Killing is what we mean; a broker that is gone already is what we want.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
