//! The brokers under load: started, watched through `/proc`, killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::settings::Settings;

/// Which broker, in which mode of durability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Mekong as it comes: acknowledged means durable.
    Durable,
    /// Mekong with `log.flush.interval.messages` set high: acknowledged from the page cache.
    Relaxed,
    /// Apache Kafka as it comes: acknowledged from the page cache.
    Kafka,
}

impl Kind {
    /// How the report calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Durable => "Mekong durable",
            Self::Relaxed => "Mekong relaxed",
            Self::Kafka => "Kafka page cache",
        }
    }
}

/// A running broker, killed when dropped.
pub struct Subject {
    /// Which.
    pub kind: Kind,
    /// `host:port` of its only listener.
    pub address: String,
    /// From the start command to the first accepted connection.
    pub started_in: Duration,
    child: Child,
}

impl Subject {
    /// Starts one with an empty data folder.
    pub fn start(kind: Kind, settings: &Settings) -> Result<Self, String> {
        let folder = settings.work.join(kind.name().replace(' ', "-"));
        fs::remove_dir_all(&folder).ok();
        Self::restart(kind, settings)
    }

    /// Starts one on the data that is there.
    pub fn restart(kind: Kind, settings: &Settings) -> Result<Self, String> {
        let folder = settings.work.join(kind.name().replace(' ', "-"));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let started = Instant::now();
        let (child, address) = match kind {
            Kind::Kafka => kafka(settings, &folder)?,
            _ => mekong(kind, settings, &folder)?,
        };
        let mut subject = Self { kind, address, started_in: Duration::ZERO, child };
        subject.wait_for_port()?;
        subject.started_in = started.elapsed();
        Ok(subject)
    }

    fn wait_for_port(&mut self) -> Result<(), String> {
        for _ in 0..60_000 {
            if TcpStream::connect(&self.address).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("{} ended with {status}", self.kind.name()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(format!("{} does not answer at {}", self.kind.name(), self.address))
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

    /// Kills it as a power cut of the process would, and waits for its end.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The machine's busy CPU so far, in seconds over all cores.
pub fn machine_cpu_seconds() -> Result<f64, String> {
    let stat = fs::read_to_string("/proc/stat").map_err(|error| error.to_string())?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    let busy = ticks.iter().enumerate().filter(|(place, _)| !matches!(place, 3 | 4 | 7)).take(7);
    Ok(busy.map(|(_, ticks)| ticks).sum::<f64>() / 100.0)
}

fn mekong(kind: Kind, settings: &Settings, folder: &Path) -> Result<(Child, String), String> {
    let mut command = Command::new(&settings.mekong);
    command.args([
        "serve",
        "--json",
        "--set",
        "listeners=PLAINTEXT://127.0.0.1:0",
        "--set",
        "num.partitions=1",
    ]);
    command.arg("--set").arg(format!("log.dirs={}", folder.join("data").display()));
    if kind == Kind::Relaxed {
        command.args(["--set", "log.flush.interval.messages=9223372036854775807"]);
    }
    let log = fs::File::create(folder.join("log")).map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", settings.mekong.display()))?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("no standard output")?;
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    let ready: serde_json::Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
    let address = ready.pointer("/listeners/0/addresses/0").and_then(|address| address.as_str());
    Ok((child, address.ok_or(format!("no listener in {line}"))?.to_owned()))
}

fn kafka(settings: &Settings, folder: &Path) -> Result<(Child, String), String> {
    let properties = folder.join("server.properties");
    if !properties.exists() {
        format_kafka(settings, folder, &properties)?;
    }
    let text = fs::read_to_string(&properties).map_err(|error| error.to_string())?;
    let address = text.lines().find_map(|line| line.strip_prefix("advertised.listeners=PLAINTEXT://"));
    let address = address.ok_or("no advertised.listeners")?.to_owned();
    let log = fs::File::create(folder.join("log")).map_err(|error| error.to_string())?;
    let mut command = java(settings);
    command.args(["-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-cp"]).arg(jars(settings));
    command.arg("kafka.Kafka").arg(&properties).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    Ok((command.spawn().map_err(|error| format!("java: {error}"))?, address))
}

fn format_kafka(settings: &Settings, folder: &Path, properties: &Path) -> Result<(), String> {
    let (client, controller) = (free_port()?, free_port()?);
    let data = folder.join("data");
    let lines = [
        "process.roles=broker,controller".into(),
        "node.id=1".into(),
        format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
        "controller.listener.names=CONTROLLER".into(),
        format!("listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}"),
        format!("advertised.listeners=PLAINTEXT://127.0.0.1:{client}"),
        format!("log.dirs={}", data.display()),
        "offsets.topic.replication.factor=1".into(),
        "group.initial.rebalance.delay.ms=0".into(),
        "num.io.threads=2".into(),
        "num.network.threads=2".into(),
    ];
    fs::write(properties, lines.join("\n")).map_err(|error| error.to_string())?;
    let mut command = java(settings);
    command.arg("-cp").arg(jars(settings)).args([
        "kafka.tools.StorageTool",
        "format",
        "-t",
        "MkU3OEVBNTcwNTJENDM2Qg",
        "-c",
    ]);
    command.arg(properties).stdout(Stdio::null()).stdin(Stdio::null());
    let status = command.status().map_err(|error| format!("java: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("Kafka's storage tool: {status}")) }
}

fn java(settings: &Settings) -> Command {
    let mut command = Command::new("java");
    let log4j = settings.work.join("log4j2.properties");
    let text = "rootLogger.level=warn\nrootLogger.appenderRef.s.ref=S\nappender.s.type=Console\nappender.s.name=S\n\
                appender.s.target=SYSTEM_ERR\nappender.s.layout.type=PatternLayout\n";
    fs::write(&log4j, text).ok();
    command.arg(format!("-Dlog4j2.configurationFile={}", log4j.display()));
    command
}

fn jars(settings: &Settings) -> String {
    format!("{}/*", settings.kafka_libs.display())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}
