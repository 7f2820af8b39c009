//! `mekong perf latency`: from sending a record to reading it, one at a time.

use std::time::{Duration, Instant};

use client::{ProducerRecord, StartAt, TopicPartition};
use serde_json::json;

use super::quantiles::Quantiles;
use crate::connect::Connect;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, thousands};
use crate::produce::acks;

/// `mekong perf latency`
#[derive(clap::Args)]
pub struct Arguments {
    /// The topic.
    topic: String,
    /// How many records.
    #[arg(long, short = 'n', default_value_t = 10_000)]
    number: u64,
    /// Bytes of each value.
    #[arg(long, short, default_value_t = 100)]
    size: usize,
    /// Who must have the records: all or leader.
    #[arg(long, default_value = "all", value_parser = ["all", "leader", "-1", "1"])]
    acks: String,
}

/// Runs it.
pub async fn run(arguments: Arguments, connect: &Connect, output: &Output) -> Outcome {
    let client = connect.client().await?;
    let producer = client.producer().acks(acks(&arguments.acks)).linger(Duration::ZERO).build()?;
    // The first record makes the topic, if it may be made, and is not measured.
    producer.send((arguments.topic.as_str(), "begin")).await?;
    let topic = client.admin().describe_topic(&arguments.topic).await?;
    let partition = TopicPartition::new(topic.name.clone(), 0);
    let mut consumer = client.reader().assign(partition.clone(), StartAt::Latest).start().await?;
    while consumer.position(&partition).is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (mut end_to_end, mut acknowledged) = (Quantiles::default(), Quantiles::default());
    let mut said = Instant::now();
    for number in 0..arguments.number {
        let mut value = number.to_be_bytes().to_vec();
        value.resize(arguments.size.max(8), b'.');
        let record = ProducerRecord::new(topic.name.clone(), value.clone()).partition(0);
        let begin = Instant::now();
        let (sent, read) = tokio::join!(producer.send(record), async {
            (consumer.poll(Duration::from_secs(10)).await, begin.elapsed())
        });
        sent?;
        let (batch, took) = read;
        match &*batch? {
            [record] if record.value.as_deref() == Some(value.as_slice()) => end_to_end.add(took),
            [] => return Err(Failure::new("a record was not read within 10 s")),
            _ => {
                return Err(Failure::new("another record came")
                    .advise("Measure with a topic that nobody else writes to."));
            }
        }
        acknowledged.add(begin.elapsed());
        if said.elapsed() > Duration::from_secs(1) {
            said = Instant::now();
            output.progress(format!(
                "{} of {} records",
                thousands(number as i64),
                thousands(arguments.number as i64)
            ));
        }
    }
    output.end_progress();
    producer.close().await;
    output.either(
        format!("end to end over {} records: {}", thousands(arguments.number as i64), end_to_end.text()),
        &json!({ "records": arguments.number, "end_to_end": end_to_end.json(), "both": acknowledged.json() }),
    )
}
