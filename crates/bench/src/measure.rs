//! Windows: what happened to CPU and bytes between two moments; medians and ratios over them.

use std::time::{Duration, Instant};

use crate::subject::{Subject, machine_cpu_seconds};

/// One gibibyte.
pub const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// What one window cost and moved.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// The broker's CPU seconds.
    pub broker_cpu: f64,
    /// The machine's CPU seconds, load generator included.
    pub machine_cpu: f64,
    /// How long it was, in seconds.
    pub seconds: f64,
    /// Requests or records answered, as the scenario counts.
    pub count: f64,
    /// Bytes moved, as the scenario counts.
    pub bytes: f64,
}

impl Window {
    /// Measures around `load`, which returns (count, bytes).
    pub fn around(
        subject: &Subject,
        load: impl FnOnce() -> Result<(u64, u64), String>,
    ) -> Result<Self, String> {
        let (broker, machine, started) = (subject.cpu_seconds()?, machine_cpu_seconds()?.0, Instant::now());
        let (count, bytes) = load()?;
        Ok(Self {
            broker_cpu: subject.cpu_seconds()? - broker,
            machine_cpu: machine_cpu_seconds()?.0 - machine,
            seconds: started.elapsed().as_secs_f64(),
            count: count as f64,
            bytes: bytes as f64,
        })
    }

    /// The broker's CPU seconds per GiB moved.
    pub fn broker_cpu_per_gib(&self) -> f64 {
        self.broker_cpu / (self.bytes / GIB)
    }

    /// The machine's CPU seconds per GiB moved.
    pub fn machine_cpu_per_gib(&self) -> f64 {
        self.machine_cpu / (self.bytes / GIB)
    }

    /// The broker's CPU microseconds per request or record.
    pub fn broker_cpu_us_per_count(&self) -> f64 {
        self.broker_cpu * 1e6 / self.count
    }

    /// MiB a second.
    pub fn mib_per_second(&self) -> f64 {
        self.bytes / (1024.0 * 1024.0) / self.seconds
    }
}

/// The middle value; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The value below which `percent` of the values lie; NaN of none.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = ((sorted.len() as f64 * percent / 100.0).ceil() as usize).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// Whether `window` has passed since `started`.
pub fn is_over(started: Instant, window: Duration) -> bool {
    started.elapsed() >= window
}
