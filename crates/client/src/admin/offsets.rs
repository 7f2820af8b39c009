//! Looking up offsets: the first, the last, by time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use base::Str;
use wire::ApiKey;
use wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};

use super::{Admin, AdminError};
use crate::cluster::{Cluster, ClusterView, Lane, Target};
use crate::{CallError, TopicPartition};

/// Which offset of a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// Of the first record there is.
    Earliest,
    /// Behind the last record that consumers may read.
    Latest,
    /// Of the first record whose timestamp is this or later, in milliseconds since 1970.
    Timestamp(i64),
    /// Of the record with the greatest timestamp (KIP-734).
    MaxTimestamp,
    /// The first that lies on the broker's own disk (KIP-405).
    EarliestLocal,
    /// The last that was tiered (KIP-1005).
    LatestTiered,
}

impl OffsetSpec {
    const fn code(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::MaxTimestamp => -3,
            Self::EarliestLocal => -4,
            Self::LatestTiered => -5,
            Self::Timestamp(millis) => millis,
        }
    }
}

/// What a look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOffset {
    /// The offset; -1 where no record matches.
    pub offset: i64,
    /// The record's timestamp; -1 where none was asked for.
    pub timestamp: i64,
    /// The epoch in which it was appended; -1 where unknown.
    pub leader_epoch: i32,
}

/// The offset of each partition, or why it is not known.
pub type FoundOffsets = HashMap<TopicPartition, Result<FoundOffset, AdminError>>;

/// What each partition answered.
pub(crate) type Found = HashMap<TopicPartition, Result<FoundOffset, CallError>>;

impl Admin {
    /// Looks up offsets, trying again while leaders move. Fails as a whole only if the cluster cannot be reached.
    pub async fn list_offsets(
        &self,
        wanted: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>,
    ) -> Result<FoundOffsets, AdminError> {
        self.look_up(wanted, false).await
    }

    /// As [`Admin::list_offsets`], as a `read_committed` consumer sees them: a log ends before the first open transaction.
    pub async fn list_stable_offsets(
        &self,
        wanted: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>,
    ) -> Result<FoundOffsets, AdminError> {
        self.look_up(wanted, true).await
    }

    async fn look_up(
        &self,
        wanted: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>,
        read_committed: bool,
    ) -> Result<FoundOffsets, AdminError> {
        let deadline = std::time::Instant::now() + self.cluster.options.api_timeout;
        let mut missing: Vec<(TopicPartition, OffsetSpec)> = wanted.into_iter().collect();
        let mut done = HashMap::new();
        let mut failures = 0;
        loop {
            let found = list_offsets(&self.cluster, missing.clone(), read_committed).await?;
            failures += 1;
            let wait = self.cluster.options.backoff.after(failures, &self.cluster.random);
            let is_last = std::time::Instant::now() + wait >= deadline;
            let mut again = Vec::new();
            for (partition, spec) in missing {
                match found.get(&partition).cloned() {
                    Some(Err(error))
                        if error.is_retriable() && is_known(&self.cluster, &partition) && !is_last =>
                    {
                        again.push((partition, spec));
                    }
                    Some(result) => {
                        let result =
                            result.map_err(|error| AdminError::new(format!("partition {partition}"), error));
                        done.insert(partition, result);
                    }
                    None => {}
                }
            }
            if again.is_empty() {
                return Ok(done);
            }
            missing = again;
            tokio::time::sleep(wait).await;
        }
    }
}

fn is_known(cluster: &Cluster, partition: &TopicPartition) -> bool {
    cluster.view().partition(partition).is_some()
}

/// One attempt at every partition's leader.
pub(crate) async fn list_offsets(
    cluster: &Cluster,
    wanted: Vec<(TopicPartition, OffsetSpec)>,
    read_committed: bool,
) -> Result<Found, CallError> {
    let mut topics: Vec<Str> = wanted.iter().map(|(partition, _)| partition.topic.clone()).collect();
    topics.sort_unstable();
    topics.dedup();
    let view = cluster.view();
    if wanted.iter().any(|(partition, _)| view.leader(partition).is_none()) {
        cluster.refresh(Some(&topics), false).await?;
    }
    let mut found = Found::new();
    let by_leader = group_by_leader(&cluster.view(), wanted, &mut found);
    let mut is_stale = false;
    for (leader, wanted) in by_leader {
        let request = |_| request_of(&wanted, read_committed);
        match cluster.call_once(&Target::Broker(leader), Lane::Control, 0, &request, Duration::ZERO).await {
            Ok(response) => take_in(response, &mut found),
            Err(error) => {
                found.extend(wanted.iter().map(|(partition, _)| (partition.clone(), Err(error.clone()))))
            }
        }
        is_stale |= wanted.iter().any(|(partition, _)| matches!(found.get(partition), Some(Err(_))));
    }
    if is_stale {
        cluster.refresh(Some(&topics), false).await?;
    }
    Ok(found)
}

type ByLeader = BTreeMap<i32, Vec<(TopicPartition, OffsetSpec)>>;

fn group_by_leader(
    view: &ClusterView,
    wanted: Vec<(TopicPartition, OffsetSpec)>,
    found: &mut Found,
) -> ByLeader {
    let mut by_leader = ByLeader::new();
    for (partition, spec) in wanted {
        match (view.leader(&partition), view.errors.get(&partition.topic)) {
            (Some(leader), _) => by_leader.entry(leader).or_default().push((partition, spec)),
            (None, Some(code)) => {
                let error = CallError::refused(ApiKey::Metadata, *code, None);
                found.insert(partition, Err(error));
            }
            (None, None) => {
                let reason =
                    if view.partition(&partition).is_some() { "no leader" } else { "no such partition" };
                let error = CallError::NoLeader(format!("{partition}: {reason}"));
                found.insert(partition, Err(error));
            }
        }
    }
    by_leader
}

fn request_of(wanted: &[(TopicPartition, OffsetSpec)], read_committed: bool) -> ListOffsetsRequest {
    let mut topics: BTreeMap<Str, ListOffsetsTopic> = BTreeMap::new();
    for (partition, spec) in wanted {
        let name = partition.topic.clone();
        let topic =
            topics.entry(name.clone()).or_insert_with(|| ListOffsetsTopic { name, partitions: Vec::new() });
        topic.partitions.push(ListOffsetsPartition {
            partition_index: partition.partition,
            timestamp: spec.code(),
            ..ListOffsetsPartition::default()
        });
    }
    ListOffsetsRequest {
        replica_id: -1,
        isolation_level: i8::from(read_committed),
        topics: topics.into_values().collect(),
        timeout_ms: 30_000,
    }
}

fn take_in(response: ListOffsetsResponse, found: &mut Found) {
    for topic in response.topics {
        let name = topic.name.detached();
        for partition in topic.partitions {
            let at = FoundOffset {
                offset: partition.offset,
                timestamp: partition.timestamp,
                leader_epoch: partition.leader_epoch,
            };
            let result = CallError::check(ApiKey::ListOffsets, partition.error_code, None).map(|()| at);
            found.insert(TopicPartition::new(name.clone(), partition.partition_index), result);
        }
    }
}
