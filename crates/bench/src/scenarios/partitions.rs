//! S7: 10,000 partitions: resident memory, a restart, and whether requests cost more than beside 10 partitions.

use std::time::{Duration, Instant};

use records::Compression;

use super::{alternate, no_goal, small};
use crate::load;
use crate::measure::Window;
use crate::report::{Goal, Row};
use crate::settings::Settings;
use crate::subject::{Kind, Subject};

const TOPICS: usize = 10;
const PARTITIONS: i32 = 1000;
const MIB: f64 = 1024.0 * 1024.0;
/// How long a broker may settle after the creation, before its memory is read.
const SETTLING: Duration = Duration::from_secs(2);

/// What one broker showed.
#[derive(Default)]
struct Seen {
    created_mib: f64,
    written_mib: f64,
    restarts_s: Vec<f64>,
}

/// Runs it: first the CPU of requests beside few and many partitions, then memory and restarts beside Kafka.
pub fn run(settings: &Settings) -> Result<Vec<Row>, String> {
    let partitions = (PARTITIONS / i32::try_from(settings.divide).unwrap_or(1)).max(1);
    let mut seen = Vec::new();
    let mut rows = Vec::new();
    for kind in [Kind::Durable, Kind::Relaxed, Kind::Kafka] {
        let few = Subject::start(kind, "few", settings)?;
        load::create_topic(&few.address, &topic(0), 10, &[])?;
        let many = Subject::start(kind, "many", settings)?;
        let (many, one) = grow(many, partitions, settings)?;
        rows.extend(growth(kind, [few, many], settings, partitions)?);
        seen.push((kind, one));
    }
    let Some((_, kafka)) = seen.pop() else { return Ok(rows) };
    let count = TOPICS as i32 * partitions;
    for (kind, one) in seen {
        let row = |what: &str, unit, ours: Vec<f64>, theirs: Vec<f64>, goals| Row {
            what: format!("S7 {count} partitions, {what}"),
            unit,
            mode: kind.mode(),
            ours,
            theirs,
            goals,
            floor: None,
        };
        let goal = |most| vec![Goal::AtMost(most)];
        let (memory, written) = ("resident memory", "resident memory after a record in each");
        rows.push(row(memory, "MiB", vec![one.created_mib], vec![kafka.created_mib], goal(0.05)));
        rows.push(row(written, "MiB", vec![one.written_mib], vec![kafka.written_mib], no_goal(kind)));
        rows.push(row(
            "restart to first acknowledged record",
            "s",
            one.restarts_s,
            kafka.restarts_s.clone(),
            goal(0.10),
        ));
    }
    Ok(rows)
}

fn topic(number: usize) -> String {
    format!("many-{number}")
}

fn mib(subject: &Subject) -> Result<f64, String> {
    Ok(subject.resident_bytes()? as f64 / MIB)
}

/// Creates the partitions, writes a record to each, and stops and starts the broker a few times.
fn grow(mut many: Subject, partitions: i32, settings: &Settings) -> Result<(Subject, Seen), String> {
    let kind = many.kind;
    let mut seen = Seen::default();
    for number in 0..TOPICS {
        load::create_topic(&many.address, &topic(number), partitions, &[])?;
    }
    std::thread::sleep(SETTLING);
    seen.created_mib = mib(&many)?;
    for number in 0..TOPICS {
        let batch = || load::batch(1, 100, Compression::None, 1);
        let frame = |partition| load::produce_frame(&topic(number), partition, -1, batch());
        let frames = (0..partitions).map(frame).collect::<Result<Vec<_>, _>>()?;
        load::pump_count(&many.address, &frames, 50, frames.len())?;
    }
    seen.written_mib = mib(&many)?;
    let frame = load::produce_frame(&topic(TOPICS - 1), 0, -1, load::batch(1, 100, Compression::None, 1))?;
    let began = Instant::now();
    for round in 0..settings.pairs {
        if round > 0 && began.elapsed() > settings.long / 2 {
            break;
        }
        many.stop()?;
        let started = Instant::now();
        many = Subject::restart(kind, "many", settings)?;
        load::first_acknowledged(&many.address, None, &frame)?;
        seen.restarts_s.push(started.elapsed().as_secs_f64());
    }
    Ok((many, seen))
}

/// CPU per request to ten partitions, beside ten and beside thousands of others: the second over the first.
fn growth(kind: Kind, pair: [Subject; 2], settings: &Settings, partitions: i32) -> Result<Vec<Row>, String> {
    if kind == Kind::Kafka {
        pair.into_iter().for_each(Subject::clear);
        return Ok(Vec::new());
    }
    let first = topic(0);
    let measured = alternate(pair.iter().collect(), settings.pairs, |subject| {
        Window::around(subject, || small::produce(subject, &[&first], 10, settings.window))
    })?;
    let figures =
        |windows: &Vec<Window>| windows.iter().map(Window::broker_cpu_us_per_count).collect::<Vec<f64>>();
    let mut figures = measured.windows.iter().map(figures);
    let (few, many) = (figures.next().unwrap_or_default(), figures.next().unwrap_or_default());
    drop(figures);
    pair.into_iter().for_each(Subject::clear);
    Ok(vec![Row {
        what: format!(
            "S7 CPU of a request beside {} partitions (Kafka's column: Mekong's own beside 10)",
            TOPICS as i32 * partitions
        ),
        unit: "broker CPU µs",
        mode: kind.mode(),
        ours: many,
        theirs: few,
        goals: vec![Goal::AtMost(1.10)],
        floor: None,
    }])
}
