//! What clients send: topics, pre-encoded batches, produce and fetch loops.

use std::time::{Duration, Instant};

use base::Str;
use bytes::Bytes;
use records::{BatchBuilder, BatchOptions, Compression, NewRecord};
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::messages::metadata::MetadataRequest;
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{ErrorCode, Records};

use crate::connection::{Connection, encode};
use crate::measure::is_over;

/// Versions that both brokers speak and that name topics by name.
const PRODUCE: i16 = 9;
const FETCH: i16 = 12;

/// How long a broker may take until it leads a new topic.
const PATIENCE: Duration = Duration::from_secs(120);

/// Creates a topic and waits until the broker leads every partition of it.
pub fn create_topic(
    address: &str,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> Result<(), String> {
    let mut connection = Connection::open(address)?;
    ask_for_topic(&mut connection, name, partitions, configs)?;
    // A Kafka broker announces leaders a little before it leads: only what it serves tells.
    let request = FetchRequest { max_wait_ms: 0, min_bytes: 0, ..fetch_request(name, 0..partitions, 0) };
    let started = Instant::now();
    while !is_over(started, PATIENCE) {
        let answer = connection.ask(FETCH, &request)?;
        let mut all = answer.responses.iter().flat_map(|topic| &topic.partitions);
        if !answer.responses.is_empty() && all.all(|partition| partition.error_code == ErrorCode::NONE) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(if partitions > 100 { 100 } else { 5 }));
    }
    Err(format!("topic {name} is not led after {} s", PATIENCE.as_secs()))
}

fn ask_for_topic(
    connection: &mut Connection,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> Result<(), String> {
    let configs = configs
        .iter()
        .map(|(key, value)| CreatableTopicConfig { name: Str::from(*key), value: Some(Str::from(*value)) });
    let topic = CreatableTopic {
        name: Str::from(name),
        num_partitions: partitions,
        replication_factor: 1,
        configs: configs.collect(),
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 60_000, ..Default::default() };
    let answer = connection.ask(5, &request)?;
    match answer.topics.iter().find(|topic| topic.error_code != ErrorCode::NONE) {
        Some(topic) => Err(format!("topic {name}: {:?} {:?}", topic.error_code, topic.error_message)),
        None => Ok(()),
    }
}

/// Deletes all topics but those that a broker keeps for itself.
pub fn delete_topics(address: &str) -> Result<(), String> {
    let mut connection = Connection::open(address)?;
    let all = connection.ask(9, &MetadataRequest { topics: None, ..Default::default() })?;
    let names = all.topics.into_iter().filter_map(|topic| topic.name);
    let topic_names: Vec<_> = names.filter(|name| !name.starts_with('_')).collect();
    let request = DeleteTopicsRequest { topic_names, timeout_ms: 60_000, ..Default::default() };
    connection.ask(5, &request).map(|_| ())
}

/// Asks for the topic and sends `frame`, a record for it, until it is acknowledged; without a pause longer than a millisecond.
pub fn first_acknowledged(address: &str, new_topic: Option<&str>, frame: &[u8]) -> Result<(), String> {
    let mut connection = Connection::open(address)?;
    if let Some(topic) = new_topic {
        ask_for_topic(&mut connection, topic, 1, &[])?;
    }
    let started = Instant::now();
    while !is_over(started, PATIENCE) {
        connection.send(frame)?;
        if produced(connection.receive()?)? == ErrorCode::NONE {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err("no record was acknowledged".into())
}

/// Whether a record that `frame` carries is acknowledged, within `patience`.
pub fn is_acknowledged(address: &str, patience: Duration, frame: &[u8]) -> Result<bool, String> {
    let mut connection = Connection::open_within(address, patience)?;
    connection.send(frame)?;
    Ok(produced(connection.receive()?)? == ErrorCode::NONE)
}

/// A batch of `count` records of `size` bytes each, half of them random; `seed` makes it differ from others.
pub fn batch(count: usize, size: usize, compression: Compression, seed: u64) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..Default::default() });
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for _ in 0..count {
        let mut value = vec![b'm'; size];
        for byte in value.iter_mut().take(size / 2) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state as u8;
        }
        let record = NewRecord { timestamp: now_ms(), key: None, value: Some(&value), headers: &[] };
        if builder.append(record).is_err() {
            break;
        }
    }
    builder.build().to_bytes()
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_millis() as i64
}

/// A produce request of one batch, as it goes on the wire.
pub fn produce_frame(topic: &str, partition: i32, acks: i16, batch: Bytes) -> Result<Bytes, String> {
    let partition_data = vec![PartitionProduceData { index: partition, records: Some(Records::from(batch)) }];
    let topic = TopicProduceData { name: Str::from(topic), partition_data, ..Default::default() };
    let request = ProduceRequest { acks, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() };
    encode(PRODUCE, &request)
}

/// Sends `frames` in turn for as long as `window`, `depth` of them unanswered at most; returns the answers counted.
pub fn pump(address: &str, frames: &[Bytes], depth: usize, window: Duration) -> Result<u64, String> {
    let started = Instant::now();
    pump_while(address, frames, depth, |_| !is_over(started, window))
}

/// Sends `frames` in turn, `count` of them in all.
pub fn pump_count(address: &str, frames: &[Bytes], depth: usize, count: usize) -> Result<(), String> {
    pump_while(address, frames, depth, |sent| sent < count).map(|_| ())
}

fn pump_while(
    address: &str,
    frames: &[Bytes],
    depth: usize,
    goes_on: impl Fn(usize) -> bool,
) -> Result<u64, String> {
    let mut connection = Connection::open(address)?;
    let (mut waiting, mut answered) = (0, 0);
    for (sent, frame) in frames.iter().cycle().enumerate() {
        if !goes_on(sent) {
            break;
        }
        connection.send(frame)?;
        waiting += 1;
        if waiting >= depth {
            check_produced(connection.receive()?)?;
            (waiting, answered) = (waiting - 1, answered + 1);
        }
    }
    for _ in 0..waiting {
        check_produced(connection.receive()?)?;
        answered += 1;
    }
    Ok(answered)
}

fn check_produced(frame: &[u8]) -> Result<(), String> {
    match produced(frame)? {
        ErrorCode::NONE => Ok(()),
        code => Err(format!("produce refused: {code:?}")),
    }
}

/// The first error code of a version 9 answer.
fn produced(frame: &[u8]) -> Result<ErrorCode, String> {
    let (_, answer) = wire::frame::decode_response::<ProduceRequest>(Bytes::copy_from_slice(frame), PRODUCE)
        .map_err(|error| error.to_string())?;
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
    let mut codes = partitions.map(|partition| partition.error_code);
    Ok(codes.find(|code| *code != ErrorCode::NONE).unwrap_or(ErrorCode::NONE))
}

/// A fetch request of one topic's partitions, waiting at most half a second for a byte.
fn fetch_request(topic: &str, partitions: std::ops::Range<i32>, offset: i64) -> FetchRequest {
    let partitions = partitions.map(|partition| FetchPartition {
        partition,
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        current_leader_epoch: -1,
        ..Default::default()
    });
    FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 50 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: Str::from(topic),
            partitions: partitions.collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// The offset behind the last record.
pub fn log_end(connection: &mut Connection, topic: &str, partition: i32) -> Result<i64, String> {
    let partitions =
        vec![ListOffsetsPartition { partition_index: partition, timestamp: -1, ..Default::default() }];
    let topics = vec![ListOffsetsTopic { name: Str::from(topic), partitions }];
    let request = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
    let answer = connection.ask(2, &request)?;
    let found = answer.topics.first().and_then(|topic| topic.partitions.first()).ok_or("an empty answer")?;
    Ok(found.offset)
}

/// What one fetch brought: bytes, and the offset to go on at.
pub struct Fetched {
    /// Record batches.
    pub records: Bytes,
    /// The offset after the last whole batch.
    pub next: i64,
}

/// Fetches once from `offset`.
pub fn fetch(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<Fetched, String> {
    let answer = connection.ask(FETCH, &fetch_request(topic, partition..partition + 1, offset))?;
    let data =
        answer.responses.first().and_then(|topic| topic.partitions.first()).ok_or("an empty answer")?;
    if data.error_code != ErrorCode::NONE {
        return Err(format!("fetch refused: {:?}", data.error_code));
    }
    let records = data.records.as_ref().map(Records::to_bytes).unwrap_or_default();
    let next = records::Batches::new(&records).filter_map(Result::ok).last();
    let next = next.map_or(offset, |batch| batch.header.next_offset().get());
    Ok(Fetched { records, next })
}
