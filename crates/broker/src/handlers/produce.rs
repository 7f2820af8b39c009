//! Produce (0), versions 3–13: batches to the logs, answered when they are committed as asked.
//!
//! - `acks` 0, 1 and -1 wait for nothing, for the leader's disk, for the high watermark; any other is INVALID_REQUIRED_ACKS.
//! - `acks=0` gets no answer; if any partition fails, the connection is closed, so that the client looks for its leaders anew.
//! - Version 13 names topics by id (KIP-516); version 10 learns the leader from NOT_LEADER_OR_FOLLOWER (KIP-951); version 8 gets
//!   the refused records one by one (KIP-467).
//! - Appends to internal topics and transactional batches are refused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base::{LeaderEpoch, Str, Uuid};
use bytes::Bytes;
use env::Clock;
use log::{AppendInfo, Origin};
use records::{Rejected, TimestampType, ValidBatches};
use wire::ErrorCode;
use wire::messages::produce::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData,
    PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData, TopicProduceResponse,
};

use crate::dispatch::Staged;
use crate::errors;
use crate::partition::verify::{Refusal, verify};
use crate::partition::{Acks, AppendAs, AppendError, AppendWatcher, Partition, Topic};
use crate::request::{ConnectionInfo, Operation, RequestContext, ResourceType};

/// How long checking one partition's batches may take on the thread of a connection.
const CHECK_INLINE_MAX: Duration = Duration::from_millis(5);

/// Appends what is sent, and answers when it is committed.
pub(crate) async fn handle(ctx: &RequestContext, mut request: ProduceRequest) -> Staged<ProduceResponse> {
    let topics = std::mem::take(&mut request.topic_data);
    let acks = match request.acks {
        0 => Acks::None,
        1 => Acks::Leader,
        -1 => Acks::All,
        _ => return Staged::Answer(all_fail(&topics, ErrorCode::INVALID_REQUIRED_ACKS)),
    };
    let answer = Answer::expecting(&topics);
    let how = AppendAs {
        origin: Origin::Client,
        // Each partition's own, from when its batches are looked at.
        leader_epoch: LeaderEpoch(-1),
        broker_epoch: -1,
        acks,
        now_ms: ctx.broker().clock.wall_ms(),
    };
    let mut layout = Vec::with_capacity(topics.len());
    let mut slot = 0;
    for topic in topics {
        let TopicProduceData { name, topic_id, partition_data } = topic;
        layout.push((name.clone(), topic_id, partition_data.len()));
        let found = find_topic(ctx, &name, topic_id);
        for data in partition_data {
            append(ctx, &found, data, how, Slot { answer: Arc::clone(&answer), slot }).await;
            slot += 1;
        }
    }
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let leaders = (ctx.version >= 10).then(|| Arc::clone(&ctx.connection));
    // Its own time, however many answers before it are waited for.
    let until = tokio::time::Instant::from_std(ctx.started) + timeout;
    Staged::Later(Box::pin(async move {
        answer.wait(until).await;
        let response = answer.take(layout);
        match acks {
            Acks::None => silent(&response),
            _ => Staged::Answer(match leaders {
                Some(connection) => point_to_leaders(response, &connection),
                None => response,
            }),
        }
    }))
}

/// No answer, unless something failed: then the connection's end tells the client.
fn silent(response: &ProduceResponse) -> Staged<ProduceResponse> {
    let mut results = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    match results.find(|result| result.error_code != ErrorCode::NONE) {
        Some(failed) => Staged::Close(format!("produce with acks=0 failed: {}", failed.error_code.name())),
        None => Staged::Silent,
    }
}

fn all_fail(topics: &[TopicProduceData], error: ErrorCode) -> ProduceResponse {
    let responses = topics.iter().map(|topic| TopicProduceResponse {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partition_responses: topic.partition_data.iter().map(|data| refusal(data.index, error)).collect(),
    });
    ProduceResponse { responses: responses.collect(), ..Default::default() }
}

fn refusal(index: i32, error_code: ErrorCode) -> PartitionProduceResponse {
    PartitionProduceResponse { index, error_code, base_offset: -1, ..Default::default() }
}

fn find_topic(ctx: &RequestContext, name: &Str, id: Uuid) -> Result<Arc<Topic>, ErrorCode> {
    let topics = &ctx.broker().topics;
    let topic = if ctx.version >= 13 {
        topics.by_id(id.into()).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?
    } else {
        if !ctx.authorize(Operation::Write, ResourceType::Topic, name) {
            return Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        }
        return topics.by_name(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    };
    match ctx.authorize(Operation::Write, ResourceType::Topic, topic.name()) {
        true => Ok(topic),
        false => Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
    }
}

/// Brings one partition's batches to its log; the slot hears how it goes.
async fn append(
    ctx: &RequestContext,
    topic: &Result<Arc<Topic>, ErrorCode>,
    data: PartitionProduceData,
    how: AppendAs,
    slot: Slot,
) {
    let index = data.index;
    let found = topic.as_ref().map_err(|error| *error).and_then(|topic| {
        if topic.is_internal() && ctx.client_id != *"__admin_client" {
            return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
        }
        topic.find(index)
    });
    let partition = match found {
        Ok(partition) => partition,
        Err(error) => return slot.finish(refusal(index, error)),
    };
    let how =
        AppendAs { leader_epoch: partition.leader_epoch(), broker_epoch: partition.broker_epoch(), ..how };
    let payload = detached(data.records.map(|records| records.to_bytes()).unwrap_or_default(), ctx.bytes_in);
    match check_in_time(ctx, &partition, &payload, how) {
        Ok(batches) => {
            let settings = partition.settings();
            if let Err(refusal) = verify(&settings.checks, &partition, &batches).await {
                return slot.finish(refused_by_check(index, refusal));
            }
            let append_time = append_time(&partition, &batches);
            partition.append(
                batches,
                how,
                InFlight { slot, partition: Arc::clone(&partition), append_time, info: None },
            );
        }
        Err(refused) => slot.finish(refused),
    }
}

/// The batches, in memory of their own where they are a small part of a large frame: the log keeps what is new in memory, and
/// must not keep what came around it.
fn detached(payload: Bytes, bytes_in: usize) -> Bytes {
    const FRAME_BYTES_FROM: usize = 128 << 10;
    let is_small = payload.len() < bytes_in / 4;
    if is_small && bytes_in > FRAME_BYTES_FROM { Bytes::copy_from_slice(&payload) } else { payload }
}

/// Checks batches where they hold up nobody: a connection that has brought one that took long (up to 128 MiB may come out of a few
/// bytes) does so on a thread that no other connection waits for.
fn check_in_time(
    ctx: &RequestContext,
    partition: &Partition,
    payload: &Bytes,
    how: AppendAs,
) -> Result<ValidBatches, PartitionProduceResponse> {
    ctx.connection.checks.run(CHECK_INLINE_MAX, || check(ctx, partition, payload, how))
}

/// The proof that the batches may be appended, or the answer that says why not.
fn check(
    ctx: &RequestContext,
    partition: &Partition,
    payload: &Bytes,
    how: AppendAs,
) -> Result<ValidBatches, PartitionProduceResponse> {
    let index = partition.key().partition;
    let settings = partition.settings();
    partition.check_append(how.acks).map_err(|error| refusal(index, error))?;
    let validation = settings.validation_by(ctx.connection.listener.config.produce_validation);
    let rules = records::Validation { zstd_allowed: ctx.version >= 7, ..validation };
    let batches = ValidBatches::check(payload, &rules, how.now_ms)
        .map_err(|rejected| rejection(partition, &rejected))?;
    match batches.iter().any(|batch| batch.header().attributes.is_transactional()) {
        // There is no transaction coordinator yet; a batch that claims a transaction must not look committed.
        true => Err(refusal(index, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED)),
        false => Ok(batches),
    }
}

fn refused_by_check(index: i32, refused: Refusal) -> PartitionProduceResponse {
    let error_message = refused.message.map(Str::from);
    let one = |(batch_index, message): (i32, String)| BatchIndexAndErrorMessage {
        batch_index,
        batch_index_error_message: Some(message.into()),
    };
    let record_errors = refused.records.into_iter().map(one).collect();
    PartitionProduceResponse { error_message, record_errors, ..refusal(index, refused.error) }
}

fn rejection(partition: &Partition, rejected: &Rejected) -> PartitionProduceResponse {
    let mut refused = refusal(partition.key().partition, errors::of_rejected(rejected));
    let before_the_log = matches!(
        rejected,
        Rejected::NoBatch | Rejected::OldMagic { .. } | Rejected::SeveralBatches | Rejected::ZstdTooEarly
    );
    if !before_the_log && !hides_log_start(refused.error_code) {
        refused.log_start_offset = partition.reader().view().log_start.0;
    }
    if matches!(
        rejected,
        Rejected::Records(_) | Rejected::UnknownMagic { .. } | Rejected::LengthBelowMinimum { .. }
    ) {
        refused.error_message = Some(rejected.to_string().into());
    }
    let name = format!("{}-{}", partition.topic(), partition.key().partition);
    refused.record_errors = rejected
        .record_errors()
        .iter()
        .map(|error| BatchIndexAndErrorMessage {
            batch_index: error.batch_index,
            batch_index_error_message: Some(error.fault.message(&name).into()),
        })
        .collect();
    refused
}

/// The errors with which Kafka answers a log start of -1.
fn hides_log_start(error: ErrorCode) -> bool {
    [
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::MESSAGE_TOO_LARGE,
        ErrorCode::RECORD_LIST_TOO_LARGE,
        ErrorCode::CORRUPT_MESSAGE,
        ErrorCode::KAFKA_STORAGE_ERROR,
    ]
    .contains(&error)
}

fn append_time(partition: &Partition, batches: &ValidBatches) -> i64 {
    match partition.settings().validation.timestamp_type {
        TimestampType::CreateTime => -1,
        TimestampType::LogAppendTime => {
            batches.iter().next().map_or(-1, |batch| batch.header().max_timestamp)
        }
    }
}

/// The answer in the making: one slot per partition, and whoever waits for the last.
struct Answer(Mutex<Slots>);

struct Slots {
    results: Vec<PartitionProduceResponse>,
    missing: usize,
    waker: Option<Waker>,
}

impl Answer {
    /// Until a slot is filled it says what its partition is told when the time is over.
    fn expecting(topics: &[TopicProduceData]) -> Arc<Self> {
        let partitions = topics.iter().flat_map(|topic| &topic.partition_data);
        let results: Vec<_> =
            partitions.map(|data| refusal(data.index, ErrorCode::REQUEST_TIMED_OUT)).collect();
        Arc::new(Self(Mutex::new(Slots { missing: results.len(), results, waker: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every slot is filled, or until then.
    async fn wait(&self, until: tokio::time::Instant) {
        // A timer is made only for those that must wait.
        if self.lock().missing > 0 {
            let _ = tokio::time::timeout_at(until, std::future::poll_fn(|cx| self.poll_filled(cx))).await;
        }
    }

    fn poll_filled(&self, cx: &Context<'_>) -> Poll<()> {
        let mut slots = self.lock();
        if slots.missing == 0 {
            return Poll::Ready(());
        }
        match &mut slots.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// The response, laid out as the request was.
    fn take(&self, layout: Vec<(Str, Uuid, usize)>) -> ProduceResponse {
        let results = std::mem::take(&mut self.lock().results);
        let mut results = results.into_iter();
        let responses = layout.into_iter().map(|(name, topic_id, partitions)| TopicProduceResponse {
            name,
            topic_id,
            partition_responses: results.by_ref().take(partitions).collect(),
        });
        ProduceResponse { responses: responses.collect(), ..Default::default() }
    }
}

/// One partition's place in the answer.
struct Slot {
    answer: Arc<Answer>,
    slot: usize,
}

impl Slot {
    fn finish(self, result: PartitionProduceResponse) {
        let mut slots = self.answer.lock();
        if let Some(place) = slots.results.get_mut(self.slot) {
            *place = result;
        }
        slots.missing -= 1;
        if slots.missing == 0
            && let Some(waker) = slots.waker.take()
        {
            drop(slots);
            waker.wake();
        }
    }
}

/// An append on its way through the log.
struct InFlight {
    slot: Slot,
    partition: Arc<Partition>,
    append_time: i64,
    info: Option<AppendInfo>,
}

impl AppendWatcher for InFlight {
    fn ordered(&mut self, info: &AppendInfo) {
        self.info = Some(*info);
    }

    fn done(self: Box<Self>, outcome: Result<(), AppendError>) {
        let index = self.partition.key().partition;
        let mut result = match (&outcome, self.info) {
            (Ok(()), Some(info)) => PartitionProduceResponse {
                index,
                base_offset: info.first_offset.0,
                // What a duplicate is told is when the original was stamped, as Kafka tells it.
                log_append_time_ms: if info.duplicate { info.max_timestamp } else { self.append_time },
                log_start_offset: info.log_start.0,
                ..Default::default()
            },
            (Ok(()), None) => refusal(index, ErrorCode::UNKNOWN_SERVER_ERROR),
            (Err(error), _) => refusal(index, error.code()),
        };
        if outcome.is_err() && !hides_log_start(result.error_code) {
            result.log_start_offset = self.partition.reader().view().log_start.0;
        }
        self.slot.finish(result);
    }
}

/// Tells the leader of each partition that is led elsewhere, and where that leader listens (KIP-951).
fn point_to_leaders(mut response: ProduceResponse, connection: &ConnectionInfo) -> ProduceResponse {
    let broker = &connection.broker;
    let mut leaders = Vec::new();
    for topic in &mut response.responses {
        let moved = |partition: &&mut PartitionProduceResponse| {
            partition.error_code == ErrorCode::NOT_LEADER_OR_FOLLOWER
        };
        for partition in topic.partition_responses.iter_mut().filter(moved) {
            let id = broker.topic_id(&topic.name, topic.topic_id);
            if let Some((leader_id, leader_epoch)) = broker.leader_of(id, partition.index) {
                partition.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
                leaders.push(leader_id);
            }
        }
    }
    if leaders.is_empty() {
        return response;
    }
    let endpoints = broker.endpoints_for(connection).into_iter().filter(|node| leaders.contains(&node.id));
    response.node_endpoints = endpoints
        .map(|node| NodeEndpoint { node_id: node.id, host: node.host, port: node.port, rack: node.rack })
        .collect();
    response
}
