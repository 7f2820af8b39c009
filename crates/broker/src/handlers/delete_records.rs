//! DeleteRecords (21), versions 0–2: moves the log's start (KIP-107). -1 stands for the high watermark.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Offset;
use wire::ErrorCode;
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopicResult,
};

use crate::errors;
use crate::partition::Partition;
use crate::request::{Operation, RequestContext, ResourceType};
use crate::waiters::Key;

/// Moves each partition's start.
pub(crate) async fn handle(ctx: &RequestContext, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    // All begin, then all are waited for together.
    let until = Instant::now() + Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let mut begun = Vec::new();
    for topic in &request.topics {
        let allowed = ctx.authorize(Operation::Delete, ResourceType::Topic, &topic.name);
        for asked in &topic.partitions {
            begun.push(match allowed {
                true => begin(ctx, &topic.name, asked).await,
                false => Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
            });
        }
    }
    let mut begun = begun.into_iter();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for (asked, begun) in topic.partitions.iter().zip(&mut begun) {
            let outcome = match begun {
                Ok((partition, offset)) => end(ctx, &partition, offset, until).await,
                Err(code) => Err(code),
            };
            partitions.push(DeleteRecordsPartitionResult {
                partition_index: asked.partition_index,
                low_watermark: outcome.unwrap_or(-1),
                error_code: outcome.err().unwrap_or(ErrorCode::NONE),
            });
        }
        topics.push(DeleteRecordsTopicResult { name: topic.name, partitions });
    }
    DeleteRecordsResponse { topics, ..Default::default() }
}

/// Moves the leader's start, and says to where.
async fn begin(
    ctx: &RequestContext,
    name: &str,
    asked: &DeleteRecordsPartition,
) -> Result<(Arc<Partition>, Offset), ErrorCode> {
    let topic = ctx.broker().topics.by_name(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if topic.is_internal() {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    let partition = topic.find(asked.partition_index)?;
    if !partition.settings().deletes {
        return Err(ErrorCode::POLICY_VIOLATION);
    }
    let high_watermark = partition.reader().view().high_watermark;
    let offset = match asked.offset {
        -1 => high_watermark,
        offset if offset < 0 || offset > high_watermark.0 => return Err(ErrorCode::OFFSET_OUT_OF_RANGE),
        offset => Offset(offset),
    };
    let log = Arc::clone(&partition);
    let moved = tokio::task::spawn_blocking(move || log.with_log(|log| log.advance_log_start(offset))).await;
    moved.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?.map_err(|error| errors::of_log(&error))?;
    partition.log_start_moved();
    Ok((partition, offset))
}

/// Waits until all replicas begin there.
async fn end(
    ctx: &RequestContext,
    partition: &Partition,
    offset: Offset,
    until: Instant,
) -> Result<i64, ErrorCode> {
    let key = Key::Partition(partition.key());
    let timeout = until.saturating_duration_since(Instant::now());
    let is_done = || !partition.leads() || partition.low_watermark() >= offset;
    match ctx.broker().waiters.wait_until(key, timeout, is_done).await {
        true if !partition.leads() => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
        true => Ok(partition.low_watermark().0),
        false => Err(ErrorCode::REQUEST_TIMED_OUT),
    }
}
