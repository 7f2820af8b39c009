//! Batches, acknowledgements and partitions read apart.

use std::collections::BTreeSet;
use std::time::Duration;

use ::client::{
    Batch, Client, ConsumerBuilder, PartitionReader, ProducerRecord, Reset, Split, TopicPartition,
};
use tokio::sync::mpsc;

use super::number;
use crate::server::{Server, unique};

async fn topic_with(client: &Client, name: &str, partitions: i32, each: i32) -> String {
    let topic = unique(name);
    client.admin().create_topic(&topic).partitions(partitions).await.unwrap();
    write(client, &topic, partitions, 0..each).await;
    topic
}

async fn write(client: &Client, topic: &str, partitions: i32, numbers: std::ops::Range<i32>) {
    for number in numbers {
        for partition in 0..partitions {
            let record = ProducerRecord::new(topic, number.to_string()).partition(partition);
            client.send(record).await.unwrap();
        }
    }
}

fn member(client: &Client, topic: &str) -> ConsumerBuilder {
    let builder = client.consumer(topic).topics([topic]).reset(Some(Reset::Earliest));
    builder.heartbeat_interval(Duration::from_millis(100)).max_poll_records(5).commit_acked(true)
}

async fn committed(client: &Client, topic: &str) -> Vec<i64> {
    let offsets = client.admin().group_offsets(topic).await.unwrap();
    let mut offsets: Vec<(TopicPartition, i64)> =
        offsets.into_iter().map(|(partition, committed)| (partition, committed.offset)).collect();
    offsets.sort_unstable();
    offsets.into_iter().map(|(_, offset)| offset).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_acknowledged_is_committed() {
    let server = Server::start("acks");
    let client = Client::connect(&server.address).await.unwrap();
    let topic = topic_with(&client, "acks", 1, 20).await;
    let mut consumer = member(&client, &topic).start().await.unwrap();
    let mut batches: Vec<Batch> = Vec::new();
    while batches.iter().map(|batch| batch.len()).sum::<usize>() < 20 {
        batches.push(consumer.next_batch().await.unwrap());
    }
    assert!(batches[0].len() > 2 || batches.len() > 3, "{batches:?}");
    let last = batches.last().unwrap();
    assert!(consumer.ack(last));
    consumer.commit().await.unwrap();
    assert!(committed(&client, &topic).await.iter().all(|offset| *offset == 0), "a gap is before it");
    assert!(consumer.ack_record(&batches[0], &batches[0][0]));
    consumer.commit().await.unwrap();
    assert_eq!(committed(&client, &topic).await, [1]);
    consumer.close().await;
    assert_eq!(committed(&client, &topic).await, [1], "closing acknowledges nothing");

    let mut next = member(&client, &topic).start().await.unwrap();
    let batch = next.next_batch().await.unwrap();
    assert_eq!(number(&batch[0]), 1);
    next.ack(&batch);
    next.close().await;
    assert_eq!(committed(&client, &topic).await, [batch.next_offset().unwrap()]);
}

/// Who waits for records is not away, however long nothing comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_waits_longer_than_the_poll_interval_stays() {
    let server = Server::start("idle");
    let client = Client::connect(&server.address).await.unwrap();
    let topic = topic_with(&client, "idle", 1, 0).await;
    let builder = member(&client, &topic).poll_interval(Duration::from_millis(500));
    let mut consumer = builder.start().await.unwrap();
    // In a task of its own, which nothing but records wakes.
    let reading = tokio::spawn(async move { consumer.next_batch().await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    write(&client, &topic, 1, 0..1).await;
    let batch = tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap();
    assert_eq!(number(&batch.unwrap().unwrap()[0]), 0);
}

type Seen = (TopicPartition, u64);

/// Reads a partition to its end, in a task.
async fn work(mut reader: PartitionReader, seen: mpsc::UnboundedSender<Seen>) -> TopicPartition {
    while let Some(batch) = reader.next_batch().await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        for record in &batch {
            assert_eq!(&record.partition, reader.partition());
            seen.send((record.partition.clone(), number(record))).unwrap();
        }
        assert!(reader.ack(&batch), "nothing is taken away from a task that works on it");
    }
    reader.partition().clone()
}

async fn serve(
    mut split: Split,
    seen: mpsc::UnboundedSender<Seen>,
    ended: mpsc::UnboundedSender<TopicPartition>,
) {
    loop {
        let reader = split.next_partition().await.unwrap();
        let (seen, ended) = (seen.clone(), ended.clone());
        tokio::spawn(async move { ended.send(work(reader, seen).await).unwrap() });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_read_apart_and_end_when_they_are_revoked() {
    let server = Server::start("split");
    let client = Client::connect(&server.address).await.unwrap();
    let topic = topic_with(&client, "split", 4, 10).await;
    let (seen, mut all) = mpsc::unbounded_channel();
    let (ended, mut ends) = mpsc::unbounded_channel();
    let commit = Duration::from_millis(100);
    let first = member(&client, &topic).auto_commit(Some(commit)).start().await.unwrap().split();
    let first = tokio::spawn(serve(first, seen.clone(), ended.clone()));
    let mut got = BTreeSet::new();
    while got.len() < 40 {
        assert!(got.insert(all.recv().await.unwrap()), "twice");
    }
    // Another member takes two of the four; eager members give up all of theirs meanwhile.
    let second = member(&client, &topic).auto_commit(Some(commit)).start().await.unwrap().split();
    let second = tokio::spawn(serve(second, seen, ended));
    for _ in 0..4 {
        tokio::time::timeout(Duration::from_secs(20), ends.recv()).await.unwrap().unwrap();
    }
    write(&client, &topic, 4, 10..20).await;
    while got.len() < 80 {
        let next = tokio::time::timeout(Duration::from_secs(20), all.recv()).await.unwrap().unwrap();
        assert!(got.insert(next.clone()), "{next:?} twice");
    }
    // Dropping a member ends its readers.
    first.abort();
    for _ in 0..2 {
        tokio::time::timeout(Duration::from_secs(20), ends.recv()).await.unwrap().unwrap();
    }
    for _ in 0..100 {
        if committed(&client, &topic).await == [20; 4] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(committed(&client, &topic).await, [20; 4]);
    second.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_whose_reader_was_dropped_is_given_again() {
    let server = Server::start("given");
    let client = Client::connect(&server.address).await.unwrap();
    let topic = topic_with(&client, "given", 1, 20).await;
    let mut split = member(&client, &topic).commit_acked(false).start().await.unwrap().split();
    let mut reader = split.next_partition().await.unwrap();
    let first = reader.next_batch().await.unwrap().unwrap();
    drop(reader);
    let mut reader = split.next_partition().await.unwrap();
    let second = reader.next_batch().await.unwrap().unwrap();
    // Whether it was processed nobody has said.
    assert_eq!(second[0].offset, first[0].offset);
    split.close().await;
    assert!(reader.next_batch().await.unwrap().is_none());
}

/// It waited for all others to come back, for minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_no_rebalance() {
    let server = Server::start("closing");
    let client = Client::connect(&server.address).await.unwrap();
    let topic = topic_with(&client, "closing", 2, 20).await;
    let mut busy = member(&client, &topic).start().await.unwrap();
    let _at_work = busy.next_batch().await.unwrap();
    let late = member(&client, &topic).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(late.assignment().is_empty(), "its join waits for the other");
    tokio::time::timeout(Duration::from_secs(20), late.close()).await.unwrap();
    drop(busy);
}

/// The group's coordinator has it keep what was assigned (KIP-814), and nobody else watches the topics.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_leader_that_came_back_notices_new_partitions() {
    let server = Server::start("watching");
    let client = Client::connect(&server.address).await.unwrap();
    let topic = topic_with(&client, "watching", 1, 5).await;
    let age = Duration::from_millis(500);
    let started = || member(&client, &topic).instance_id("one").metadata_max_age(age).start();
    let mut first = started().await.unwrap();
    first.next_batch().await.unwrap();
    first.close().await;
    let mut again = started().await.unwrap();
    write(&client, &topic, 1, 5..6).await;
    again.next_batch().await.unwrap();
    client.admin().create_partitions(&topic, 3, false).await.unwrap();
    let begun = std::time::Instant::now();
    while again.assignment().len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", again.assignment());
        again.poll(Duration::from_millis(100)).await.unwrap();
    }
}
