//! `mekong produce`

use std::io::BufRead;
use std::time::{Duration, Instant};

use base::Str;
use bytes::Bytes;
use client::{Acks, Compression, Header, Producer, ProducerRecord};
use serde_json::json;
use tokio::sync::mpsc;

use crate::connect::Connect;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, thousands};
use crate::schema::codec::{EncodeArguments, Encoder};
use crate::text;

/// Sends each VALUE, or each line of stdin.
#[derive(clap::Args)]
pub struct Arguments {
    /// The topic; not needed with --json-lines whose objects name one.
    topic: Option<String>,
    /// What to send; lines of stdin if there is none.
    values: Vec<String>,
    /// The key of all records.
    #[arg(long, short)]
    key: Option<String>,
    /// Take the key from each line, up to this.
    #[arg(long, short = 'K', value_name = "DELIMITER", conflicts_with = "key")]
    key_delimiter: Option<String>,
    /// A header of all records. May be given many times.
    #[arg(long, short = 'H', value_name = "KEY=VALUE")]
    header: Vec<String>,
    /// The partition [default: the key's, or any].
    #[arg(long, short)]
    partition: Option<i32>,
    /// The timestamp of all records: milliseconds, RFC 3339, or a time ago such as 2h.
    #[arg(long)]
    timestamp: Option<String>,
    /// Lines are JSON objects with topic, key, value, headers, partition, timestamp, as `mekong consume --json` prints them.
    #[arg(long, conflicts_with_all = ["key", "key_delimiter", "values"])]
    json_lines: bool,
    /// An empty value or key is null.
    #[arg(long, short = 'Z')]
    null: bool,
    /// Who must have the records: all, leader or none.
    #[arg(long, default_value = "all", allow_hyphen_values = true, value_parser = ["all", "leader", "none", "-1", "1", "0"])]
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
    /// How large a record, and a request, may be, in bytes (`max.request.size`); the topic's `max.message.bytes` bounds it too.
    #[arg(long, default_value_t = 1_048_576)]
    max_request_size: usize,
    /// How long a record may take, in seconds.
    #[arg(long, default_value_t = 120)]
    delivery_timeout: u64,
    /// Say where each record went.
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    encode: EncodeArguments,
}

/// The codec of that name, at its default level.
pub fn compression(name: &str) -> Outcome<Compression> {
    Ok(match name {
        "none" => Compression::None,
        "gzip" => Compression::Gzip { level: 6 },
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4 { level: 9 },
        "zstd" => Compression::Zstd { level: 3 },
        other => {
            return Err(Failure::new(format!(
                "`{other}` is no codec; there are none, gzip, snappy, lz4, zstd"
            )));
        }
    })
}

/// Acks by name or by Kafka's number.
pub fn acks(name: &str) -> Acks {
    match name {
        "none" | "0" => Acks::None,
        "leader" | "1" => Acks::Leader,
        _ => Acks::All,
    }
}

/// What makes lines records.
struct Recipe {
    topic: Option<String>,
    key: Option<Bytes>,
    delimiter: Option<String>,
    headers: Vec<Header>,
    partition: Option<i32>,
    timestamp: Option<i64>,
    json_lines: bool,
    null: bool,
}

impl Recipe {
    fn new(arguments: &Arguments) -> Outcome<Self> {
        let headers = arguments.header.iter().map(|header| {
            let (key, value) = header
                .split_once('=')
                .ok_or_else(|| Failure::new(format!("`{header}`: write a header as key=value")))?;
            Ok(Header { key: Str::from(key), value: Some(Bytes::copy_from_slice(value.as_bytes())) })
        });
        let time = |text: &String| {
            let parsed = crate::time::parse(text, crate::time::now_ms());
            parsed.ok_or_else(|| {
                Failure::new(format!("`{text}` is no time; write milliseconds, RFC 3339, or 2h"))
            })
        };
        if arguments.topic.is_none() && !arguments.json_lines {
            return Err(Failure::new("no topic").advise("Write mekong produce TOPIC [VALUE…]."));
        }
        Ok(Self {
            topic: arguments.topic.clone(),
            key: arguments.key.as_ref().map(|key| Bytes::copy_from_slice(key.as_bytes())),
            delimiter: arguments.key_delimiter.clone(),
            headers: headers.collect::<Outcome<_>>()?,
            partition: arguments.partition,
            timestamp: arguments.timestamp.as_ref().map(time).transpose()?,
            json_lines: arguments.json_lines,
            null: arguments.null,
        })
    }

    fn record(&self, line: &[u8]) -> Outcome<ProducerRecord> {
        if self.json_lines {
            let line = std::str::from_utf8(line).map_err(|_| Failure::new("a JSON line is not UTF-8"))?;
            return text::record_from_json(line, self.topic.as_deref());
        }
        let nullable = |bytes: &[u8]| {
            Some(Bytes::copy_from_slice(bytes)).filter(|bytes| !(self.null && bytes.is_empty()))
        };
        let (key, value) = match &self.delimiter {
            None => (self.key.clone(), nullable(line)),
            Some(delimiter) => {
                let at =
                    line.windows(delimiter.len().max(1)).position(|window| window == delimiter.as_bytes());
                let at =
                    at.ok_or_else(|| Failure::new(format!("a line lacks the delimiter `{delimiter}`")))?;
                let (key, rest) = line.split_at(at);
                (nullable(key), nullable(rest.get(delimiter.len()..).unwrap_or_default()))
            }
        };
        Ok(ProducerRecord {
            topic: Str::from(self.topic.as_deref().unwrap_or_default()),
            partition: self.partition,
            key,
            value,
            headers: self.headers.clone(),
            timestamp: self.timestamp,
        })
    }
}

/// Runs it.
pub async fn run(arguments: Arguments, connect: &Connect, output: &Output) -> Outcome {
    let recipe = Recipe::new(&arguments)?;
    let encoder = arguments.encode.encoder(connect)?;
    let client = connect.client().await?;
    let producer = client
        .producer()
        .acks(acks(&arguments.acks))
        .compression(compression(&arguments.compression)?)
        .linger(Duration::from_millis(arguments.linger))
        .batch_size(arguments.batch_size)
        .max_request_size(arguments.max_request_size)
        .delivery_timeout(Duration::from_secs(arguments.delivery_timeout))
        .build()?;
    let (acks, queue) = mpsc::channel(100_000);
    let says_each = arguments.verbose || output.is_json();
    let sending = Sending { producer: &producer, recipe: &recipe, encoder };
    let (sent, acknowledged) =
        tokio::join!(sending.all(arguments.values, acks), acknowledge(queue, says_each, output));
    producer.close().await;
    let count = acknowledged?;
    sent?;
    if !says_each {
        output.note(format!("{} records sent", thousands(count as i64)));
    }
    Ok(())
}

/// What sends lines.
struct Sending<'a> {
    producer: &'a Producer,
    recipe: &'a Recipe,
    encoder: Option<Encoder>,
}

impl Sending<'_> {
    async fn all(mut self, values: Vec<String>, acks: mpsc::Sender<client::Ack>) -> Outcome {
        if !values.is_empty() {
            for value in values {
                let ack = self.one(value.as_bytes()).await?;
                let _ = acks.send(ack).await;
            }
            return Ok(());
        }
        let mut lines = lines_of_stdin();
        loop {
            // Whoever waits for the acks ends at the first failure, which is said though no further line comes.
            let line = tokio::select! {
                line = lines.recv() => line,
                () = acks.closed() => return Ok(()),
            };
            let Some(line) = line else { return Ok(()) };
            let ack = self.one(&line?).await?;
            if acks.send(ack).await.is_err() {
                return Ok(());
            }
        }
    }

    async fn one(&mut self, line: &[u8]) -> Outcome<client::Ack> {
        let mut record = self.recipe.record(line)?;
        if let Some(encoder) = &mut self.encoder {
            record = encoder.encode(record).await?;
        }
        Ok(self.producer.enqueue(record).await?)
    }
}

/// Lines without their ends. Reading stdin blocks, so that a thread of its own does it.
fn lines_of_stdin() -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (lines, queue) = mpsc::channel(1024);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n') {
            let line = line.map(|mut line| {
                line.pop_if(|last| *last == b'\r');
                line
            });
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    queue
}

/// Waits for the acks in order; counts them.
async fn acknowledge(
    mut acks: mpsc::Receiver<client::Ack>,
    says_each: bool,
    output: &Output,
) -> Outcome<usize> {
    let mut count = 0;
    let mut said = Instant::now();
    while let Some(ack) = acks.recv().await {
        let sent = ack.await?;
        count += 1;
        if says_each {
            let text = format!(
                "{} at offset {}",
                sent.partition,
                sent.offset.map_or_else(|| "-".to_owned(), |offset| offset.to_string())
            );
            let value = json!({
                "topic": sent.partition.topic.as_str(), "partition": sent.partition.partition,
                "offset": sent.offset, "timestamp": sent.timestamp,
            });
            output.either(text, &value)?;
        } else if said.elapsed() > Duration::from_millis(200) {
            said = Instant::now();
            output.progress(format!("{} records sent", thousands(count as i64)));
        }
    }
    output.end_progress();
    Ok(count)
}
