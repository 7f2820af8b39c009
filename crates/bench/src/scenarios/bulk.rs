//! S1 and S2: 1 KiB records in batches of 64 to six partitions, acks=all; plain, zstd and lz4.

use std::time::Duration;

use bytes::Bytes;
use records::Compression;

use super::{Stage, at_most, both, load_windows, no_goal, over, pick};
use crate::load;
use crate::report::{Goal, Row};
use crate::settings::Settings;
use crate::subject::{Kind, Subject};

const PARTITIONS: i32 = 6;
const CONNECTIONS: i32 = 2;
const DEPTH: usize = 5;
const RECORDS: usize = 64;
const RECORD_BYTES: usize = 1024;

/// Keeps the data on disk small: segments of 32 MiB, as much kept a partition beside the one written to.
pub const CONFIGS: &[(&str, &str)] =
    &[("segment.bytes", "33554432"), ("retention.bytes", "33554432"), ("file.delete.delay.ms", "1000")];

/// S1.
pub fn plain(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    run("S1 bulk produce", settings, stage, both(stage), Compression::None, at_most(0.35, 0.25))
}

/// S2 with zstd.
pub fn zstd(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let subjects = pick(stage, ALL);
    run("S2 zstd produce", settings, stage, subjects, Compression::Zstd { level: 3 }, compressed)
}

/// S2 with lz4.
pub fn lz4(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    run("S2 lz4 produce", settings, stage, pick(stage, ALL), Compression::Lz4 { level: 9 }, compressed)
}

const ALL: &[Kind] = &[Kind::Durable, Kind::Relaxed, Kind::DurableHeaderOnly, Kind::RelaxedHeaderOnly];

fn compressed(kind: Kind) -> Vec<Goal> {
    vec![Goal::AtMost(match kind {
        Kind::DurableHeaderOnly => 0.15,
        Kind::RelaxedHeaderOnly => 0.12,
        _ => 0.40,
    })]
}

/// Loads every broker for the warm-up time, Kafka's JVM above all: Mekong has nothing to compile.
pub fn warm(settings: &Settings, stage: &Stage) -> Result<(), String> {
    for subject in &stage.subjects {
        eprintln!("warming {} …", subject.kind.name());
        let length = if subject.kind == Kind::Kafka { settings.warm_up } else { settings.warm_up / 10 };
        load::create_topic(&subject.address, "warm", PARTITIONS, CONFIGS)?;
        produce(subject, "warm", Compression::None, length)?;
    }
    Ok(())
}

fn run(
    what: &str,
    settings: &Settings,
    stage: &Stage,
    subjects: Vec<&Subject>,
    compression: Compression,
    goals: impl Fn(Kind) -> Vec<Goal>,
) -> Result<Vec<Row>, String> {
    let topic = what.replace([' ', ','], "-");
    for subject in &subjects {
        load::create_topic(&subject.address, &topic, PARTITIONS, CONFIGS)?;
        produce(subject, &topic, compression, settings.warm_up / 10)?;
    }
    let measured =
        load_windows(settings, subjects, |subject, window| produce(subject, &topic, compression, window))?;
    let mut all = measured.rows(what, "broker CPU-s/GiB", |w| w.broker_cpu_per_gib(), goals);
    if compression == Compression::None {
        all = over(stage.floor.produce(), all);
    }
    all.extend(measured.rows(what, "machine CPU-s/GiB", |w| w.machine_cpu_per_gib(), no_goal));
    all.extend(measured.rows(what, "MiB/s", |w| w.mib_per_second(), no_goal));
    Ok(all)
}

/// Batches answered and their raw bytes.
pub fn produce(
    subject: &Subject,
    topic: &str,
    compression: Compression,
    window: Duration,
) -> Result<(u64, u64), String> {
    let batch = |partition: i32| load::batch(RECORDS, RECORD_BYTES, compression, partition as u64 + 1);
    let mut clients = Vec::new();
    for connection in 0..CONNECTIONS {
        let own = (0..PARTITIONS).filter(|partition| partition % CONNECTIONS == connection);
        let frames = own.map(|partition| load::produce_frame(topic, partition, -1, batch(partition)));
        let frames: Vec<Bytes> = frames.collect::<Result<_, _>>()?;
        let address = subject.address.clone();
        clients.push(std::thread::spawn(move || load::pump(&address, &frames, DEPTH, window)));
    }
    let mut answered = 0;
    for client in clients {
        answered += client.join().map_err(|_| "a client died".to_owned())??;
    }
    Ok((answered, answered * (RECORDS * RECORD_BYTES) as u64))
}
