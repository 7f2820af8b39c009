//! What is said between clients, brokers and controllers.

use base::{LeaderEpoch, Offset, TopicIdPartition};
use bytes::Bytes;
use metadata::record::Record;
use replica::{FetchAnswer, FetchPosition};
use wire::ErrorCode;
use wire::messages::alter_partition::{AlterPartitionRequest, AlterPartitionResponse};
use wire::messages::broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};
use wire::messages::broker_registration::{BrokerRegistrationRequest, BrokerRegistrationResponse};
use wire::messages::create_topics::CreateTopicsRequest;
use wire::messages::elect_leaders::ElectLeadersRequest;

/// Who can ask.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Address {
    /// A broker and voter.
    Node(usize),
    /// A client.
    Client(usize),
}

/// Connections between two ends are kept apart by what they carry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lane {
    /// To the controller.
    Control,
    /// The metadata log.
    Metadata,
    /// Replicas' fetches.
    Fetch,
    /// Whatever clients ask.
    Client,
}

/// A question.
#[derive(Clone, Debug)]
pub enum Request {
    Register(BrokerRegistrationRequest),
    Heartbeat(BrokerHeartbeatRequest),
    AlterPartition(AlterPartitionRequest),
    CreateTopics(CreateTopicsRequest),
    ElectLeaders(ElectLeadersRequest),
    /// Records of the metadata log from this place on.
    MetadataFetch(usize),
    /// A replica's fetch of several partitions.
    Fetch(ReplicaFetch),
    /// A batch for a partition, `acks=all`.
    Produce {
        partition: TopicIdPartition,
        batch: Bytes,
    },
    /// A consumer's fetch, with the leader epoch that it knows (KIP-320).
    Read {
        partition: TopicIdPartition,
        offset: Offset,
        epoch: LeaderEpoch,
    },
    /// Who leads what.
    Lookup,
    /// A group's member.
    Group(coordinator::group::Request),
}

#[derive(Clone, Debug)]
pub struct ReplicaFetch {
    pub replica: i32,
    pub broker_epoch: i64,
    /// Whether the leader waits for records when it has none.
    pub wait: bool,
    pub partitions: Vec<(TopicIdPartition, FetchPosition)>,
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Response {
    /// This node is no controller; perhaps that one is.
    NotController(Option<usize>),
    Register(BrokerRegistrationResponse),
    Heartbeat(BrokerHeartbeatResponse),
    AlterPartition(AlterPartitionResponse),
    Done,
    MetadataFetch {
        from: usize,
        records: Vec<Record>,
    },
    Fetch(Vec<FetchedPartition>),
    Produce(Result<Offset, ErrorCode>),
    Read(Result<ReadAnswer, ErrorCode>),
    Lookup(Vec<Led>),
    Group(Result<coordinator::group::Response, ErrorCode>),
}

#[derive(Clone, Debug)]
pub struct FetchedPartition {
    pub partition: TopicIdPartition,
    pub answer: FetchAnswer,
    pub records: Bytes,
}

#[derive(Clone, Debug)]
pub struct ReadAnswer {
    pub records: Bytes,
    pub log_start: Offset,
    /// Everything below is committed; the log's end for consumers, if the leader has proven it.
    pub high_watermark: Offset,
    pub is_proven: bool,
    pub leader_epoch: LeaderEpoch,
}

/// A partition with its topic's name and its leader.
#[derive(Clone, Debug)]
pub struct Led {
    pub partition: TopicIdPartition,
    pub is_offsets: bool,
    pub leader: Option<usize>,
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// It took too long; the question may still arrive.
    TimedOut,
    /// The connection broke, before or after the question arrived.
    Disconnected,
}

/// What comes back.
pub type Answer = Result<Response, NoAnswer>;
