//! The brokers under load: started, watched through `/proc`, killed.

mod kafka;
mod mekong;

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

pub use kafka::{jars, java};

use crate::settings::Settings;

/// How long a broker may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(240);

/// Which broker, in which mode of durability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Mekong as it comes: acknowledged means durable.
    Durable,
    /// Mekong with `log.flush.interval.messages` set high: acknowledged from the page cache.
    Relaxed,
    /// Durable, and the records of trusted producers are not looked at.
    DurableHeaderOnly,
    /// Relaxed, and the records of trusted producers are not looked at.
    RelaxedHeaderOnly,
    /// Apache Kafka as it comes: acknowledged from the page cache.
    Kafka,
}

impl Kind {
    /// How the report calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Durable => "Mekong durable",
            Self::Relaxed => "Mekong relaxed",
            Self::DurableHeaderOnly => "Mekong durable header-only",
            Self::RelaxedHeaderOnly => "Mekong relaxed header-only",
            Self::Kafka => "Kafka page cache",
        }
    }

    /// The mode, as the table's column has it.
    pub fn mode(self) -> &'static str {
        match self {
            Self::Durable | Self::DurableHeaderOnly => "durable",
            Self::Relaxed | Self::RelaxedHeaderOnly => "relaxed",
            Self::Kafka => "",
        }
    }
}

/// A running broker, killed when dropped.
pub struct Subject {
    /// Which.
    pub kind: Kind,
    /// `host:port` of its only listener.
    pub address: String,
    child: Child,
    folder: PathBuf,
}

impl Subject {
    /// Starts one with an empty data folder; `stage` tells apart those that run at the same time.
    pub fn start(kind: Kind, stage: &str, settings: &Settings) -> Result<Self, String> {
        let folder = folder(kind, stage, settings);
        fs::remove_dir_all(&folder).ok();
        Self::restart(kind, stage, settings)
    }

    /// Starts one on the data that is there, and waits until it takes connections.
    pub fn restart(kind: Kind, stage: &str, settings: &Settings) -> Result<Self, String> {
        let folder = folder(kind, stage, settings);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let (child, address) = match kind {
            Kind::Kafka => kafka::spawn(settings, &folder)?,
            _ => mekong::spawn(kind, settings, &folder)?,
        };
        Self::started(kind, address, child, folder)
    }

    /// Starts a Mekong without its registry, on an empty folder, under another program if there is a `wrapper`.
    pub fn start_under(
        wrapper: &[String],
        kind: Kind,
        stage: &str,
        settings: &Settings,
    ) -> Result<Self, String> {
        let folder = folder(kind, stage, settings);
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let (child, address) = mekong::spawn_under(wrapper, kind, settings, &folder)?;
        Self::started(kind, address, child, folder)
    }

    fn started(kind: Kind, address: String, child: Child, folder: PathBuf) -> Result<Self, String> {
        let mut subject = Self { kind, address, child, folder };
        subject.wait_for_port()?;
        Ok(subject)
    }

    fn wait_for_port(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
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
        cpu_seconds_of(self.child.id())
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> Result<u64, String> {
        resident_bytes_of(self.child.id())
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut of the process would, and waits for its end.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Stops it in order, and waits for its end.
    pub fn stop(&mut self) -> Result<(), String> {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let id = id.ok_or("no process")?;
        rustix::process::kill_process(id, rustix::process::Signal::TERM)
            .map_err(|error| error.to_string())?;
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if self.child.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("{} does not stop", self.kind.name()))
    }

    /// Kills it and removes its data.
    pub fn clear(mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).ok();
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.kill();
    }
}

fn folder(kind: Kind, stage: &str, settings: &Settings) -> PathBuf {
    settings.work.join(format!("{stage}-{}", kind.name().replace(' ', "-")))
}

/// User and system CPU of a process so far, in seconds (ticks of 10 ms).
pub fn cpu_seconds_of(process: u32) -> Result<f64, String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).map_err(|e| e.to_string())?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

/// Resident memory of a process, in bytes.
pub fn resident_bytes_of(process: u32) -> Result<u64, String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).map_err(|e| e.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse().map_err(|_| "no VmRSS".to_owned())?;
    Ok(kib * 1024)
}

/// The machine's CPU so far, in seconds over all cores: busy, and stolen by the host.
pub fn machine_cpu_seconds() -> Result<(f64, f64), String> {
    let stat = fs::read_to_string("/proc/stat").map_err(|error| error.to_string())?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    let busy = ticks.iter().enumerate().filter(|(place, _)| !matches!(place, 3 | 4 | 7)).take(5);
    let busy = busy.map(|(_, ticks)| ticks).sum::<f64>();
    Ok((busy / 100.0, ticks.get(7).copied().unwrap_or_default() / 100.0))
}
