//! The client library against a broker: what it promises about order, groups and a broker that dies.

mod batches;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::server::{Server, unique};
use futures_core::Stream;

use ::client::assignor::Assignor;
use ::client::{Client, ConsumerRecord, ProducerRecord, Rebalance, Reset, StartAt, TopicPartition};

async fn read_all(client: &Client, topic: &str, partitions: i32) -> Vec<ConsumerRecord> {
    let mut all = Vec::new();
    for index in 0..partitions {
        let partition = TopicPartition::new(topic, index);
        let spec = [(partition.clone(), ::client::admin::OffsetSpec::Latest)];
        let end =
            client.admin().list_offsets(spec).await.unwrap().remove(&partition).unwrap().unwrap().offset;
        let mut reader = client.reader().assign(partition.clone(), StartAt::Earliest).start().await.unwrap();
        while reader.position(&partition).is_none_or(|position| position < end) && end > 0 {
            all.extend(reader.poll(Duration::from_secs(5)).await.unwrap());
        }
    }
    all
}

fn number(record: &ConsumerRecord) -> u64 {
    record.text().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_loses_and_doubles_nothing() {
    let mut server = Server::start_on("killed", crate::server::free_port());
    let topic = unique("killed");
    let client = Client::connect(&server.address).await.unwrap();
    client.admin().create_topic(&topic).partitions(3).await.unwrap();
    let producer = client.producer().linger(Duration::from_millis(1)).build().unwrap();
    let sending = tokio::spawn({
        let topic = topic.clone();
        async move {
            let mut acks = Vec::new();
            for number in 0..6000 {
                let record = ProducerRecord::new(topic.as_str(), number.to_string()).partition(number % 3);
                acks.push(producer.enqueue(record).await.unwrap());
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            for ack in acks {
                ack.await.unwrap();
            }
        }
    });
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.kill_and_restart();
    }
    tokio::time::timeout(Duration::from_secs(60), sending).await.unwrap().unwrap();
    let mut by_partition: BTreeMap<i32, Vec<u64>> = BTreeMap::new();
    for record in read_all(&client, &topic, 3).await {
        by_partition.entry(record.partition.partition).or_default().push(number(&record));
    }
    for (partition, numbers) in by_partition {
        let expected: Vec<u64> = (0..6000).filter(|number| number % 3 == partition as u64).collect();
        assert!(
            numbers == expected,
            "partition {partition}: {} numbers, {} expected",
            numbers.len(),
            expected.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_and_each_record_is_read_once() {
    let server = Server::start("members");
    for assignor in [Assignor::CooperativeSticky, Assignor::Range, Assignor::Sticky, Assignor::RoundRobin] {
        let topic = unique(assignor.name());
        let client = Client::connect(&server.address).await.unwrap();
        client.admin().create_topic(&topic).partitions(6).await.unwrap();
        let read: Arc<Mutex<Vec<u64>>> = Arc::default();
        let (stop, _) = tokio::sync::watch::channel(0);
        let mut members = Vec::new();
        for number in 0..4 {
            members.push(tokio::spawn(member(
                client.clone(),
                topic.clone(),
                assignor,
                Arc::clone(&read),
                stop.subscribe(),
                number,
            )));
            let producer = client.producer().build().unwrap();
            for value in 0..500 {
                let value = number * 500 + value;
                let record =
                    ProducerRecord::new(topic.as_str(), value.to_string()).partition((value % 6) as i32);
                drop(producer.enqueue(record).await.unwrap());
            }
            producer.close().await;
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        stop.send_replace(1); // Members 0 and 1 leave.
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if read.lock().unwrap().len() >= 2000 {
                break;
            }
        }
        stop.send_replace(2);
        for member in members {
            member.await.unwrap();
        }
        let mut numbers = read.lock().unwrap().clone();
        numbers.sort_unstable();
        assert!(numbers == (0..2000).collect::<Vec<u64>>(), "{}: {} read", assignor.name(), numbers.len());
        let left = client
            .admin()
            .group_offsets(&topic)
            .await
            .unwrap()
            .values()
            .map(|committed| committed.offset)
            .sum::<i64>();
        assert_eq!(left, 2000, "everything read is committed");
    }
}

async fn member(
    client: Client,
    topic: String,
    assignor: Assignor,
    read: Arc<Mutex<Vec<u64>>>,
    mut stop: tokio::sync::watch::Receiver<i32>,
    number: u64,
) {
    let builder =
        client.consumer(&topic).topics([topic.as_str()]).assignors([assignor]).reset(Some(Reset::Earliest));
    let mut consumer =
        builder.heartbeat_interval(Duration::from_millis(100)).max_poll_records(50).start().await.unwrap();
    let leaves_at = if number < 2 { 1 } else { 2 };
    loop {
        tokio::select! {
            batch = consumer.next_batch() => {
                let batch = batch.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
                read.lock().unwrap().extend(batch.iter().map(self::number));
            }
            () = async { drop(stop.wait_for(|stop| *stop >= leaves_at).await) } => break,
        }
    }
    consumer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_where_one_puts_them() {
    let server = Server::start("positions");
    let topic = unique("positions");
    let client = Client::connect(&server.address).await.unwrap();
    client.admin().create_topic(&topic).partitions(2).await.unwrap();
    for number in 0..20 {
        let record = ProducerRecord::new(topic.as_str(), number.to_string())
            .partition(0)
            .timestamp(1_000_000 + number * 1000);
        client.send(record).await.unwrap();
    }
    let partition = TopicPartition::new(topic.as_str(), 0);
    for (start, expected) in [
        (StartAt::Earliest, 0),
        (StartAt::Offset(7), 7),
        (StartAt::Tail(3), 17),
        (StartAt::Timestamp(1_004_500), 5),
        (StartAt::Offset(9999), 0),
    ] {
        let builder = client.reader().assign(partition.clone(), start).reset(Some(Reset::Earliest));
        let mut reader = builder.start().await.unwrap();
        let first = reader.next_batch().await.unwrap();
        assert_eq!(number(&first[0]), expected, "{start:?}");
        reader.pause(&partition);
        assert!(reader.poll(Duration::from_millis(100)).await.unwrap().is_empty());
        reader.resume(&partition);
        assert!(reader.seek(&partition, StartAt::Offset(19)));
        let last = loop {
            let batch = reader.next_batch().await.unwrap();
            if number(&batch[0]) == 19 {
                break batch;
            }
        };
        assert_eq!((last.len(), reader.position(&partition)), (1, Some(20)));
    }
    let mut streamed = client.reader().assign(partition.clone(), StartAt::Earliest).start().await.unwrap();
    {
        let mut records = std::pin::pin!(streamed.records());
        for expected in 0..3 {
            let record = std::future::poll_fn(|context| records.as_mut().poll_next(context)).await;
            assert_eq!(number(&record.unwrap().unwrap()), expected);
        }
    }
    assert_eq!(streamed.position(&partition), Some(3));
    let mut strict =
        client.reader().assign(partition, StartAt::Offset(9999)).reset(None).start().await.unwrap();
    assert!(strict.next_batch().await.unwrap_err().to_string().contains("out of range"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_member_comes_back_without_a_rebalance() {
    let server = Server::start("static");
    let topic = unique("static");
    let client = Client::connect(&server.address).await.unwrap();
    client.admin().create_topic(&topic).partitions(2).await.unwrap();
    let changes: Arc<Mutex<Vec<Rebalance>>> = Arc::default();
    let start = async |instance: &'static str, changes: Arc<Mutex<Vec<Rebalance>>>| {
        let builder = client.consumer(&topic).topics([topic.as_str()]).instance_id(instance);
        let builder = builder.heartbeat_interval(Duration::from_millis(100)).reset(Some(Reset::Earliest));
        let builder = builder.on_rebalance(move |change| changes.lock().unwrap().push(change.clone()));
        let mut consumer = builder.start().await.unwrap();
        while consumer.assignment().is_empty() {
            let _ = consumer.poll(Duration::from_millis(50)).await.unwrap();
        }
        consumer
    };
    let mut stays = start("a", Arc::clone(&changes)).await;
    let goes = tokio::join!(start("b", Arc::default()), async {
        for _ in 0..20 {
            let _ = stays.poll(Duration::from_millis(50)).await.unwrap();
        }
    });
    let had: BTreeSet<TopicPartition> = goes.0.assignment().into_iter().collect();
    let before = changes.lock().unwrap().len();
    goes.0.close().await;
    let back = start("b", Arc::default()).await;
    let _ = stays.poll(Duration::from_millis(500)).await.unwrap();
    assert_eq!(back.assignment().into_iter().collect::<BTreeSet<_>>(), had);
    assert_eq!(changes.lock().unwrap().len(), before, "the other member noticed nothing");
}

/// By this the schema registry's writers keep each other out, on Mekong and on Apache Kafka alike.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_is_refused_from_the_first_record_of_a_higher_epoch_on() {
    let server = Server::start("epochs");
    let topic = unique("epochs");
    let client = Client::connect(&server.address).await.unwrap();
    client.admin().create_topic(&topic).partitions(1).await.unwrap();
    let identity = client.new_producer_identity().await.unwrap();
    let at = |epoch| {
        let identity = ::client::ProducerIdentity { epoch, ..identity };
        client.producer().identity(identity).linger(Duration::ZERO).build().unwrap()
    };
    let record = |value: &str| ProducerRecord::new(topic.as_str(), value.to_owned()).partition(0);
    let former = at(identity.epoch);
    for value in ["a", "b"] {
        former.send(record(value)).await.unwrap();
    }
    let latter = at(identity.epoch + 1);
    latter.send(record("c")).await.unwrap();
    // Another that begins under the same epoch is taken for one that sends its first record again.
    let twice = at(identity.epoch + 1).send(record("d")).await.unwrap();
    assert_eq!(twice.offset, Some(2));
    for _ in 0..2 {
        let error = former.send(record("late")).await.unwrap_err();
        assert_eq!(error.code(), Some(::client::ErrorCode::INVALID_PRODUCER_EPOCH), "{error}");
        assert!(!error.possibly_written());
    }
    latter.send(record("e")).await.unwrap();
    let read = read_all(&client, &topic, 1).await;
    let values: Vec<_> = read.iter().map(|record| record.text().unwrap().to_owned()).collect();
    assert_eq!(values, ["a", "b", "c", "e"]);
}
