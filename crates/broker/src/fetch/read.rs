//! One partition's read.

use std::sync::Arc;

use base::{BrokerId, LeaderEpoch, Offset, Str};
use log::{LogReader, ReadLimit, ReadResult, Slice, View};
use replica::{EpochEnd, FollowerFetch};
use wire::messages::fetch::{AbortedTransaction, EpochEndOffset, PartitionData};
use wire::{ErrorCode, Records, Segment};

use super::memory::Held;
use super::watch::Wanted;
use crate::Broker;
use crate::errors;
use crate::partition::Partition;

/// What one read from a file brings at most, unless a single batch is larger.
const COLD_READ_BYTES_MAX: usize = 1 << 20;

/// How far a reader sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Isolation {
    /// Up to the high watermark.
    Uncommitted,
    /// Up to the last stable offset.
    Committed,
    /// Up to the log's end (followers and debugging consumers).
    LogEnd,
}

/// A follower that fetches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FromReplica {
    pub id: BrokerId,
    /// The epoch of its registration; -1 where it sent none.
    pub epoch: i64,
}

/// Since this version consumers may read from followers (KIP-392).
const FOLLOWERS_SINCE: i16 = 11;

/// What one read gave.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub data: PartitionData,
    /// Bytes of records.
    pub bytes: usize,
    /// Whether the fetch is answered at once, whatever else it waits for.
    pub urgent: bool,
    /// Whether there was more, which the limits left out.
    pub more: bool,
}

/// The limits of one read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub isolation: Isolation,
    /// A consumer's rack, where it may be sent to a replica there.
    pub rack: Option<&'a Str>,
    /// Which replica asks, if one does.
    pub replica: Option<FromReplica>,
    pub max_bytes: usize,
    pub whole_first_batch: bool,
    /// The version, for errors that old clients do not know.
    pub version: i16,
}

/// Reads one partition as far as it may be read now. Touches files off this thread if it must.
pub(crate) async fn read(
    broker: &Arc<Broker>,
    wanted: &Wanted,
    ask: Ask<'_>,
    held: &mut Held<'_>,
) -> Reading {
    match try_read(broker, wanted, ask, held).await {
        Ok(reading) => reading,
        Err(error) => failure(wanted.name.partition, error, ask.version),
    }
}

/// The answer to a partition that cannot be read.
pub(crate) fn failure(partition_index: i32, error: ErrorCode, version: i16) -> Reading {
    let known = error != ErrorCode::KAFKA_STORAGE_ERROR || version > 5;
    let error_code = if known { error } else { ErrorCode::NOT_LEADER_OR_FOLLOWER };
    // Kafka has an empty list for partitions that it never came to read.
    let unread = [ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ErrorCode::UNKNOWN_TOPIC_ID].contains(&error);
    let data = PartitionData {
        partition_index,
        error_code,
        high_watermark: -1,
        aborted_transactions: unread.then(Vec::new),
        records: Some(Records::empty()),
        ..Default::default()
    };
    Reading { data, bytes: 0, urgent: true, more: false }
}

async fn try_read(
    broker: &Arc<Broker>,
    wanted: &Wanted,
    ask: Ask<'_>,
    held: &mut Held<'_>,
) -> Result<Reading, ErrorCode> {
    let name = &wanted.name;
    let topic = match ask.version >= 13 {
        true => broker.topics.by_id(name.topic_id.into()).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?,
        false => broker.topics.by_name(&name.topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?,
    };
    let partition = match ask.replica.is_none() && ask.version >= FOLLOWERS_SINCE {
        true => topic.replica(name.partition)?,
        false => topic.find(name.partition)?,
    };
    if let Some(replica) = ask.replica {
        if let Some(answer) = on_follower(&partition, wanted, replica)? {
            return Ok(answer);
        }
    } else {
        partition.check_epoch(LeaderEpoch(wanted.current_leader_epoch))?;
    }
    if ask.version < 10
        && partition
            .settings()
            .validation
            .compression
            .is_some_and(|c| c.codec() == records::CompressionType::Zstd)
    {
        return Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE);
    }
    if wanted.last_fetched_epoch >= 0
        && ask.replica.is_none()
        && partition.leads()
        && let Some(diverging) = diverging(&partition, wanted)?
    {
        return Ok(diverging);
    }
    if let Some(reading) = ask.rack.and_then(|rack| nearer(broker, &partition, wanted, rack)) {
        return Ok(reading);
    }
    let reader = partition.reader().clone();
    let view = reader.view();
    let bound = match ask.isolation {
        Isolation::Uncommitted => view.high_watermark,
        Isolation::Committed => view.last_stable_offset,
        Isolation::LogEnd => view.log_end,
    };
    let limit = ReadLimit {
        bound,
        max_bytes: ask.max_bytes.min(usize::try_from(wanted.max_bytes).unwrap_or_default()),
        whole_first_batch: ask.whole_first_batch,
    };
    let offset = Offset(wanted.fetch_offset);
    let result = match ask.replica.filter(|_| partition.settings().throttled_as_leader.has(name.partition)) {
        Some(replica) => read_throttled(broker, &partition, replica, (offset, limit), held).await?,
        None => read_log(&reader, offset, limit, held).await?,
    };
    let aborted = match ask.isolation {
        Isolation::Committed => Some(aborted(&reader, offset, result.next_offset)?),
        _ => None,
    };
    Ok(reading(name.partition, &view, bound, result, aborted))
}

/// Where the client's log and ours part, if they do (KIP-595).
fn diverging(partition: &Partition, wanted: &Wanted) -> Result<Option<Reading>, ErrorCode> {
    let fetched = LeaderEpoch(wanted.last_fetched_epoch);
    let found = partition.end_of_epoch(fetched)?.ok_or(ErrorCode::OFFSET_OUT_OF_RANGE)?;
    if found.epoch >= fetched && found.end.0 >= wanted.fetch_offset {
        return Ok(None);
    }
    Ok(Some(parted(partition, wanted, found)))
}

/// The answer that says where the logs part.
fn parted(partition: &Partition, wanted: &Wanted, at: EpochEnd) -> Reading {
    let view = partition.reader().view();
    let mut reading =
        reading(wanted.name.partition, &view, view.log_start, empty(Offset(wanted.fetch_offset)), None);
    reading.data.diverging_epoch = EpochEndOffset { epoch: at.epoch.0, end_offset: at.end.0 };
    reading.urgent = true;
    reading
}

/// Tells the partition how far a follower is; the answer, where that is not to read on.
fn on_follower(
    partition: &Partition,
    wanted: &Wanted,
    replica: FromReplica,
) -> Result<Option<Reading>, ErrorCode> {
    let durable_end = if wanted.durable_end < 0 { wanted.fetch_offset } else { wanted.durable_end };
    let fetched = partition.on_follower_fetch(&FollowerFetch {
        replica: replica.id,
        broker_epoch: replica.epoch,
        leader_epoch: LeaderEpoch(wanted.current_leader_epoch),
        last_fetched_epoch: LeaderEpoch(wanted.last_fetched_epoch),
        log_start: Offset(wanted.log_start),
        log_end: Offset(wanted.fetch_offset),
        durable_end: Offset(durable_end),
    });
    match fetched {
        Ok(diverged) => Ok(diverged.map(|at| parted(partition, wanted, at))),
        Err(ErrorCode::OFFSET_OUT_OF_RANGE) => {
            let mut refused = failure(wanted.name.partition, ErrorCode::OFFSET_OUT_OF_RANGE, i16::MAX);
            // From it the follower tells whether it is behind the log or beyond it.
            let view = partition.reader().view();
            refused.data.log_start_offset = view.log_start.0;
            refused.data.log_end = view.log_end.0;
            Ok(Some(refused))
        }
        Err(error) => Err(error),
    }
}

/// The answer that sends a consumer to a replica in its rack (KIP-392): the one that is furthest of those that have the offset.
fn nearer(broker: &Broker, partition: &Partition, wanted: &Wanted, rack: &Str) -> Option<Reading> {
    if !partition.leads() || broker.config.rack.as_deref() == Some(rack) {
        return None;
    }
    let image = broker.image();
    let offset = Offset(wanted.fetch_offset);
    let is_near = |id: BrokerId| {
        image.live_broker(id.0).is_some_and(|broker| broker.rack.as_ref().is_some_and(|its| its == rack))
    };
    let ends = partition.replicas().into_iter().filter_map(|replica| Some((replica, replica.ends?)));
    let near =
        ends.filter(|(replica, (start, end, _))| *start <= offset && offset <= *end && is_near(replica.id));
    let (chosen, _) = near.max_by_key(|(replica, (_, end, _))| (*end, replica.caught_up_ms))?;
    let view = partition.reader().view();
    let mut sent = reading(wanted.name.partition, &view, view.log_start, empty(offset), None);
    sent.data.preferred_read_replica = chosen.id.0;
    sent.urgent = true;
    Some(sent)
}

fn empty(offset: Offset) -> ReadResult {
    ReadResult { slices: Vec::new(), bytes: 0, next_offset: offset }
}

/// Reads what a follower of a throttled partition asks for; nothing for now where too much was sent already and the follower is not in
/// sync (KIP-73). It was told of before, so that its place in the ISR is judged as ever.
async fn read_throttled(
    broker: &Broker,
    partition: &Partition,
    replica: FromReplica,
    (offset, limit): (Offset, ReadLimit),
    held: &mut Held<'_>,
) -> Result<ReadResult, ErrorCode> {
    let throttle = &broker.replication.leader_throttle;
    if throttle.exceeded_for().is_some() && !partition.is_in_sync(replica.id) {
        return Ok(empty(offset));
    }
    let result = read_log(partition.reader(), offset, limit, held).await?;
    throttle.record(result.bytes);
    Ok(result)
}

/// Reads from memory, or from a file off this thread; nothing if the memory for it is not to be had.
async fn read_log(
    reader: &LogReader,
    offset: Offset,
    limit: ReadLimit,
    held: &mut Held<'_>,
) -> Result<ReadResult, ErrorCode> {
    let failed = |error: log::LogError| {
        if !matches!(error, log::LogError::OffsetOutOfRange { .. }) {
            tracing::error!(partition = %reader.key(), %error, "cannot read");
        }
        errors::of_log(&error)
    };
    if let Some(result) = reader.read_hot(offset, limit).map_err(failed)? {
        return Ok(if held.take(result.bytes).await { result } else { empty(offset) });
    }
    if limit.max_bytes == 0 && !limit.whole_first_batch {
        // The answer is full: opening the file would bring nothing.
        return Ok(empty(offset));
    }
    let expected = limit.max_bytes.min(COLD_READ_BYTES_MAX);
    if !held.take(expected).await {
        return Ok(empty(offset));
    }
    let (cold, limit) = (reader.clone(), ReadLimit { max_bytes: expected, ..limit });
    let read = tokio::task::spawn_blocking(move || cold.read(offset, limit)).await;
    let result = read.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?.map_err(failed)?;
    held.give_back(expected.saturating_sub(result.bytes));
    Ok(result)
}

fn aborted(reader: &LogReader, from: Offset, upto: Offset) -> Result<Vec<AbortedTransaction>, ErrorCode> {
    let found = reader.aborted_transactions(from, upto).map_err(|error| errors::of_log(&error))?;
    Ok(found
        .into_iter()
        .map(|one| AbortedTransaction { producer_id: one.producer.0, first_offset: one.first_offset.0 })
        .collect())
}

fn reading(
    partition_index: i32,
    view: &View,
    bound: Offset,
    result: ReadResult,
    aborted_transactions: Option<Vec<AbortedTransaction>>,
) -> Reading {
    let more = result.next_offset < bound;
    let segments: Vec<_> = result.slices.into_iter().map(segment).collect();
    let data = PartitionData {
        partition_index,
        high_watermark: view.high_watermark.0,
        last_stable_offset: view.last_stable_offset.0,
        log_start_offset: view.log_start.0,
        aborted_transactions,
        records: Some(Records::from(segments)),
        ..Default::default()
    };
    Reading { data, bytes: result.bytes, urgent: false, more }
}

fn segment(slice: Slice) -> Segment {
    match slice {
        Slice::Bytes(bytes) => Segment::Bytes(bytes),
        Slice::File { file, position, len } => {
            Segment::File(wire::FileSlice { source: Arc::new(OnDisk(file)), position, len })
        }
    }
}

/// A file of the log as the wire sends from it.
#[derive(Debug)]
struct OnDisk(Arc<dyn env::File>);

impl wire::FileSource for OnDisk {
    fn read_exact_at(&self, position: u64, into: &mut [u8]) -> Result<(), wire::ReadFailed> {
        self.0.read_exact_at(into, position).map_err(|_| wire::ReadFailed)
    }
}
