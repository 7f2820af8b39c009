//! S1 and S2: 1 KiB records in 64 KiB batches to six partitions, acks=all; plain, zstd and lz4.

use std::time::Duration;

use bytes::Bytes;
use records::Compression;

use super::{Stage, alternate, rows};
use crate::load;
use crate::report::Row;
use crate::settings::Settings;
use crate::subject::Subject;

const PARTITIONS: i32 = 6;
const CONNECTIONS: i32 = 2;
const DEPTH: usize = 5;
const RECORDS: usize = 64;
const RECORD_BYTES: usize = 1024;

/// Keeps the data on disk small: segments of 64 MiB, 128 MiB a partition.
const CONFIGS: &[(&str, &str)] =
    &[("segment.bytes", "67108864"), ("retention.bytes", "134217728"), ("file.delete.delay.ms", "1000")];

/// S1.
pub fn plain(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    run("S1 bulk produce", settings, stage, Compression::None, [Some(0.35), Some(0.25)])
}

/// S2 with zstd.
pub fn zstd(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    run("S2 zstd produce, strict", settings, stage, Compression::Zstd { level: 3 }, [Some(0.40), Some(0.40)])
}

/// S2 with lz4.
pub fn lz4(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    run("S2 lz4 produce, strict", settings, stage, Compression::Lz4 { level: 9 }, [Some(0.40), Some(0.40)])
}

/// Loads every broker for the warm-up time, Kafka's JVM above all.
pub fn warm(settings: &Settings, stage: &Stage) -> Result<(), String> {
    for subject in &stage.subjects {
        eprintln!("warming {} …", subject.kind.name());
        load::create_topic(&subject.address, "warm", PARTITIONS, CONFIGS)?;
        produce(subject, "warm", Compression::None, settings.warm_up)?;
    }
    Ok(())
}

fn run(
    what: &str,
    settings: &Settings,
    stage: &Stage,
    compression: Compression,
    targets: [Option<f64>; 2],
) -> Result<Vec<Row>, String> {
    let topic = what.replace([' ', ','], "-");
    for subject in &stage.subjects {
        load::create_topic(&subject.address, &topic, PARTITIONS, CONFIGS)?;
    }
    let windows =
        alternate(settings, stage, |subject, window| produce(subject, &topic, compression, window))?;
    let mut all =
        rows(&format!("{what}, broker CPU"), "CPU-s/GiB", &windows, |w| w.broker_cpu_per_gib(), targets);
    all.extend(rows(
        &format!("{what}, machine CPU"),
        "CPU-s/GiB",
        &windows,
        |w| w.machine_cpu_per_gib(),
        [None; 2],
    ));
    all.extend(rows(&format!("{what}, rate"), "MiB/s", &windows, |w| w.mib_per_second(), [None; 2]));
    Ok(all)
}

/// Batches answered and their raw bytes.
fn produce(
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
