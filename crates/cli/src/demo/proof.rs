//! The account of the log itself: everything that lies in the topic, read by somebody outside the group.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use client::admin::OffsetSpec;
use client::{Client, ConsumerRecord, StartAt, TopicPartition};

use super::fence::Fence;
use super::ledger::{Device, Findings, Ledger};
use super::workers::reading;
use crate::failure::{Failure, Outcome};

/// Reads all partitions and compares them with what was acknowledged.
///
/// Partitions have no order among each other: the readings before the fence are noted first, partition by partition, then those
/// after it. A device has one partition on each side of the fence, so that this is the only order the log allows.
pub async fn read_log(
    client: &Client,
    topic: &str,
    acknowledged: &BTreeMap<Device, u64>,
) -> Outcome<Findings> {
    let view = client.admin().describe_topic(topic).await?;
    let mut before = Ledger::default();
    let mut after = Vec::new();
    for index in view.partitions.keys() {
        for record in read_partition(client, TopicPartition::new(topic, *index)).await? {
            let known = reading(&record);
            let (device, number) = known.ok_or_else(|| {
                Failure::new(format!("{} offset {}: not a reading", record.partition, record.offset))
            })?;
            if Fence::of(&record).is_some() {
                after.push((device, number, record));
            } else {
                before.note(device, number, || place(&record));
            }
        }
    }
    for (device, number, record) in after {
        before.note(device, number, || place(&record));
    }
    Ok(before.findings(acknowledged))
}

fn place(record: &ConsumerRecord) -> String {
    format!("in the log at {} offset {}", record.partition, record.offset)
}

async fn read_partition(client: &Client, partition: TopicPartition) -> Outcome<Vec<ConsumerRecord>> {
    let mut ends = end_of(client, &partition).await?;
    let end = ends.remove(&partition).unwrap_or(0);
    let mut records = Vec::new();
    if end == 0 {
        return Ok(records);
    }
    let mut reader =
        client.reader().assign(partition.clone(), StartAt::Earliest).max_poll_records(5000).start().await?;
    while reader.position(&partition).is_none_or(|position| position < end) {
        let batch = reader.poll(Duration::from_secs(10)).await?;
        if batch.is_empty() && reader.position(&partition).is_none_or(|position| position < end) {
            return Err(Failure::new(format!("{partition}: nothing came within 10 s before offset {end}")));
        }
        records.extend(batch.into_iter().filter(|record| record.offset < end));
    }
    Ok(records)
}

async fn end_of(client: &Client, partition: &TopicPartition) -> Outcome<HashMap<TopicPartition, i64>> {
    let found = client.admin().list_offsets([(partition.clone(), OffsetSpec::Latest)]).await?;
    found.into_iter().map(|(partition, found)| Ok((partition, found?.offset))).collect()
}
