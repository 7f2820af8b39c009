//! `mekong perf produce`

use std::time::{Duration, Instant};

use bytes::Bytes;
use client::ProducerRecord;
use serde_json::json;
use tokio::sync::mpsc;

use super::quantiles::Quantiles;
use crate::connect::Connect;
use crate::failure::Outcome;
use crate::output::{Output, thousands};
use crate::produce::{acks, compression};

/// `mekong perf produce`
#[derive(clap::Args)]
pub struct Arguments {
    /// The topic.
    topic: String,
    /// How many records.
    #[arg(long, short = 'n', default_value_t = 1_000_000)]
    number: u64,
    /// Bytes of each value.
    #[arg(long, short, default_value_t = 100)]
    size: usize,
    /// Records a second [default: as many as go].
    #[arg(long, short)]
    rate: Option<u64>,
    /// Give records one of so many keys [default: no key].
    #[arg(long)]
    keys: Option<u64>,
    /// Who must have the records: all, leader or none.
    #[arg(long, default_value = "all", value_parser = ["all", "leader", "none", "-1", "1", "0"])]
    acks: String,
    /// gzip, snappy, lz4, zstd or none.
    #[arg(long, short = 'z', default_value = "none")]
    compression: String,
    /// How long a batch waits for more, in milliseconds.
    #[arg(long, default_value_t = 5)]
    linger: u64,
    /// How large a batch grows, in bytes.
    #[arg(long, default_value_t = 16384)]
    batch_size: usize,
    /// Bytes buffered at most.
    #[arg(long, default_value_t = 32 * 1024 * 1024)]
    buffer_memory: usize,
}

/// Half compressible text, as records of real life.
fn payload(size: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes: Vec<u8> = (0..size)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b'A' + ((state >> 33) % 26) as u8
        })
        .collect();
    Bytes::from(bytes)
}

/// Runs it.
pub async fn run(arguments: Arguments, connect: &Connect, output: &Output) -> Outcome {
    let client = connect.client().await?;
    let producer = client
        .producer()
        .acks(acks(&arguments.acks))
        .compression(compression(&arguments.compression)?)
        .linger(Duration::from_millis(arguments.linger))
        .batch_size(arguments.batch_size)
        .buffer_memory(arguments.buffer_memory)
        .build()?;
    let (acks, queue) = mpsc::unbounded_channel();
    let begin = Instant::now();
    let waiting = tokio::spawn(wait(queue));
    let payloads: Vec<Bytes> = (0..64).map(|seed| payload(arguments.size, seed + 1)).collect();
    let mut said = begin;
    for number in 0..arguments.number {
        if let Some(rate) = arguments.rate {
            let due = begin + Duration::from_secs_f64(number as f64 / rate.max(1) as f64);
            if due > Instant::now() {
                tokio::time::sleep_until(due.into()).await;
            }
        }
        let value = payloads.get((number % 64) as usize).cloned();
        let key = arguments.keys.map(|keys| Bytes::from((number % keys.max(1)).to_string().into_bytes()));
        let record = ProducerRecord {
            topic: arguments.topic.as_str().into(),
            key,
            value,
            ..ProducerRecord::default()
        };
        let ack = producer.enqueue(record).await?;
        let _ = acks.send((ack, Instant::now()));
        if number % 1024 == 0 && said.elapsed() > Duration::from_secs(1) {
            said = Instant::now();
            output.progress(format!(
                "{} of {} records",
                thousands(number as i64),
                thousands(arguments.number as i64)
            ));
        }
    }
    drop(acks);
    producer.flush().await;
    let (quantiles, failed) = waiting.await.unwrap_or_default();
    let took = begin.elapsed().as_secs_f64();
    producer.close().await;
    output.end_progress();
    let records = quantiles.count();
    let (per_second, mib) =
        (records as f64 / took, records as f64 * arguments.size as f64 / took / 1_048_576.0);
    let text = format!(
        "{} records in {took:.2} s: {} records/s, {mib:.1} MiB/s; {}{}",
        thousands(records as i64),
        thousands(per_second as i64),
        quantiles.text(),
        if failed > 0 { format!("; {failed} FAILED") } else { String::new() },
    );
    let value = json!({
        "records": records, "failed": failed, "seconds": took, "records_per_second": per_second,
        "mib_per_second": mib, "latency": quantiles.json(),
    });
    output.either(text, &value)?;
    if failed > 0 {
        Err(crate::failure::Failure::new(format!("{failed} records were not sent")))
    } else {
        Ok(())
    }
}

async fn wait(mut acks: mpsc::UnboundedReceiver<(client::Ack, Instant)>) -> (Quantiles, u64) {
    let (mut quantiles, mut failed) = (Quantiles::default(), 0);
    while let Some((ack, since)) = acks.recv().await {
        match ack.await {
            Ok(_) => quantiles.add(since.elapsed()),
            Err(_) => failed += 1,
        }
    }
    (quantiles, failed)
}
