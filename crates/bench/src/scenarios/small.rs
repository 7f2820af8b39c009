//! S3: one record of 100 bytes a request, 64 connections, five unanswered each, acks=1.

use std::time::Duration;

use records::Compression;

use super::bulk::CONFIGS;
use super::{Stage, at_most, both, load_windows, no_goal};
use crate::load;
use crate::report::Row;
use crate::settings::Settings;
use crate::subject::Subject;

const CONNECTIONS: usize = 64;
const PARTITIONS: i32 = 6;

/// Runs it.
pub fn run(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    let subjects = both(stage);
    for subject in &subjects {
        load::create_topic(&subject.address, "small", PARTITIONS, CONFIGS)?;
        produce(subject, &["small"], PARTITIONS, settings.warm_up / 6)?;
    }
    let measured =
        load_windows(settings, subjects, |subject, window| produce(subject, &["small"], PARTITIONS, window))?;
    let mut all = measured.rows(
        "S3 small requests",
        "broker CPU µs",
        |w| w.broker_cpu_us_per_count(),
        at_most(0.5, 0.3),
    );
    all.extend(measured.rows("S3 small requests", "requests/s", |w| w.count / w.seconds, no_goal));
    Ok(all)
}

/// Requests answered and their bytes: every connection sends to one partition of one topic.
pub fn produce(
    subject: &Subject,
    topics: &[&str],
    partitions: i32,
    window: Duration,
) -> Result<(u64, u64), String> {
    let mut clients = Vec::new();
    for (connection, topic) in (0..CONNECTIONS).zip(topics.iter().cycle()) {
        let partition = (connection % partitions as usize) as i32;
        let batch = load::batch(1, 100, Compression::None, connection as u64 + 1);
        let frames = vec![load::produce_frame(topic, partition, 1, batch)?];
        let address = subject.address.clone();
        clients.push(std::thread::spawn(move || load::pump(&address, &frames, 5, window)));
    }
    let mut answered = 0;
    for client in clients {
        answered += client.join().map_err(|_| "a client died".to_owned())??;
    }
    Ok((answered, answered * 100))
}
