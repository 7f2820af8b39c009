//! AlterReplicaLogDirs (34), versions 1–2: moves partitions between data folders, in the background (KIP-113).

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Str;
use wire::ErrorCode;
use wire::messages::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse,
};

use crate::Broker;
use crate::request::{Operation, RequestContext, ResourceType};

/// The longest name of a copy's folder, in bytes.
const FOLDER_BYTES_MAX: usize = 255;
/// What stands behind the partition in the name of a copy's folder: a dot, 32 digits, `-future`.
const FUTURE_BYTES: usize = 40;

/// Has partitions moved. An answer says that the move is on its way; DescribeLogDirs tells how far it is.
pub(crate) async fn handle(
    ctx: &RequestContext,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let is_allowed = ctx.authorize(Operation::Alter, ResourceType::Cluster, "kafka-cluster");
    let broker = Arc::clone(ctx.broker());
    // Opens what was not used yet.
    let altered = tokio::task::spawn_blocking(move || alter(&broker, &request, is_allowed)).await;
    altered.unwrap_or_default()
}

fn alter(
    broker: &Arc<Broker>,
    request: &AlterReplicaLogDirsRequest,
    is_allowed: bool,
) -> AlterReplicaLogDirsResponse {
    let mut results: BTreeMap<Str, BTreeMap<i32, ErrorCode>> = BTreeMap::new();
    for (dir, topic, partition) in request.dirs.iter().flat_map(each) {
        let outcome = match is_allowed {
            true => move_to(broker, dir, topic, partition),
            false => Err(ErrorCode::CLUSTER_AUTHORIZATION_FAILED),
        };
        let of_topic = results.entry(topic.clone()).or_default();
        of_topic.insert(partition, outcome.err().unwrap_or(ErrorCode::NONE));
    }
    let partitions = |found: BTreeMap<i32, ErrorCode>| {
        let result =
            |(partition_index, error_code)| AlterReplicaLogDirPartitionResult { partition_index, error_code };
        found.into_iter().map(result).collect()
    };
    let results = results
        .into_iter()
        .map(|(topic_name, found)| AlterReplicaLogDirTopicResult {
            topic_name,
            partitions: partitions(found),
        })
        .collect();
    AlterReplicaLogDirsResponse { results, ..Default::default() }
}

fn each(dir: &AlterReplicaLogDir) -> impl Iterator<Item = (&Str, &Str, i32)> {
    dir.topics
        .iter()
        .flat_map(move |topic| topic.partitions.iter().map(move |index| (&dir.path, &topic.name, *index)))
}

fn move_to(broker: &Arc<Broker>, path: &str, topic: &str, partition: i32) -> Result<(), ErrorCode> {
    if log::names::partition_dir(topic, partition).len() + FUTURE_BYTES > FOLDER_BYTES_MAX {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    let to = broker.logs.dir_at(path).ok_or(ErrorCode::LOG_DIR_NOT_FOUND)?;
    if to.has_failed() {
        return Err(ErrorCode::KAFKA_STORAGE_ERROR);
    }
    let topic = broker.topics.by_name(topic).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let partition = topic.replica(partition).map_err(|code| match code {
        ErrorCode::NOT_LEADER_OR_FOLLOWER => ErrorCode::REPLICA_NOT_AVAILABLE,
        other => other,
    })?;
    let is_elsewhere = !Arc::ptr_eq(&partition.dir(), to);
    // As in Kafka, nothing is begun while a directory is offline: the partition might be there too.
    if is_elsewhere && broker.logs.dirs().iter().any(|dir| dir.has_failed()) {
        return Err(ErrorCode::KAFKA_STORAGE_ERROR);
    }
    // Even where it is there already, as in Kafka.
    if to.is_cordoned() {
        return Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    }
    broker.moves.want(broker, &partition, to);
    Ok(())
}
