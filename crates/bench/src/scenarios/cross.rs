//! Our load generator beside two that others wrote: does the same load cost a broker the same, whoever sends it?
//!
//! Kafka's ProducerPerformance and librdkafka's rdkafka_performance send records of 1 KiB in batches of 64 KiB with acks=all,
//! as S1 does. Their figures have no goal: they tell whether S1's may be believed.

use std::process::{Command, Stdio};

use records::Compression;

use super::bulk::{CONFIGS, produce};
use super::{Stage, alternate, both, no_goal};
use crate::load;
use crate::measure::Window;
use crate::report::Row;
use crate::settings::Settings;
use crate::subject::{Subject, jars, java};

const RECORD_BYTES: u64 = 1024;
const PARTITIONS: i32 = 6;
/// The pairs that are enough to compare generators.
const PAIRS: usize = 3;

/// Runs it: every generator on every broker.
pub fn run(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let records = (1 << 18) / settings.divide as u64;
    let subjects = both(stage);
    for subject in &subjects {
        load::create_topic(&subject.address, "cross", PARTITIONS, CONFIGS)?;
    }
    let mut all = Vec::new();
    let mut row = |name: &str, generate: &dyn Fn(&Subject) -> Result<u64, String>| -> Result<(), String> {
        let measured = alternate(subjects.clone(), settings.pairs.div_ceil(2).min(PAIRS), |subject| {
            Window::around(subject, || generate(subject).map(|records| (records, records * RECORD_BYTES)))
        })?;
        let what = format!("cross-check, {name}");
        all.extend(measured.rows(&what, "broker CPU-s/GiB", |w| w.broker_cpu_per_gib(), no_goal));
        Ok(())
    };
    row("this generator", &|subject| {
        produce(subject, "cross", Compression::None, settings.window).map(|(_, bytes)| bytes / RECORD_BYTES)
    })?;
    row("Kafka's ProducerPerformance", &|subject| {
        finish(producer_performance(settings, subject, records)).map(|()| records)
    })?;
    if let Some(program) = &settings.rdkafka {
        row("librdkafka's rdkafka_performance", &|subject| {
            let mut command = Command::new(program);
            command.args(["-P", "-t", "cross", "-q", "-a", "-1", "-s"]).arg(RECORD_BYTES.to_string());
            command.arg("-c").arg(records.to_string()).arg("-b").arg(&subject.address);
            for setting in ["batch.size=65536", "linger.ms=5", "queue.buffering.max.kbytes=65536"] {
                command.args(["-X", setting]);
            }
            finish(command).map(|()| records)
        })?;
    }
    Ok(all)
}

fn producer_performance(settings: &Settings, subject: &Subject, records: u64) -> Command {
    let mut command = java(settings);
    command.args(["-Xmx512m", "-cp"]).arg(jars(settings));
    command.args(["org.apache.kafka.tools.ProducerPerformance", "--topic", "cross", "--throughput", "-1"]);
    command.arg("--num-records").arg(records.to_string());
    command.arg("--record-size").arg(RECORD_BYTES.to_string()).arg("--producer-props");
    command.arg(format!("bootstrap.servers={}", subject.address));
    command.args(["acks=all", "batch.size=65536", "linger.ms=5", "enable.idempotence=false"]);
    command
}

fn finish(mut command: Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
