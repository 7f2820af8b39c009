//! DescribeLogDirs (35), versions 1–5: what lies in which data folder. Version 4 tells the room (KIP-827), 5 cordons (KIP-1066).

use std::collections::BTreeMap;
use std::path::Path;

use base::Str;
use wire::ErrorCode;
use wire::messages::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeLogDirsResult,
    DescribeLogDirsTopic,
};

use crate::Broker;
use crate::request::{Operation, RequestContext, ResourceType};

/// The partitions of one folder by topic.
type Held = BTreeMap<Str, Vec<DescribeLogDirsPartition>>;

/// Tells the folders.
pub(crate) async fn handle(ctx: &RequestContext, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    if !ctx.authorize(Operation::Describe, ResourceType::Cluster, "kafka-cluster") {
        let error_code = ErrorCode::CLUSTER_AUTHORIZATION_FAILED;
        return DescribeLogDirsResponse { error_code, ..Default::default() };
    }
    let broker = ctx.broker();
    let wanted = |topic: &str, partition: i32| {
        request.topics.as_ref().is_none_or(|topics| {
            topics.iter().any(|asked| asked.topic == *topic && asked.partitions.contains(&partition))
        })
    };
    let held = held(broker, wanted);
    let results = broker.logs.roots().map(|root| of_root(broker, root, held.get(root))).collect();
    DescribeLogDirsResponse { results, ..Default::default() }
}

fn held(broker: &Broker, wanted: impl Fn(&str, i32) -> bool) -> BTreeMap<&Path, Held> {
    let mut held: BTreeMap<&Path, Held> = BTreeMap::new();
    for topic in broker.topics.all() {
        for partition in topic.partitions() {
            let index = partition.key().partition;
            if !wanted(topic.name(), index) {
                continue;
            }
            let (dir, size) = partition.with_log(|log| (log.dir(), log.size()));
            let Some(root) = broker.logs.roots().find(|root| dir.starts_with(root)) else { continue };
            let told = DescribeLogDirsPartition {
                partition_index: index,
                partition_size: i64::try_from(size).unwrap_or(i64::MAX),
                ..Default::default()
            };
            held.entry(root).or_default().entry(topic.name().clone()).or_default().push(told);
        }
    }
    held
}

fn of_root(broker: &Broker, root: &Path, held: Option<&Held>) -> DescribeLogDirsResult {
    let space = broker.logs.space(root);
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let topics = held.into_iter().flatten();
    DescribeLogDirsResult {
        error_code: if space.is_ok() { ErrorCode::NONE } else { ErrorCode::KAFKA_STORAGE_ERROR },
        log_dir: absolute(root).into(),
        topics: topics
            .map(|(name, partitions)| DescribeLogDirsTopic {
                name: name.clone(),
                partitions: partitions.clone(),
            })
            .collect(),
        total_bytes: space.as_ref().map_or(-1, |space| bytes(space.total)),
        usable_bytes: space.as_ref().map_or(-1, |space| bytes(space.available)),
        is_cordoned: false,
    }
}

/// The folder as it is told, from the file system's root on.
pub(crate) fn absolute(root: &Path) -> String {
    std::path::absolute(root).unwrap_or_else(|_| root.into()).display().to_string()
}
