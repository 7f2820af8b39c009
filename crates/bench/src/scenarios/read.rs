//! S4 and S5: five groups at the tail of one producer, and one consumer catching up with a backlog.

use std::time::{Duration, Instant};

use records::Compression;

use super::{Stage, alternate, rows};
use crate::connection::Connection;
use crate::load;
use crate::measure::is_over;
use crate::report::Row;
use crate::settings::Settings;

const READERS: usize = 5;

/// S5: reads a backlog over and over for the length of a window.
pub fn catch_up(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let batches = (1 << 30) / settings.divide / (64 * 1024);
    for subject in &stage.subjects {
        load::create_topic(&subject.address, "backlog", 1, &[])?;
        fill(&subject.address, batches)?;
    }
    let windows = alternate(settings, stage, |subject, window| {
        let mut connection = Connection::open(&subject.address)?;
        let (started, mut offset, mut bytes, mut fetches) = (Instant::now(), 0, 0, 0);
        while !is_over(started, window) {
            let fetched = load::fetch(&mut connection, "backlog", 0, offset)?;
            (bytes, fetches) = (bytes + fetched.bytes, fetches + 1);
            offset = if fetched.next >= (batches * 64) as i64 { 0 } else { fetched.next };
        }
        Ok((fetches, bytes))
    })?;
    let mut all = rows(
        "S5 catch-up read, broker CPU",
        "CPU-s/GiB",
        &windows,
        |w| w.broker_cpu_per_gib(),
        [Some(0.7); 2],
    );
    let rate = rows("S5 catch-up read, rate", "MiB/s", &windows, |w| w.mib_per_second(), [Some(1.2); 2]);
    all.extend(rate.into_iter().map(|row| Row { at_least: true, ..row }));
    Ok(all)
}

fn fill(address: &str, batches: usize) -> Result<(), String> {
    let frame = load::produce_frame("backlog", 0, -1, load::batch(64, 1024, Compression::None, 1))?;
    let mut connection = Connection::open(address)?;
    for _ in 0..batches {
        connection.send(&frame)?;
        connection.receive()?;
    }
    Ok(())
}

/// S4: one producer paced to 50 MiB/s, five readers at the tail; counts the bytes delivered.
pub fn tail(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let configs = [("segment.bytes", "67108864"), ("retention.bytes", "134217728")];
    for subject in &stage.subjects {
        load::create_topic(&subject.address, "tail", 1, &configs)?;
    }
    let windows = alternate(settings, stage, |subject, window| {
        let from = log_end(&subject.address)?;
        let address = subject.address.clone();
        let producer = std::thread::spawn(move || paced(&address, window));
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                let address = subject.address.clone();
                std::thread::spawn(move || follow(&address, from, window))
            })
            .collect();
        let mut bytes = 0;
        for reader in readers {
            bytes += reader.join().map_err(|_| "a reader died".to_owned())??;
        }
        producer.join().map_err(|_| "the producer died".to_owned())??;
        Ok((1, bytes))
    })?;
    Ok(rows(
        "S4 tail, five groups, broker CPU",
        "CPU-s/GiB",
        &windows,
        |w| w.broker_cpu_per_gib(),
        [Some(0.5); 2],
    ))
}

fn log_end(address: &str) -> Result<i64, String> {
    let mut connection = Connection::open(address)?;
    let mut offset = 0;
    // Retention moves the start; an answer without bytes is the end.
    loop {
        let fetched = load::fetch(&mut connection, "tail", 0, offset)?;
        if fetched.bytes == 0 {
            return Ok(offset);
        }
        offset = fetched.next;
    }
}

fn paced(address: &str, window: Duration) -> Result<(), String> {
    let frame = load::produce_frame("tail", 0, -1, load::batch(64, 1024, Compression::None, 1))?;
    let mut connection = Connection::open(address)?;
    let (started, mut sent) = (Instant::now(), 0_u32);
    while !is_over(started, window) {
        connection.send(&frame)?;
        connection.receive()?;
        sent += 1;
        let due = started + Duration::from_secs_f64(f64::from(sent) / 800.0);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

fn follow(address: &str, from: i64, window: Duration) -> Result<u64, String> {
    let mut connection = Connection::open(address)?;
    let (started, mut offset, mut bytes) = (Instant::now(), from, 0);
    while !is_over(started, window) {
        let fetched = load::fetch(&mut connection, "tail", 0, offset)?;
        (offset, bytes) = (fetched.next, bytes + fetched.bytes);
    }
    Ok(bytes)
}
