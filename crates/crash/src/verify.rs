//! Everything is read and compared with the ledger: nothing lost, altered, reordered, doubled or resurrected.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use client::admin::OffsetSpec;
use client::{Client, StartAt, TopicPartition};

use crate::Failure;
use crate::ledger::{Book, Lane, Ledger};
use crate::load::{GROUP, GROUP_TOPIC, TOPICS};

/// How long reading everything may take.
const READ_MAX: Duration = Duration::from_secs(60);

/// A log as it was read.
struct Found {
    start: i64,
    records: BTreeMap<i64, Bytes>,
}

/// Reads everything; every breach is one line.
pub async fn check(client: &Client, ledger: &Ledger) -> Result<Vec<String>, Failure> {
    let mut breaches = Vec::new();
    let found = read_in_peace(client).await?;
    let topics: BTreeSet<_> =
        client.admin().list_topics().await?.iter().map(|t| t.name.to_string()).collect();
    let offsets = client.admin().group_offsets(GROUP).await;
    let mut book = ledger.book();
    for (partition, found) in found {
        let lane = book.lanes.entry(partition.clone()).or_default();
        let compacted = partition.topic.as_str() == "compacted";
        let before = breaches.len();
        // Nothing takes records from the front of the others: a start that has moved would hide what is lost.
        if partition.topic.as_str() != "retained" && found.start != 0 {
            breaches.push(format!("it starts at {}", found.start));
        }
        compare(lane, &found, compacted, &mut breaches);
        breaches.iter_mut().skip(before).for_each(|breach| *breach = format!("{partition}: {breach}"));
        lane.start = found.start;
        lane.seen = found.records;
    }
    for topic in book.topics.there.difference(&topics) {
        breaches.push(format!("topic {topic} was created and is not there"));
    }
    for topic in book.topics.gone.intersection(&topics) {
        breaches.push(format!("topic {topic} was deleted and is back"));
    }
    let committed = match offsets {
        Ok(offsets) => offsets.get(&TopicPartition::new(GROUP_TOPIC, 0)).map_or(-1, |found| found.offset),
        Err(error) => return Err(error.into()),
    };
    check_committed(&book, committed, &mut breaches);
    Ok(breaches)
}

fn check_committed(book: &Book, found: i64, breaches: &mut Vec<String>) {
    let (answered, tried) = book.committed;
    if found < answered || found > tried {
        breaches
            .push(format!("the group's offset is {found}, but {answered} was answered and {tried} tried"));
    }
}

fn compare(lane: &Lane, found: &Found, compacted: bool, breaches: &mut Vec<String>) {
    if found.start < lane.start {
        breaches.push(format!("it starts at {} again, after {}", found.start, lane.start));
    }
    for (offset, value) in lane.acked.range(found.start..) {
        match found.records.get(offset) {
            Some(there) if there == value => {}
            Some(there) => breaches.push(format!("{offset} is {} and was {}", name(there), name(value))),
            None if compacted && is_superseded(lane, found, *offset, value) => {}
            None => breaches.push(format!("{offset} is gone: {}", name(value))),
        }
    }
    for (offset, value) in lane.seen.range(found.start..) {
        let there = found.records.get(offset);
        let gone = there.is_none() && !(compacted && is_superseded(lane, found, *offset, value));
        if gone || there.is_some_and(|there| there != value) {
            breaches.push(format!("{offset} was read as {} and is not that any more", name(value)));
        }
    }
    let (mut last, mut once) = (BTreeMap::new(), BTreeSet::new());
    for (offset, value) in &found.records {
        let Some(tried) = lane.tried.get(value) else {
            breaches.push(format!("{offset} is {}, which nobody sent", name(value)));
            continue;
        };
        if !once.insert(value) {
            breaches.push(format!("{offset} is {} for the second time", name(value)));
        }
        let before = last.insert(tried.producer, tried.number).unwrap_or(0);
        if before > tried.number {
            breaches.push(format!("{offset} is {} behind {before} of its producer", name(value)));
        }
    }
}

/// Whether a later record has the key of the one that is gone.
fn is_superseded(lane: &Lane, found: &Found, offset: i64, value: &Bytes) -> bool {
    let Some(key) = lane.tried.get(value).map(|tried| &tried.key) else { return false };
    let later = found.records.range(offset + 1..);
    later.into_iter().any(|(_, value)| lane.tried.get(value).is_some_and(|tried| tried.key == *key))
}

/// The readable part of a value.
fn name(value: &Bytes) -> String {
    let text = String::from_utf8_lossy(value.get(..value.len().min(24)).unwrap_or_default());
    format!("`{text}` ({} bytes)", value.len())
}

/// Reads until retention took nothing meanwhile: a reader whose place is gone goes on elsewhere, and what it passed over is not
/// missing.
async fn read_in_peace(client: &Client) -> Result<BTreeMap<TopicPartition, Found>, Failure> {
    const TRIES_MAX: usize = 20;
    for _ in 0..TRIES_MAX {
        if let Some(found) = read(client).await? {
            return Ok(found);
        }
    }
    Err("retention does not come to rest".into())
}

/// Reads everything; nothing where a log's start moved meanwhile.
async fn read(client: &Client) -> Result<Option<BTreeMap<TopicPartition, Found>>, Failure> {
    let partitions: Vec<_> = TOPICS
        .iter()
        .flat_map(|(name, count, _)| (0..*count).map(|index| TopicPartition::new(*name, index)))
        .collect();
    let starts = offsets(client, &partitions, OffsetSpec::Earliest).await?;
    let ends = offsets(client, &partitions, OffsetSpec::Latest).await?;
    let mut found: BTreeMap<_, _> = starts
        .iter()
        .map(|(at, start)| (at.clone(), Found { start: *start, records: BTreeMap::new() }))
        .collect();
    let mut reader = client.reader().fetch_wait(Duration::from_millis(50)).max_poll_records(5_000);
    let mut waiting: BTreeMap<_, _> =
        ends.into_iter().filter(|(at, end)| starts.get(at) < Some(end)).collect();
    for partition in waiting.keys() {
        reader = reader.assign(partition.clone(), StartAt::Earliest);
    }
    if waiting.is_empty() {
        return Ok(Some(found));
    }
    let mut reader = reader.start().await?;
    let begun = Instant::now();
    while !waiting.is_empty() {
        for record in reader.poll(Duration::from_millis(200)).await? {
            if let Some(found) = found.get_mut(&record.partition) {
                found.records.insert(record.offset, record.value.unwrap_or_default());
            }
        }
        waiting.retain(|partition, end| reader.position(partition).is_none_or(|position| position < *end));
        if begun.elapsed() > READ_MAX {
            return Err(format!("reading does not end: {waiting:?} are ahead").into());
        }
    }
    reader.close().await;
    let is_as_before = offsets(client, &partitions, OffsetSpec::Earliest).await? == starts;
    Ok(is_as_before.then_some(found))
}

async fn offsets(
    client: &Client,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let wanted = partitions.iter().map(|partition| (partition.clone(), spec));
    let found = client.admin().list_offsets(wanted).await?;
    found.into_iter().map(|(partition, found)| Ok((partition, found?.offset))).collect()
}
