//! `mekong consume`

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use client::admin::OffsetSpec;
use client::{Batch, Client, Consumer, ConsumerRecord, Reset, StartAt, TopicPartition};

use crate::connect::Connect;
use crate::failure::{Failure, Outcome};
use crate::format::Format;
use crate::output::Output;
use crate::schema::codec::{DecodeArguments, Decoder};
use crate::text;
use crate::time;

/// Prints the records of topics as they come, until interrupted, or until -n or -e says stop.
#[derive(clap::Args)]
pub struct Arguments {
    /// The topics.
    #[arg(required = true)]
    topics: Vec<String>,
    /// Read as a member of this group, and commit.
    #[arg(long, short)]
    group: Option<String>,
    /// Where to begin: beginning (or earliest), end (or latest), an offset, -N for the last N, @TIME for a time (RFC 3339, milliseconds, or 2h for two hours
    /// ago). In a group: where there is no committed offset [default: beginning; in a group end].
    #[arg(long, short, allow_hyphen_values = true)]
    offset: Option<String>,
    /// Only these partitions. May be given many times.
    #[arg(long, short, conflicts_with = "group")]
    partition: Vec<i32>,
    /// Stop after so many records.
    #[arg(long, short = 'n')]
    number: Option<u64>,
    /// Stop at the end of what is there now.
    #[arg(long, short = 'e')]
    exit: bool,
    /// How to print a record, such as '%t %p %o %k %s\n'; fields: %t topic, %p partition, %o offset, %k key, %s value, %h headers,
    /// %T timestamp, %D its date, %K %S lengths.
    #[arg(long, short, default_value = "%s\\n", hide_default_value = true)]
    format: String,
    /// Only records of committed transactions.
    #[arg(long)]
    read_committed: bool,
    /// Commit nothing.
    #[arg(long, requires = "group")]
    no_commit: bool,
    #[command(flatten)]
    decode: DecodeArguments,
}

fn start_at(text: &str) -> Outcome<StartAt> {
    let wrong = || {
        Failure::new(format!("`{text}` is no offset"))
            .advise("Write beginning, end, 42, -10 or @2026-01-31T12:00:00Z.")
    };
    Ok(match text {
        "beginning" | "earliest" | "start" => StartAt::Earliest,
        "end" | "latest" => StartAt::Latest,
        _ => match text.strip_prefix('@') {
            Some(when) => StartAt::Timestamp(time::parse(when, time::now_ms()).ok_or_else(wrong)?),
            None => match text.parse::<i64>().map_err(|_| wrong())? {
                offset if text.starts_with('-') => StartAt::Tail(offset.checked_neg().ok_or_else(wrong)?),
                offset => StartAt::Offset(offset),
            },
        },
    })
}

/// Runs it.
pub async fn run(arguments: Arguments, connect: &Connect, output: &Output) -> Outcome {
    let format = Format::parse(&arguments.format)?;
    let client = connect.client().await?;
    let mut consumer = match &arguments.group {
        Some(group) => member(&client, group, &arguments).await?,
        None => reader(&client, &arguments).await?,
    };
    let ends = if arguments.exit { Some(ends(&client, &arguments).await?) } else { None };
    let style = Style { format, decoder: arguments.decode.decoder(connect)?, output };
    let printed = print(&mut consumer, &arguments, &style, ends).await;
    consumer.close().await;
    printed
}

async fn member(client: &Client, group: &str, arguments: &Arguments) -> Outcome<Consumer> {
    let reset = match arguments.offset.as_deref().map(start_at).transpose()? {
        None | Some(StartAt::Latest) => Reset::Latest,
        Some(StartAt::Earliest) => Reset::Earliest,
        Some(StartAt::Timestamp(at)) => {
            let age = u64::try_from(time::now_ms() - at).unwrap_or(0);
            Reset::ByDuration(Duration::from_millis(age))
        }
        Some(_) => {
            return Err(Failure::new("in a group, --offset says only where to begin without committed offsets: beginning, end or @TIME")
                .advise("`mekong group reset` sets the offsets of a group."));
        }
    };
    let mut builder =
        client.consumer(group).topics(arguments.topics.iter().map(String::as_str)).reset(Some(reset));
    builder = builder.read_committed(arguments.read_committed);
    if arguments.no_commit {
        builder = builder.auto_commit(None);
    }
    Ok(builder.start().await?)
}

async fn partitions(client: &Client, arguments: &Arguments) -> Outcome<Vec<TopicPartition>> {
    let mut all = Vec::new();
    for topic in &arguments.topics {
        let view = client.admin().describe_topic(topic).await?;
        if let Some(missing) =
            arguments.partition.iter().find(|partition| !view.partitions.contains_key(partition))
        {
            return Err(Failure::new(format!(
                "topic `{topic}` has no partition {missing}; it has {}",
                view.partitions.len()
            )));
        }
        let wanted = view
            .partitions
            .keys()
            .filter(|index| arguments.partition.is_empty() || arguments.partition.contains(index));
        all.extend(wanted.map(|partition| TopicPartition::new(topic.as_str(), *partition)));
    }
    Ok(all)
}

async fn reader(client: &Client, arguments: &Arguments) -> Outcome<Consumer> {
    let start = arguments.offset.as_deref().map_or(Ok(StartAt::Earliest), start_at)?;
    // What is asked for and not there is said, not replaced by the whole topic.
    let reset = if matches!(start, StartAt::Offset(_)) { None } else { Some(Reset::Earliest) };
    let mut builder = client.reader().read_committed(arguments.read_committed).reset(reset);
    for partition in partitions(client, arguments).await? {
        builder = builder.assign(partition, start);
    }
    Ok(builder.start().await?)
}

/// The ends as they are now; partitions without records are left out.
async fn ends(client: &Client, arguments: &Arguments) -> Outcome<HashMap<TopicPartition, i64>> {
    let admin = client.admin();
    let partitions = partitions(client, arguments).await?;
    let begin = admin
        .list_offsets(partitions.iter().map(|partition| (partition.clone(), OffsetSpec::Earliest)))
        .await?;
    let latest = partitions.into_iter().map(|partition| (partition, OffsetSpec::Latest));
    // A reader of what is committed comes no further than to the first open transaction.
    let end = match arguments.read_committed {
        true => admin.list_stable_offsets(latest).await?,
        false => admin.list_offsets(latest).await?,
    };
    let mut ends = HashMap::new();
    for (partition, found) in end {
        let end = found?.offset;
        let first =
            begin.get(&partition).and_then(|found| found.as_ref().ok()).map_or(0, |found| found.offset);
        if end > first {
            ends.insert(partition, end);
        }
    }
    Ok(ends)
}

async fn print(
    consumer: &mut Consumer,
    arguments: &Arguments,
    style: &Style<'_>,
    ends: Option<HashMap<TopicPartition, i64>>,
) -> Outcome {
    let mut left = arguments.number.unwrap_or(u64::MAX);
    while left > 0 {
        if ends.as_ref().is_some_and(|ends| has_ended(consumer, ends)) {
            return Ok(());
        }
        // No more is taken than is printed, so that no more is committed.
        consumer.set_max_poll_records(usize::try_from(left).unwrap_or(usize::MAX).min(5000));
        // With ends to reach, positions are looked at even if no record comes: markers and gaps move them too.
        let wait = if ends.is_some() { Duration::from_millis(100) } else { Duration::from_secs(3600) };
        let batch = tokio::select! {
            batch = consumer.poll(wait) => batch?,
            interrupt = tokio::signal::ctrl_c() => return interrupt.map_err(Failure::from),
        };
        left = left.saturating_sub(show(consumer, style, batch, ends.as_ref()).await?);
    }
    Ok(())
}

/// Prints a batch, which is of one partition, and says how many records that were. What is not printed, because it lies behind
/// the ends or cannot be, is sought again: only what was handed out and is not sought again is committed.
async fn show(
    consumer: &mut Consumer,
    style: &Style<'_>,
    batch: Batch,
    ends: Option<&HashMap<TopicPartition, i64>>,
) -> Outcome<u64> {
    let mut bytes = Vec::new();
    let (mut shown, mut rest, mut failed) = (0, None, Ok(()));
    let first = batch.first().map(|record| (record.partition.clone(), record.offset));
    for record in batch {
        let place = (record.partition.clone(), record.offset);
        if ends.is_some_and(|ends| ends.get(&place.0).is_none_or(|end| place.1 >= *end)) {
            consumer.pause(&place.0);
            rest = Some(place);
            break;
        }
        failed = style.write(record, &mut bytes).await;
        if failed.is_err() {
            rest = Some(place);
            break;
        }
        shown += 1;
    }
    let written = style.output.bytes(&bytes);
    if let Some((partition, offset)) = if written.is_ok() { rest } else { first } {
        consumer.seek(&partition, StartAt::Offset(offset));
    }
    written.and(failed).map(|()| shown)
}

fn has_ended(consumer: &Consumer, ends: &HashMap<TopicPartition, i64>) -> bool {
    let assigned: HashSet<TopicPartition> = consumer.assignment().into_iter().collect();
    // A member answers for what it was given; before the first assignment that is unknown.
    !assigned.is_empty()
        && assigned.iter().all(|partition| {
            ends.get(partition)
                .is_none_or(|end| consumer.position(partition).is_some_and(|position| position >= *end))
        })
}

/// How records are printed.
struct Style<'a> {
    format: Format,
    decoder: Option<Decoder>,
    output: &'a Output,
}

impl Style<'_> {
    async fn write(&self, record: ConsumerRecord, bytes: &mut Vec<u8>) -> Outcome {
        let (record, object) = match &self.decoder {
            Some(decoder) => {
                let (record, object) = decoder.decode(record).await?;
                (record, Some(object))
            }
            None => (record, None),
        };
        if self.output.is_json() {
            let object = object.unwrap_or_else(|| text::record_to_json(&record));
            bytes.extend_from_slice(object.to_string().as_bytes());
            bytes.push(b'\n');
        } else {
            self.format.write(&record, bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_as_people_write_them() {
        for (text, expected) in [
            ("beginning", StartAt::Earliest),
            ("end", StartAt::Latest),
            ("42", StartAt::Offset(42)),
            ("-10", StartAt::Tail(10)),
            ("@1970-01-02", StartAt::Timestamp(86_400_000)),
        ] {
            assert_eq!(start_at(text).unwrap(), expected);
        }
        assert!(start_at("soon").is_err());
    }
}
