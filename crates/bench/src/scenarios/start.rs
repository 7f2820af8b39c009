//! S11 (a): from the start command, on an empty folder, to the first acknowledged record.

use std::time::Instant;

use records::Compression;

use crate::load;
use crate::report::{Goal, Row};
use crate::settings::Settings;
use crate::subject::{Kind, Subject};

/// Runs it; Kafka's format step counts, since its user must take it.
pub fn run(settings: &Settings) -> Result<Vec<Row>, String> {
    let kinds = [Kind::Durable, Kind::Relaxed, Kind::Kafka];
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..settings.pairs {
        for (kind, list) in kinds.iter().zip(&mut times) {
            list.push(first_ack(*kind, settings)?);
        }
    }
    let [durable, relaxed, theirs] = times;
    let row = |kind: Kind, ours| Row {
        what: "S11 start to first acknowledged record".into(),
        unit: "ms",
        mode: kind.mode(),
        ours,
        theirs: theirs.clone(),
        goals: vec![Goal::Own(100.0, "")],
        floor: None,
    };
    Ok(vec![row(Kind::Durable, durable), row(Kind::Relaxed, relaxed)])
}

fn first_ack(kind: Kind, settings: &Settings) -> Result<f64, String> {
    let frame = load::produce_frame("first", 0, -1, load::batch(1, 100, Compression::None, 1))?;
    let started = Instant::now();
    let subject = Subject::start(kind, "start", settings)?;
    load::first_acknowledged(&subject.address, Some("first"), &frame)?;
    let taken = started.elapsed().as_secs_f64() * 1e3;
    subject.clear();
    Ok(taken)
}
