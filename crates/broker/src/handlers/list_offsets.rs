//! ListOffsets (2), versions 1–11: the offset at a time, or at a place that a negative timestamp names.
//!
//! | timestamp | since | place |
//! |---|---|---|
//! | -1 | 1 | the high watermark, or with `isolation_level` 1 the last stable offset |
//! | -2 | 1 | the log's start |
//! | -3 | 7 | the record with the largest timestamp (KIP-734) |
//! | -4 | 8 | the start of what lies on local disk (KIP-405) |
//! | -5 | 9 | the end of what lies in tiered storage (KIP-1005): -1 without it |
//! | -6 | 11 | the first record not yet tiered (KIP-1023): -1 without it |

use std::collections::HashSet;
use std::sync::Arc;

use base::limits::DECOMPRESSED_BATCH_BYTES_MAX;
use base::{LeaderEpoch, Offset};
use log::LogReader;
use wire::ErrorCode;
use wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};

use crate::errors;
use crate::partition::Partition;
use crate::request::{Operation, RequestContext, ResourceType};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// Clients know OFFSET_NOT_AVAILABLE since this version (KIP-207).
const NOT_AVAILABLE_SINCE: i16 = 5;

/// A place found: timestamp, offset, leader epoch; -1 each where unknown.
type Found = (i64, i64, i32);

const NOT_FOUND: Found = (-1, -1, -1);

/// Looks each partition's offset up.
pub(crate) async fn handle(ctx: &RequestContext, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let (replica, committed) = (request.replica_id, request.isolation_level == 1);
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let allowed = ctx.authorize(Operation::Describe, ResourceType::Topic, &topic.name);
        let mut seen = HashSet::new();
        let doubled: HashSet<i32> = topic
            .partitions
            .iter()
            .map(|asked| asked.partition_index)
            .filter(|index| !seen.insert(*index))
            .collect();
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let found = match allowed {
                false => Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
                true if doubled.contains(&asked.partition_index) => Err(ErrorCode::INVALID_REQUEST),
                true => find(ctx, &topic.name, &asked, replica, committed).await,
            };
            partitions.push(answer(asked.partition_index, found, ctx.version));
        }
        topics.push(ListOffsetsTopicResponse { name: topic.name, partitions });
    }
    ListOffsetsResponse { topics, ..Default::default() }
}

fn answer(
    partition_index: i32,
    found: Result<Found, ErrorCode>,
    version: i16,
) -> ListOffsetsPartitionResponse {
    let (error_code, (timestamp, offset, leader_epoch)) = match found {
        Ok(found) => (ErrorCode::NONE, found),
        Err(error) => (error, NOT_FOUND),
    };
    let leader_epoch = if version >= 4 { leader_epoch } else { -1 };
    ListOffsetsPartitionResponse { partition_index, error_code, timestamp, offset, leader_epoch }
}

async fn find(
    ctx: &RequestContext,
    topic: &str,
    asked: &ListOffsetsPartition,
    replica: i32,
    committed: bool,
) -> Result<Found, ErrorCode> {
    let since = match asked.timestamp {
        MAX_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        EARLIEST_PENDING_UPLOAD => 11,
        EARLIEST | LATEST | 0.. => 1,
        _ => i16::MAX,
    };
    if ctx.version < since {
        return Err(ErrorCode::UNSUPPORTED_VERSION);
    }
    let topic = ctx.broker().topics.by_name(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let partition = topic.find(asked.partition_index)?;
    partition.check_epoch(LeaderEpoch(asked.current_leader_epoch))?;
    let view = partition.reader().view();
    let end = match (replica, committed) {
        (-1, true) => view.last_stable_offset,
        (-1, false) => view.high_watermark,
        _ => view.log_end,
    };
    let is_proven = partition.read_bound().ok_or(ErrorCode::NOT_LEADER_OR_FOLLOWER)?.proven;
    // A new leader does not know yet how much was committed: what lies behind that can be neither told nor denied.
    let beyond = match (replica == -1 && !is_proven, ctx.version >= NOT_AVAILABLE_SINCE) {
        (false, _) => Ok(NOT_FOUND),
        (true, true) => Err(ErrorCode::OFFSET_NOT_AVAILABLE),
        (true, false) => Err(ErrorCode::LEADER_NOT_AVAILABLE),
    };
    match asked.timestamp {
        LATEST if beyond.is_err() => beyond,
        LATEST => Ok((-1, end.0, partition.leader_epoch().0)),
        EARLIEST => Ok((-1, view.log_start.0, epoch_at(&partition, view.log_start))),
        EARLIEST_LOCAL => Ok((-1, view.local_log_start.0, epoch_at(&partition, view.local_log_start))),
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => Ok(NOT_FOUND),
        timestamp => match by_time(partition.reader().clone(), timestamp).await? {
            Some(found) if found.1 < end.0 => Ok(found),
            Some(_) => beyond,
            None => Ok(NOT_FOUND),
        },
    }
}

/// The epoch of the record at the log's start; the leader's own where no record is.
fn epoch_at(partition: &Arc<Partition>, offset: Offset) -> i32 {
    let epoch = partition.with_log(|log| log.epoch_at(offset));
    epoch.unwrap_or(partition.leader_epoch()).0
}

async fn by_time(reader: LogReader, timestamp: i64) -> Result<Option<Found>, ErrorCode> {
    let look_up = move || match timestamp {
        MAX_TIMESTAMP => reader.offset_of_max_timestamp(DECOMPRESSED_BATCH_BYTES_MAX),
        timestamp => reader.offset_for_timestamp(timestamp, DECOMPRESSED_BATCH_BYTES_MAX),
    };
    let found = tokio::task::spawn_blocking(look_up).await.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?;
    let found = found.map_err(|error| errors::of_log(&error))?;
    Ok(found.map(|one| (one.timestamp, one.offset.0, one.leader_epoch.0)))
}
