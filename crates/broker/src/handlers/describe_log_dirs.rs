//! DescribeLogDirs (35), versions 1–5: what lies in which data folder. Version 4 tells the room (KIP-827), 5 cordons (KIP-1066).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use base::{Str, Uuid};
use wire::ErrorCode;
use wire::messages::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeLogDirsResult,
    DescribeLogDirsTopic,
};

use crate::Broker;
use crate::logs::Dir;
use crate::request::{Operation, RequestContext, ResourceType};

/// The partitions of one folder by topic.
type Held = BTreeMap<Str, Vec<DescribeLogDirsPartition>>;

/// Tells the folders.
pub(crate) async fn handle(ctx: &RequestContext, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    if !ctx.authorize(Operation::Describe, ResourceType::Cluster, "kafka-cluster") {
        let error_code = ErrorCode::CLUSTER_AUTHORIZATION_FAILED;
        return DescribeLogDirsResponse { error_code, ..Default::default() };
    }
    let broker = Arc::clone(ctx.broker());
    // Opens what was not used yet, and asks the disks.
    let told = tokio::task::spawn_blocking(move || tell(&broker, &request)).await;
    told.unwrap_or_else(|_| DescribeLogDirsResponse {
        error_code: ErrorCode::UNKNOWN_SERVER_ERROR,
        ..Default::default()
    })
}

fn tell(broker: &Broker, request: &DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    let asked: Option<HashSet<(&str, i32)>> = request.topics.as_ref().map(|topics| {
        let each =
            topics.iter().flat_map(|asked| asked.partitions.iter().map(|index| (&*asked.topic, *index)));
        each.collect()
    });
    let wanted =
        |topic: &str, partition: i32| asked.as_ref().is_none_or(|asked| asked.contains(&(topic, partition)));
    let mut held = held(broker, wanted);
    let dirs = broker.logs.dirs().iter();
    let results = dirs.map(|dir| of_dir(dir, held.remove(&dir.id).unwrap_or_default())).collect();
    DescribeLogDirsResponse { results, ..Default::default() }
}

fn held(broker: &Broker, wanted: impl Fn(&str, i32) -> bool) -> BTreeMap<Uuid, Held> {
    let mut held: BTreeMap<Uuid, Held> = BTreeMap::new();
    for partition in broker.topics.all().iter().flat_map(|topic| topic.partitions()) {
        let partition_index = partition.key().partition;
        if wanted(partition.topic(), partition_index) {
            let size = partition.with_log(|log| log.size());
            let partition_size = i64::try_from(size).unwrap_or(i64::MAX);
            let told = DescribeLogDirsPartition { partition_index, partition_size, ..Default::default() };
            let of_dir = held.entry(partition.dir().id).or_default();
            of_dir.entry(partition.topic().clone()).or_default().push(told);
        }
    }
    for moving in broker.moves.all() {
        let (partition_index, topic) = (moving.partition.key().partition, moving.partition.topic());
        let Some((partition_size, offset_lag)) = moving.copied() else { continue };
        if moving.partition.is_closed() {
            continue;
        }
        if wanted(topic, partition_index) {
            let told =
                DescribeLogDirsPartition { partition_index, partition_size, offset_lag, is_future_key: true };
            held.entry(moving.to.id).or_default().entry(topic.clone()).or_default().push(told);
        }
    }
    held
}

fn of_dir(dir: &Dir, held: Held) -> DescribeLogDirsResult {
    let space = dir.space();
    let is_well = space.is_ok() && !dir.has_failed();
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let path = std::path::absolute(&dir.path).unwrap_or_else(|_| dir.path.clone());
    DescribeLogDirsResult {
        error_code: if is_well { ErrorCode::NONE } else { ErrorCode::KAFKA_STORAGE_ERROR },
        log_dir: path.display().to_string().into(),
        topics: held
            .into_iter()
            .map(|(name, partitions)| DescribeLogDirsTopic { name, partitions })
            .collect(),
        total_bytes: space.as_ref().map_or(-1, |space| bytes(space.total)),
        usable_bytes: space.as_ref().map_or(-1, |space| bytes(space.available)),
        is_cordoned: dir.is_cordoned(),
    }
}
