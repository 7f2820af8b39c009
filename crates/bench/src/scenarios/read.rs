//! S4 and S5: five groups at the tail of one producer, and one consumer catching up with a backlog.

use std::time::{Duration, Instant};

use records::Compression;

use super::bulk::CONFIGS;
use super::{Stage, both, load_windows, no_goal, over};
use crate::connection::Connection;
use crate::load;
use crate::measure::is_over;
use crate::report::{Goal, Row};
use crate::settings::Settings;

const READERS: usize = 5;
/// More than a hot tail holds, less than the page cache does.
const BACKLOG_BYTES: usize = 768 << 20;
/// Batches of 64 KiB a second: 50 MiB.
const TAIL_RATE: f64 = 800.0;

/// S5: reads a backlog over and over for the length of a window.
pub fn catch_up(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let batches = BACKLOG_BYTES / settings.divide / (64 * 1024);
    let frame = load::produce_frame("backlog", 0, -1, load::batch(64, 1024, Compression::None, 1))?;
    let subjects = both(stage);
    for subject in &subjects {
        load::create_topic(&subject.address, "backlog", 1, &[])?;
        load::pump_count(&subject.address, std::slice::from_ref(&frame), 5, batches)?;
    }
    let measured = load_windows(settings, subjects, |subject, window| {
        let mut connection = Connection::open(&subject.address)?;
        let (started, mut offset, mut bytes, mut fetches) = (Instant::now(), 0, 0, 0);
        while !is_over(started, window) {
            let fetched = load::fetch(&mut connection, "backlog", 0, offset)?;
            (bytes, fetches) = (bytes + fetched.records.len() as u64, fetches + 1);
            offset = if fetched.next >= (batches * 64) as i64 { 0 } else { fetched.next };
        }
        Ok((fetches, bytes))
    })?;
    let what = "S5 catch-up read";
    let cpu = |_| vec![Goal::AtMost(0.7)];
    let mut all =
        over(stage.floor.sent, measured.rows(what, "broker CPU-s/GiB", |w| w.broker_cpu_per_gib(), cpu));
    all.extend(measured.rows(what, "machine CPU-s/GiB", |w| w.machine_cpu_per_gib(), no_goal));
    all.extend(measured.rows(what, "MiB/s", |w| w.mib_per_second(), |_| vec![Goal::AtLeast(1.2)]));
    Ok(all)
}

/// S4: one producer paced to 50 MiB/s, five readers at the tail; counts the bytes delivered.
pub fn tail(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let subjects = both(stage);
    for subject in &subjects {
        load::create_topic(&subject.address, "tail", 1, CONFIGS)?;
    }
    let measured =
        load_windows(settings, subjects, |subject, window| Ok((1, tail_window(&subject.address, window)?)))?;
    let what = "S4 tail, five groups";
    // One GiB delivered takes a fifth of a GiB produced.
    let floor = stage.floor.sent + stage.floor.produce() / READERS as f64;
    let goals = |_| vec![Goal::AtMost(0.5), Goal::Own(1.5 * floor, "1.5 × floor")];
    let mut all = over(floor, measured.rows(what, "broker CPU-s/GiB", |w| w.broker_cpu_per_gib(), goals));
    all.extend(measured.rows(what, "machine CPU-s/GiB", |w| w.machine_cpu_per_gib(), no_goal));
    all.extend(measured.rows(what, "MiB/s", |w| w.mib_per_second(), no_goal));
    Ok(all)
}

/// The bytes delivered.
fn tail_window(address: &str, window: Duration) -> Result<u64, String> {
    let from = load::log_end(&mut Connection::open(address)?, "tail", 0)?;
    let producer = {
        let address = address.to_owned();
        std::thread::spawn(move || paced(&address, window))
    };
    let follower = |_| {
        let address = address.to_owned();
        std::thread::spawn(move || follow(&address, from, window))
    };
    let readers: Vec<_> = (0..READERS).map(follower).collect();
    let mut bytes = 0;
    for reader in readers {
        bytes += reader.join().map_err(|_| "a reader died".to_owned())??;
    }
    producer.join().map_err(|_| "the producer died".to_owned())??;
    Ok(bytes)
}

fn paced(address: &str, window: Duration) -> Result<(), String> {
    let frame = load::produce_frame("tail", 0, -1, load::batch(64, 1024, Compression::None, 1))?;
    let mut connection = Connection::open(address)?;
    let (started, mut sent) = (Instant::now(), 0_u32);
    while !is_over(started, window) {
        connection.send(&frame)?;
        connection.receive()?;
        sent += 1;
        let due = started + Duration::from_secs_f64(f64::from(sent) / TAIL_RATE);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

fn follow(address: &str, from: i64, window: Duration) -> Result<u64, String> {
    let mut connection = Connection::open(address)?;
    let (started, mut offset, mut bytes) = (Instant::now(), from, 0);
    while !is_over(started, window) {
        let fetched = load::fetch(&mut connection, "tail", 0, offset)?;
        (offset, bytes) = (fetched.next, bytes + fetched.records.len() as u64);
    }
    Ok(bytes)
}
