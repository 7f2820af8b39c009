//! What the runner asks of a cluster: who leads, a topic in its place, a leader moved, everything in sync.

use std::time::{Duration, Instant};

use base::Str;
use wire::ErrorCode;
use wire::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use wire::messages::describe_quorum::{DescribeQuorumRequest, PartitionData, TopicData};
use wire::messages::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponsePartition};

use super::nodes::{Cluster, NODES};
use crate::connection::Connection;

/// How long a cluster may take to come to what it was asked for.
pub const PATIENCE: Duration = Duration::from_secs(240);
/// How long one node may take to say what it knows.
const ANSWER: Duration = Duration::from_secs(20);
const METADATA: i16 = 9;

/// Asks again and again until `done`.
pub fn wait_until(what: &str, mut done: impl FnMut() -> Result<bool, String>) -> Result<(), String> {
    let (started, mut last) = (Instant::now(), None);
    while started.elapsed() < PATIENCE {
        match done() {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => last = Some(error),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("{what}: not after {} s ({last:?})", PATIENCE.as_secs()))
}

/// The partitions of topics as one node knows them.
pub fn partitions_at(address: &str, topics: &[&str]) -> Result<Vec<MetadataResponsePartition>, String> {
    let asked = topics
        .iter()
        .map(|topic| MetadataRequestTopic { name: Some(Str::from(*topic)), ..Default::default() });
    let request = MetadataRequest {
        topics: Some(asked.collect()),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let answer = Connection::open_within(address, ANSWER)?.ask(METADATA, &request)?;
    Ok(answer.topics.into_iter().flat_map(|topic| topic.partitions).collect())
}

fn check(code: ErrorCode, message: &Option<Str>) -> Result<(), String> {
    if code == ErrorCode::NONE { Ok(()) } else { Err(format!("{code:?} {message:?}")) }
}

impl Cluster {
    /// The quorum's leader and its epoch.
    pub fn quorum(&self) -> Result<(i32, i32), String> {
        let partitions = vec![PartitionData { partition_index: 0 }];
        let topics = vec![TopicData { topic_name: Str::from_static("__cluster_metadata"), partitions }];
        let answer = self.ask(0, &DescribeQuorumRequest { topics })?;
        check(answer.error_code, &None)?;
        let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
        let partition = partition.ok_or("an empty answer")?;
        check(partition.error_code, &None)?;
        Ok((partition.leader_id, partition.leader_epoch))
    }

    /// Creates a topic with these replicas, asking until that is possible.
    pub fn create(&self, name: &str, replicas: &[Vec<i32>], configs: &[(&str, &str)]) -> Result<(), String> {
        let assignments = (0..).zip(replicas).map(|(partition_index, broker_ids)| {
            CreatableReplicaAssignment { partition_index, broker_ids: broker_ids.clone() }
        });
        self.create_topics(vec![CreatableTopic {
            name: Str::from(name),
            num_partitions: -1,
            replication_factor: -1,
            assignments: assignments.collect(),
            configs: configs
                .iter()
                .map(|(key, value)| CreatableTopicConfig {
                    name: Str::from(*key),
                    value: Some(Str::from(*value)),
                })
                .collect(),
        }])
    }

    /// Creates topics, asking until that is possible; those that are there already count.
    pub fn create_topics(&self, topics: Vec<CreatableTopic>) -> Result<(), String> {
        let request = CreateTopicsRequest { topics, timeout_ms: 60_000, ..Default::default() };
        wait_until("a topic is created", || {
            let answer = self.ask(5, &request)?;
            let mut refused = answer.topics.iter().filter(|topic| {
                topic.error_code != ErrorCode::NONE && topic.error_code != ErrorCode::TOPIC_ALREADY_EXISTS
            });
            refused
                .next()
                .map_or(Ok(true), |topic| check(topic.error_code, &topic.error_message).map(|()| true))
        })
    }

    /// Waits until every node that is up says that every replica is in sync, and `leader` leads, if one is given.
    pub fn wait_whole(&self, topic: &str, leader: Option<i32>) -> Result<(), String> {
        wait_until("all replicas are in sync", || {
            for address in self.reachable() {
                let partitions = partitions_at(&address, &[topic])?;
                let is_whole = |one: &MetadataResponsePartition| {
                    let led = leader.map_or(one.leader_id >= 0, |leader| one.leader_id == leader);
                    led && one.isr_nodes.len() == one.replica_nodes.len()
                };
                if partitions.is_empty() || !partitions.iter().all(is_whole) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Gives the first partition of a topic these replicas.
    pub fn reassign(&self, topic: &str, replicas: &[i32]) -> Result<(), String> {
        let partition = ReassignablePartition { partition_index: 0, replicas: Some(replicas.to_vec()) };
        let topics = vec![ReassignableTopic { name: Str::from(topic), partitions: vec![partition] }];
        let answer = self.ask(0, &AlterPartitionReassignmentsRequest { topics, ..Default::default() })?;
        check(answer.error_code, &answer.error_message)?;
        let mut all = answer.responses.iter().flat_map(|topic| &topic.partitions);
        all.try_for_each(|one| check(one.error_code, &one.error_message))
    }

    /// Elects the preferred replica of the first partition of a topic; it may lead already.
    pub fn elect(&self, topic: &str) -> Result<(), String> {
        let asked = TopicPartitions { topic: Str::from(topic), partitions: vec![0] };
        let request = ElectLeadersRequest { topic_partitions: Some(vec![asked]), ..Default::default() };
        let answer = self.ask(2, &request)?;
        check(answer.error_code, &None)?;
        let mut all = answer.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
        all.try_for_each(|one| match one.error_code {
            ErrorCode::ELECTION_NOT_NEEDED => Ok(()),
            code => check(code, &one.error_message),
        })
    }

    /// Lets `leader` lead a topic of one partition on all nodes, with everything in sync.
    pub fn lead(&self, topic: &str, leader: i32) -> Result<(), String> {
        self.wait_whole(topic, None)?;
        self.prefer(topic, leader)?;
        wait_until("the leader moves", || self.elect(topic).map(|()| true))?;
        self.wait_whole(topic, Some(leader))
    }

    /// Makes `leader` the preferred one of a topic of one partition on all nodes.
    pub fn prefer(&self, topic: &str, leader: i32) -> Result<(), String> {
        let others = (1..=NODES).filter(|id| *id != leader);
        let replicas: Vec<i32> = [leader].into_iter().chain(others).collect();
        wait_until("replicas are put in order", || self.reassign(topic, &replicas).map(|()| true))?;
        wait_until("the order is known", || {
            let first = |one: &MetadataResponsePartition| one.replica_nodes.first() == Some(&leader);
            let known = self.reachable().into_iter().map(|address| partitions_at(&address, &[topic]));
            let known = known.collect::<Result<Vec<_>, _>>()?;
            Ok(known.iter().all(|partitions| partitions.iter().all(first)))
        })
    }
}
