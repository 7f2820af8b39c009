//! The processes under load: started, watched through `/proc`, killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::Connection;

/// A running `mekong`, killed when dropped.
pub struct Server {
    /// `host:port` of the registry.
    pub registry: String,
    /// `host:port` of the broker; of `mekong registry`, the one it uses.
    pub broker: String,
    /// From the start command to the first answer.
    pub ready_in: Duration,
    child: Child,
}

impl Server {
    /// `mekong serve` on the data that is there.
    pub fn serve(settings: &crate::Settings) -> Result<Self, String> {
        let mut command = Command::new(&settings.mekong);
        command.args(["serve", "--json", "--registry", "http://127.0.0.1:0"]);
        command.args(["--set", "listeners=PLAINTEXT://127.0.0.1:0"]);
        command.arg("--set").arg(format!("log.dirs={}", settings.work.join("data").display()));
        Self::start(command, &settings.work.join("serve.log"), None)
    }

    /// `mekong registry` on a running broker.
    pub fn registry(settings: &crate::Settings, broker: &str) -> Result<Self, String> {
        let mut command = Command::new(&settings.mekong);
        command.args([
            "registry",
            "--json",
            "--listener",
            "http://127.0.0.1:0",
            "--bootstrap-server",
            broker,
        ]);
        Self::start(command, &settings.work.join("registry.log"), Some(broker))
    }

    fn start(mut command: Command, log: &Path, broker: Option<&str>) -> Result<Self, String> {
        let started = Instant::now();
        let log = fs::File::create(log).map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(|error| format!("mekong: {error}"))?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        let ready: serde_json::Value =
            serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        let at = |pointer: &str| ready.pointer(pointer).and_then(|text| text.as_str()).map(str::to_owned);
        let url = at("/registry").ok_or(format!("no registry in {line}"))?;
        let registry = url.trim_start_matches("http://").to_owned();
        let broker = broker.map(str::to_owned).or_else(|| at("/listeners/0/addresses/0"));
        let broker = broker.ok_or(format!("no listener in {line}"))?;
        let mut server = Self { registry, broker, ready_in: Duration::ZERO, child };
        // Requests wait until everything is replayed.
        Connection::open(&server.registry)?.get("/subjects?limit=1")?;
        server.ready_in = started.elapsed();
        Ok(server)
    }

    /// User and system CPU of the process so far, in seconds (ticks of 10 ms).
    pub fn cpu_seconds(&self) -> Result<f64, String> {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.child.id())).map_err(|e| e.to_string())?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        Ok((ticks(11) + ticks(12)) / 100.0)
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> Result<u64, String> {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).map_err(|e| e.to_string())?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        let kib: u64 =
            line.trim().trim_end_matches(" kB").trim().parse().map_err(|_| "no VmRSS".to_owned())?;
        Ok(kib * 1024)
    }

    /// Kills it, and waits for its end.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
