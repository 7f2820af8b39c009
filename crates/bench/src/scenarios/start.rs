//! S11 (a): from the start command, on an empty folder, to the first acknowledged record.

use std::time::Instant;

use records::Compression;

use crate::connection::Connection;
use crate::load;
use crate::report::Row;
use crate::settings::Settings;
use crate::subject::{Kind, Subject};

/// Runs it; Kafka's format step counts, since its user must take it.
pub fn run(settings: &Settings) -> Result<Vec<Row>, String> {
    let pairs = settings.pairs.min(3);
    let times = |kind: Kind| (0..pairs).map(|_| first_ack(kind, settings)).collect::<Result<Vec<_>, _>>();
    let (ours, theirs) = (times(Kind::Durable)?, times(Kind::Kafka)?);
    Ok(vec![Row {
        what: "S11 start to first acknowledged record".into(),
        unit: "s",
        mode: "durable",
        ours,
        theirs,
        target: Some(0.05),
        at_least: false,
    }])
}

fn first_ack(kind: Kind, settings: &Settings) -> Result<f64, String> {
    let started = Instant::now();
    let subject = Subject::start(kind, settings)?;
    load::create_topic(&subject.address, "first", 1, &[])?;
    let frame = load::produce_frame("first", 0, -1, load::batch(1, 100, Compression::None, 1))?;
    let mut connection = Connection::open(&subject.address)?;
    connection.send(&frame)?;
    connection.receive()?;
    Ok(started.elapsed().as_secs_f64())
}
