//! S11 (b): kill -9 right after 4 GiB of acknowledged records, then from the start command to the first acknowledged record.

use std::time::Instant;

use records::Compression;

use super::at_most;
use crate::load;
use crate::report::Row;
use crate::settings::Settings;
use crate::subject::{Kind, Subject};

const TOPIC: &str = "crash";
const PARTITIONS: i32 = 6;
const BYTES: usize = 4 << 30;
const BATCH_BYTES: usize = 64 * 1024;

/// Runs it. The figure ends when every partition has acknowledged a record, so that none may be left for later.
pub fn run(settings: &Settings) -> Result<Vec<Row>, String> {
    let kinds = [Kind::Durable, Kind::Relaxed, Kind::Kafka];
    let mut times = [const { Vec::new() }; 3];
    let began = Instant::now();
    for round in 0..settings.pairs {
        if round > 0 && began.elapsed() > settings.long {
            break;
        }
        for (kind, list) in kinds.iter().zip(&mut times) {
            list.push(recover(*kind, settings)?);
        }
    }
    let [durable, relaxed, theirs] = times;
    let gib = BYTES as f64 / settings.divide as f64 / crate::measure::GIB;
    let row = |kind: Kind, ours| Row {
        what: format!("S11 kill -9 with {gib} GiB to first acknowledged record"),
        unit: "ms",
        mode: kind.mode(),
        ours,
        theirs: theirs.clone(),
        goals: at_most(0.10, 0.10)(kind),
        floor: None,
    };
    Ok(vec![row(Kind::Durable, durable), row(Kind::Relaxed, relaxed)])
}

fn recover(kind: Kind, settings: &Settings) -> Result<f64, String> {
    let mut subject = Subject::start(kind, "crash", settings)?;
    load::create_topic(&subject.address, TOPIC, PARTITIONS, &[])?;
    fill(&subject.address, BYTES / settings.divide / BATCH_BYTES)?;
    subject.kill();
    let frame =
        |partition| load::produce_frame(TOPIC, partition, -1, load::batch(1, 100, Compression::None, 1));
    let started = Instant::now();
    let subject = Subject::restart(kind, "crash", settings)?;
    for partition in 0..PARTITIONS {
        load::first_acknowledged(&subject.address, None, &frame(partition)?)?;
    }
    let taken = started.elapsed().as_secs_f64() * 1e3;
    subject.clear();
    Ok(taken)
}

/// `batches` in all, over all partitions.
fn fill(address: &str, batches: usize) -> Result<(), String> {
    let frames = (0..PARTITIONS).map(|partition| {
        load::produce_frame(
            TOPIC,
            partition,
            -1,
            load::batch(64, 1024, Compression::None, partition as u64 + 1),
        )
    });
    let frames = frames.collect::<Result<Vec<_>, _>>()?;
    load::pump_count(address, &frames, 5, batches)
}
