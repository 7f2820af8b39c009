//! `mekong perf consume`

use std::time::{Duration, Instant};

use client::{Reset, StartAt, TopicPartition};
use serde_json::json;

use crate::connect::Connect;
use crate::failure::Outcome;
use crate::output::{Output, thousands};

/// `mekong perf consume`
#[derive(clap::Args)]
pub struct Arguments {
    /// The topic.
    topic: String,
    /// How many records.
    #[arg(long, short = 'n', default_value_t = 1_000_000)]
    number: u64,
    /// Read as a member of this group.
    #[arg(long, short)]
    group: Option<String>,
    /// Give up when no record comes for so many seconds.
    #[arg(long, default_value_t = 10)]
    patience: u64,
    /// Bytes of one partition in one answer.
    #[arg(long, default_value_t = 1024 * 1024)]
    partition_bytes: usize,
    /// Do not check the records' checksums.
    #[arg(long)]
    no_crc: bool,
}

/// Runs it.
pub async fn run(arguments: Arguments, connect: &Connect, output: &Output) -> Outcome {
    let client = connect.client().await?;
    let mut builder = match &arguments.group {
        Some(group) => client.consumer(group).topics([arguments.topic.as_str()]),
        None => {
            let topic = client.admin().describe_topic(&arguments.topic).await?;
            topic.partitions.keys().fold(client.reader(), |builder, partition| {
                builder.assign(TopicPartition::new(topic.name.clone(), *partition), StartAt::Earliest)
            })
        }
    };
    builder = builder
        .reset(Some(Reset::Earliest))
        .max_partition_fetch_bytes(arguments.partition_bytes)
        .check_crcs(!arguments.no_crc);
    let begin = Instant::now();
    let mut consumer = builder.max_poll_records(5000).start().await?;
    let (mut records, mut bytes, mut first, mut said) = (0u64, 0u64, None, begin);
    while records < arguments.number {
        let batch = consumer.poll(Duration::from_secs(arguments.patience)).await?;
        if batch.is_empty() {
            break;
        }
        first.get_or_insert_with(Instant::now);
        records += batch.len() as u64;
        let size =
            |record: &client::ConsumerRecord| record.value.as_ref().map_or(0, |value| value.len()) as u64;
        bytes += batch.iter().map(size).sum::<u64>();
        if said.elapsed() > Duration::from_secs(1) {
            said = Instant::now();
            output.progress(format!(
                "{} of {} records",
                thousands(records as i64),
                thousands(arguments.number as i64)
            ));
        }
    }
    let took = first.unwrap_or(begin).elapsed().as_secs_f64();
    let until_first = first.map_or(0.0, |first| (first - begin).as_secs_f64() * 1000.0);
    consumer.close().await;
    output.end_progress();
    let (per_second, mib) = (records as f64 / took, bytes as f64 / took / 1_048_576.0);
    let text = format!(
        "{} records in {took:.2} s: {} records/s, {mib:.1} MiB/s; the first after {until_first:.1} ms",
        thousands(records as i64),
        thousands(per_second as i64),
    );
    let value = json!({
        "records": records, "bytes": bytes, "seconds": took, "records_per_second": per_second,
        "mib_per_second": mib, "first_after_ms": until_first,
    });
    output.either(text, &value)
}
