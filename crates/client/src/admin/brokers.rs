//! The cluster itself: its brokers, what they speak, what lies on their disks; and deleting records.

use std::time::Duration;

use base::Str;
use wire::messages::delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};
use wire::messages::describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};
use wire::messages::describe_log_dirs::DescribeLogDirsRequest;
use wire::schema::Versions;
use wire::{ApiKey, ErrorCode};

use super::{Admin, AdminError};
use crate::cluster::{Lane, Target};
use crate::{Address, Broker, CallError, TopicPartition};

/// A cluster and its brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDescription {
    /// The cluster's id.
    pub id: Str,
    /// The `node.id` of the broker to send changes to.
    pub controller: Option<i32>,
    /// The live brokers, by id.
    pub brokers: Vec<Broker>,
}

/// One log directory of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDir {
    /// Its path on the broker.
    pub path: Str,
    /// What is wrong with it.
    pub error: ErrorCode,
    /// The partitions in it.
    pub replicas: Vec<ReplicaSize>,
    /// Bytes of its file system, where told.
    pub total_bytes: Option<i64>,
    /// Bytes free there, where told.
    pub usable_bytes: Option<i64>,
}

/// What one replica takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSize {
    /// Which partition.
    pub partition: TopicPartition,
    /// Bytes of its segments.
    pub bytes: i64,
    /// How many offsets it lags behind the high watermark.
    pub lag: i64,
    /// Whether it is being moved here.
    pub is_future: bool,
}

/// What a broker offers of one API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedApi {
    /// The API's key.
    pub key: i16,
    /// Its name, if it is known here.
    pub name: Option<&'static str>,
    /// The versions offered.
    pub versions: Versions,
    /// The version that this client uses, if any.
    pub used: Option<Versions>,
}

impl Admin {
    /// The cluster's id, brokers and controller.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription, AdminError> {
        let request = |_| DescribeClusterRequest::default();
        Ok(self.cluster.call(Target::Any, request, description).await?)
    }

    /// What a broker speaks.
    pub async fn api_versions(&self, broker: i32) -> Result<(Address, Vec<OfferedApi>), AdminError> {
        let connection = self.cluster.broker(broker, Lane::Control, 0).await;
        let connection = connection.map_err(|error| AdminError::new(format!("broker {broker}"), error))?;
        let offered = connection.offered().iter().map(|(key, versions)| {
            let known = ApiKey::from_code(key);
            OfferedApi { key, name: known.map(ApiKey::name), versions, used: known.map(ApiKey::versions) }
        });
        Ok((connection.address().clone(), offered.collect()))
    }

    /// The log directories of a broker.
    pub async fn describe_log_dirs(&self, broker: i32) -> Result<Vec<LogDir>, AdminError> {
        let request = |_| DescribeLogDirsRequest { topics: None };
        let dirs = self.cluster.call(Target::Broker(broker), request, |response| {
            CallError::check(ApiKey::DescribeLogDirs, response.error_code, None)?;
            Ok(response.results.into_iter().map(log_dir).collect())
        });
        dirs.await.map_err(|error| AdminError::new(format!("broker {broker}"), error))
    }

    /// Deletes the records of a partition before `offset`; -1 stands for all there are. Returns the first offset left.
    pub async fn delete_records(&self, partition: &TopicPartition, offset: i64) -> Result<i64, AdminError> {
        let timeout_ms = self.timeout_ms();
        let one = DeleteRecordsPartition { partition_index: partition.partition, offset };
        let topic = DeleteRecordsTopic { name: partition.topic.clone(), partitions: vec![one] };
        let request = DeleteRecordsRequest { topics: vec![topic], timeout_ms };
        let deleted = self.cluster.call(
            Target::Leader(partition.clone()),
            |_| request.clone(),
            |response| {
                let mut results = response.topics.into_iter().flat_map(|topic| topic.partitions);
                let Some(result) = results.next() else {
                    return Err(CallError::NoLeader("the answer leaves the partition out".to_owned()));
                };
                CallError::check(ApiKey::DeleteRecords, result.error_code, None)?;
                Ok(result.low_watermark)
            },
        );
        deleted.await.map_err(|error| AdminError::new(format!("partition {partition}"), error))
    }

    /// How long one exchange with a broker takes, connection included if there is none yet.
    pub async fn ping(&self, broker: i32) -> Result<Duration, AdminError> {
        let begin = std::time::Instant::now();
        let request = |_| wire::messages::api_versions::ApiVersionsRequest {
            client_software_name: Str::from_static("mekong"),
            client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
        };
        let answer =
            self.cluster.call_once(&Target::Broker(broker), Lane::Control, 0, &request, Duration::ZERO).await;
        answer.map_err(|error| AdminError::new(format!("broker {broker}"), error))?;
        Ok(begin.elapsed())
    }
}

fn description(response: DescribeClusterResponse) -> Result<ClusterDescription, CallError> {
    CallError::check(ApiKey::DescribeCluster, response.error_code, response.error_message)?;
    let mut brokers: Vec<Broker> = response
        .brokers
        .iter()
        .map(|broker| Broker {
            id: broker.broker_id,
            address: Address {
                host: broker.host.as_str().to_owned(),
                port: u16::try_from(broker.port).unwrap_or(0),
            },
            rack: broker.rack.as_ref().map(Str::detached),
        })
        .collect();
    brokers.sort_by_key(|broker| broker.id);
    let controller = Some(response.controller_id).filter(|id| *id >= 0);
    Ok(ClusterDescription { id: response.cluster_id.detached(), controller, brokers })
}

fn log_dir(dir: wire::messages::describe_log_dirs::DescribeLogDirsResult) -> LogDir {
    let replicas = dir.topics.into_iter().flat_map(|topic| {
        let name = topic.name.detached();
        topic.partitions.into_iter().map(move |partition| ReplicaSize {
            partition: TopicPartition::new(name.clone(), partition.partition_index),
            bytes: partition.partition_size,
            lag: partition.offset_lag,
            is_future: partition.is_future_key,
        })
    });
    LogDir {
        path: dir.log_dir.detached(),
        error: dir.error_code,
        replicas: replicas.collect(),
        total_bytes: Some(dir.total_bytes).filter(|bytes| *bytes >= 0),
        usable_bytes: Some(dir.usable_bytes).filter(|bytes| *bytes >= 0),
    }
}
