//! S3: one record of 100 bytes a request, 64 connections, five unanswered each, acks=1.

use super::{Stage, alternate, rows};
use crate::load;
use crate::report::Row;
use crate::settings::Settings;
use records::Compression;

const CONNECTIONS: usize = 64;
const PARTITIONS: i32 = 6;

/// Runs it.
pub fn run(settings: &Settings, stage: &Stage) -> Result<Vec<Row>, String> {
    for subject in &stage.subjects {
        load::create_topic(
            &subject.address,
            "small",
            PARTITIONS,
            &[("segment.bytes", "67108864"), ("retention.bytes", "134217728")],
        )?;
    }
    let windows = alternate(settings, stage, |subject, window| {
        let mut clients = Vec::new();
        for connection in 0..CONNECTIONS {
            let partition = (connection % PARTITIONS as usize) as i32;
            let batch = load::batch(1, 100, Compression::None, connection as u64 + 1);
            let frames = vec![load::produce_frame("small", partition, 1, batch)?];
            let address = subject.address.clone();
            clients.push(std::thread::spawn(move || load::pump(&address, &frames, 5, window)));
        }
        let mut answered = 0;
        for client in clients {
            answered += client.join().map_err(|_| "a client died".to_owned())??;
        }
        Ok((answered, answered * 100))
    })?;
    let mut all = rows(
        "S3 small requests, broker CPU",
        "µs/request",
        &windows,
        |w| w.broker_cpu_us_per_count(),
        [Some(0.5), Some(0.3)],
    );
    all.extend(rows("S3 small requests, rate", "requests/s", &windows, |w| w.count / w.seconds, [None; 2]));
    Ok(all)
}
