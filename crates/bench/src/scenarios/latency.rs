//! S6: 1,000 records a second, open loop, acks=all, one producer to one consumer; end to end.

use std::time::{Duration, Instant};

use records::Compression;

use super::{Stage, alternate, both};
use crate::connection::Connection;
use crate::load;
use crate::measure::{median, percentile};
use crate::probes;
use crate::report::{Goal, Row};
use crate::settings::Settings;
use crate::subject::Subject;

const RATE: f64 = 1000.0;
/// Name, percentile, and the most that it may be beside Kafka's: durable, relaxed.
const PERCENTILES: [(&str, f64, [f64; 2]); 3] =
    [("p50", 50.0, [1.5, 0.5]), ("p99", 99.0, [0.6, 0.4]), ("p99.9", 99.9, [0.4, 0.3])];
/// What durable may take beyond the disk's own sync.
const BEYOND_SYNC_MS: f64 = 0.5;

/// Runs it; the disk's own sync is measured between the brokers' windows.
pub fn run(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let (mut round, mut syncs) = (0_usize, Vec::new());
    let measured = alternate(both(stage), settings.pairs, |subject| {
        round += 1;
        if round % 3 == 0 {
            syncs.push(probes::syncs(&settings.work, RATE, settings.window / 2)?);
        }
        window(subject, &format!("latency-{round}"), settings.window)
    })?;
    let mut rows = Vec::new();
    for (name, percent, [durable, relaxed]) in PERCENTILES {
        let sync = median(&syncs.iter().map(|probe| percentile(probe, percent)).collect::<Vec<_>>());
        let goals = |kind: crate::subject::Kind| match kind.mode() {
            "durable" => {
                vec![Goal::AtMost(durable), Goal::Own(sync + BEYOND_SYNC_MS, "the disk's sync + 0.5 ms")]
            }
            _ => vec![Goal::AtMost(relaxed)],
        };
        let what = format!("S6 end to end at 1,000/s, {name}");
        rows.extend(measured.rows(&what, "ms", |window| percentile(window, percent), goals));
    }
    Ok(rows)
}

/// Milliseconds from the moment when a record was due to be sent until it was read, on a topic of its own.
pub fn window(subject: &Subject, topic: &str, length: Duration) -> Result<Vec<f64>, String> {
    load::create_topic(&subject.address, topic, 1, &[])?;
    let count = (length.as_secs_f64() * RATE) as usize;
    let started = Instant::now() + Duration::from_millis(200);
    let due = move |record: usize| started + Duration::from_secs_f64(record as f64 / RATE);
    let frame = load::produce_frame(topic, 0, -1, load::batch(1, 100, Compression::None, 1))?;
    let address = subject.address.clone();
    let producer = std::thread::spawn(move || produce(&address, &frame, count, due));
    let read = consume(&subject.address, topic, count)?;
    producer.join().map_err(|_| "the producer died".to_owned())??;
    let late =
        |(record, at): (usize, &Instant)| at.saturating_duration_since(due(record)).as_secs_f64() * 1e3;
    Ok(read.iter().enumerate().map(late).collect())
}

/// Sends on schedule; answers are read by another thread, so that a slow one delays no sending.
fn produce(address: &str, frame: &[u8], count: usize, due: impl Fn(usize) -> Instant) -> Result<(), String> {
    // The kernel would wake this thread up to 50 µs late, which is not the broker's doing.
    rustix::thread::set_current_timer_slack(core::num::NonZeroU64::new(1))
        .map_err(|error| error.to_string())?;
    let mut connection = Connection::open(address)?;
    let mut answers = connection.second_half()?;
    let reader = std::thread::spawn(move || (0..count).try_for_each(|_| answers.receive().map(|_| ())));
    for record in 0..count {
        std::thread::sleep(due(record).saturating_duration_since(Instant::now()));
        connection.send(frame)?;
    }
    reader.join().map_err(|_| "the reader of answers died".to_owned())?
}

/// When each offset was read.
fn consume(address: &str, topic: &str, count: usize) -> Result<Vec<Instant>, String> {
    let mut connection = Connection::open(address)?;
    let (mut offset, mut read) = (0, Vec::with_capacity(count));
    while read.len() < count {
        let fetched = load::fetch(&mut connection, topic, 0, offset)?;
        let now = Instant::now();
        read.extend((offset..fetched.next).map(|_| now));
        offset = fetched.next;
    }
    Ok(read)
}
