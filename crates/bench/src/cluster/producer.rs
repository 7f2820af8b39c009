//! Kafka's own VerifiableProducer, 200 records a second at acks=all: when each record was acknowledged, and which were not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};

use super::admin::{PATIENCE, wait_until};
use super::nodes::Cluster;
use crate::settings::Settings;
use crate::subject::{jars, java};

/// Records a second.
const RATE: usize = 200;

/// What the producer said.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Milliseconds since 1970 of every acknowledgement, and the record.
    pub acknowledged: Vec<(i64, u64)>,
    /// Milliseconds since 1970 of every error that reached the application.
    pub failed: Vec<i64>,
}

/// The process; killed when dropped.
pub struct Producer {
    child: Child,
    said: Arc<Mutex<Said>>,
    reader: Option<JoinHandle<()>>,
}

impl Producer {
    /// Starts it with these properties beside its own (it does not retry unless told), and waits until records flow.
    pub fn start(
        cluster: &Cluster,
        settings: &Settings,
        topic: &str,
        config: &[&str],
    ) -> Result<Self, String> {
        let file = settings.work.join("producer.properties");
        fs::write(&file, config.join("\n") + "\n").map_err(|error| error.to_string())?;
        let log = fs::File::create(settings.work.join("producer.log")).map_err(|error| error.to_string())?;
        let mut command = java(settings);
        command
            .args(["-Xmx256m", "-cp"])
            .arg(jars(settings))
            .arg("org.apache.kafka.tools.VerifiableProducer");
        command.args(["--topic", topic, "--acks", "-1", "--throughput", &RATE.to_string()]);
        command.args(["--bootstrap-server", &cluster.bootstrap(), "--command-config"]).arg(&file);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(|error| format!("java: {error}"))?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let said = Arc::new(Mutex::new(Said::default()));
        let kept = said.clone();
        let reader = Some(std::thread::spawn(move || listen(stdout, &kept)));
        let producer = Self { child, said, reader };
        wait_until("records flow", || Ok(producer.flows()))?;
        Ok(producer)
    }

    fn said(&self) -> Said {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether records were acknowledged in the last second as they should be: half of them, at least.
    fn flows(&self) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now_ms() - 1000;
        said.acknowledged.iter().rev().take_while(|(at, _)| *at >= since).count() >= RATE / 2
    }

    /// The longest time between two acknowledgements from `at` on, in milliseconds, once records flow again and `least` has passed;
    /// with the errors that reached the application meanwhile.
    pub fn gap_since(&self, at: i64, least: Duration) -> Result<(f64, usize), String> {
        let started = Instant::now();
        while started.elapsed() < least || !self.flows() {
            if started.elapsed() > PATIENCE {
                return Err("no record is acknowledged any more".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let said = self.said();
        let errors = said.failed.iter().filter(|when| **when >= at).count();
        Ok((longest_gap(&said.acknowledged, at), errors))
    }

    /// Lets it end in order; what it said in all.
    pub fn stop(mut self) -> Result<Said, String> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).ok_or("no process")?;
        kill_process(pid, Signal::TERM).map_err(|error| error.to_string())?;
        self.child.wait().map_err(|error| error.to_string())?;
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| "the reader died".to_owned())?;
        }
        Ok(self.said())
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn listen(stdout: ChildStdout, said: &Mutex<Said>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        let text = |name: &str| event.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let at = event.get("timestamp").and_then(|value| value.as_i64()).unwrap_or_default();
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        match (text("name"), text("value").parse()) {
            ("producer_send_success", Ok(value)) => said.acknowledged.push((at, value)),
            ("producer_send_error", _) => said.failed.push(at),
            _ => {}
        }
    }
}

/// The longest time between neighbours of which the later came at `at` or after it.
pub fn longest_gap(acknowledged: &[(i64, u64)], at: i64) -> f64 {
    let pairs = acknowledged.iter().zip(acknowledged.iter().skip(1));
    let gaps = pairs.filter(|(_, later)| later.0 >= at).map(|(earlier, later)| later.0 - earlier.0);
    gaps.max().unwrap_or_default() as f64
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_that_was_open_at_the_fault_counts_and_one_before_does_not() {
        let acknowledged = [(0, 0), (900, 1), (905, 2), (1_405, 3), (1_410, 4)];
        for (at, gap) in [(0, 900.0), (906, 500.0), (1_405, 500.0), (1_406, 5.0), (2_000, 0.0)] {
            assert_eq!(longest_gap(&acknowledged, at), gap, "{at}");
        }
    }
}
