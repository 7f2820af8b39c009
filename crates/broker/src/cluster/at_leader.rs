//! What only the quorum's leader can answer, besides the controller's commands: who votes, and who shall (KIP-595, KIP-853).

use std::time::{Duration, Instant};

use base::Str;
use env::Clock;
use quorum::{MemberError, Peer, Pending, Raft, Voter};
use wire::messages::add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse};
use wire::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionDataResponse, ReplicaState,
    TopicDataResponse,
};
use wire::messages::remove_raft_voter::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};
use wire::messages::update_raft_voter::{UpdateRaftVoterRequest, UpdateRaftVoterResponse};
use wire::{ErrorCode, Request};

use super::{Purpose, forward};
use crate::Broker;

/// How long the leader is looked for.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_millis(100);
/// A change of the voters is given this long at least.
const WITHIN_MIN: Duration = Duration::from_secs(1);

/// The one topic that has a quorum.
const METADATA: &str = "__cluster_metadata";

/// A request that the quorum's leader answers.
pub(crate) trait AtLeader: Request + Send + Sync {
    /// Answers it on the leader.
    fn act<'a>(&'a self, broker: &'a Broker) -> Pending<'a, Result<Self::Response, ErrorCode>>;
}

impl Broker {
    /// Has the quorum's leader answer, wherever it is.
    pub(crate) async fn ask_leader<R: AtLeader>(&self, request: &R) -> Result<R::Response, ErrorCode> {
        let until = Instant::now() + PATIENCE;
        loop {
            let within = until.saturating_duration_since(Instant::now());
            match self.ask_leader_once(request, within).await {
                Err(ErrorCode::NOT_CONTROLLER) if !within.is_zero() => tokio::time::sleep(RETRY).await,
                other => return other,
            }
        }
    }

    async fn ask_leader_once<R: AtLeader>(
        &self,
        request: &R,
        within: Duration,
    ) -> Result<R::Response, ErrorCode> {
        match self.other_leader()? {
            Some(leader) => {
                let own = self.config.node_id;
                let asked = forward::ask(&self.links, own, &leader, request, Purpose::Members, within).await;
                asked.map(|(response, _)| response)
            }
            None if self.leadership()?.borrow().is_own => request.act(self).await,
            None => Err(ErrorCode::NOT_CONTROLLER),
        }
    }
}

impl AtLeader for DescribeQuorumRequest {
    fn act<'a>(&'a self, broker: &'a Broker) -> Pending<'a, Result<DescribeQuorumResponse, ErrorCode>> {
        Box::pin(async move { Ok(describe(self, broker)) })
    }
}

fn describe(request: &DescribeQuorumRequest, broker: &Broker) -> DescribeQuorumResponse {
    let topics = request.topics.iter().map(|topic| TopicDataResponse {
        topic_name: topic.topic_name.detached(),
        partitions: topic
            .partitions
            .iter()
            .map(|asked| match (&*topic.topic_name, asked.partition_index) {
                (METADATA, 0) => quorum_of(broker),
                (_, partition_index) => unknown(partition_index),
            })
            .collect(),
    });
    let voters = broker.quorum().map(|quorum| quorum.voters).unwrap_or_default();
    let name = Str::from(broker.config.controller_listener());
    let nodes = voters.into_iter().map(|voter| Node {
        node_id: voter.id,
        listeners: voter
            .address
            .map(|(host, port)| Listener { name: name.clone(), host: host.as_str().into(), port })
            .into_iter()
            .collect(),
    });
    DescribeQuorumResponse {
        topics: topics.collect(),
        nodes: nodes.collect(),
        error_message: None,
        ..Default::default()
    }
}

fn quorum_of(broker: &Broker) -> PartitionDataResponse {
    let Ok(quorum) = broker.quorum() else { return unknown(0) };
    let now_ms = broker.clock.wall_ms();
    let high_watermark = i64::try_from(quorum.high_watermark).unwrap_or(i64::MAX);
    let state = |voter: &Voter| {
        let end = voter.end_offset.map_or(-1, |end| i64::try_from(end).unwrap_or(i64::MAX));
        let ago = |ago: Option<Duration>| {
            let ago = ago.and_then(|ago| i64::try_from(ago.as_millis()).ok());
            ago.map_or(-1, |ago| now_ms - ago)
        };
        ReplicaState {
            replica_id: voter.id,
            replica_directory_id: voter.directory,
            log_end_offset: end,
            last_fetch_timestamp: ago(voter.heard),
            last_caught_up_timestamp: ago(voter.caught_up),
        }
    };
    PartitionDataResponse {
        leader_id: quorum.leader.unwrap_or(-1),
        leader_epoch: quorum.epoch,
        high_watermark,
        current_voters: quorum.voters.iter().map(state).collect(),
        observers: quorum.observers.iter().map(state).collect(),
        error_message: None,
        ..Default::default()
    }
}

fn unknown(partition_index: i32) -> PartitionDataResponse {
    PartitionDataResponse {
        partition_index,
        error_code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        error_message: None,
        ..Default::default()
    }
}

/// What is said of a change of the voters; a leader that is none any more is looked for again.
fn said(changed: Result<(), MemberError>) -> Result<(ErrorCode, Option<Str>), ErrorCode> {
    let Err(error) = changed else { return Ok((ErrorCode::NONE, None)) };
    let code = match &error {
        MemberError::NotLeader => return Err(ErrorCode::NOT_CONTROLLER),
        MemberError::Duplicate(_) => ErrorCode::DUPLICATE_VOTER,
        MemberError::NotFound(..) => ErrorCode::VOTER_NOT_FOUND,
        MemberError::Last => ErrorCode::INVALID_REQUEST,
        MemberError::Busy | MemberError::Late(_) | MemberError::Unreached { .. } => {
            ErrorCode::REQUEST_TIMED_OUT
        }
        MemberError::OtherDirectory(..) | MemberError::NoMajority { .. } => ErrorCode::INVALID_REQUEST,
        MemberError::Failed(_) => ErrorCode::UNKNOWN_SERVER_ERROR,
    };
    Ok((code, Some(error.to_string().as_str().into())))
}

/// The quorum, if the request is for this cluster.
fn raft_of<'a>(broker: &'a Broker, cluster_id: Option<&Str>) -> Result<&'a Raft, (ErrorCode, Option<Str>)> {
    if let (Some(asked), Some(own)) = (cluster_id, broker.cluster_id())
        && *asked != own
    {
        let message = format!("Expected cluster ID {own}, but got cluster ID {asked}");
        return Err((ErrorCode::INCONSISTENT_CLUSTER_ID, Some(message.as_str().into())));
    }
    let alone = "this node was started without controller.quorum.voters and controller.quorum.bootstrap.servers, and has no quorum";
    let raft = broker.metadata.raft().map(|raft| &**raft);
    raft.ok_or((ErrorCode::UNSUPPORTED_VERSION, Some(Str::from_static(alone))))
}

impl AtLeader for AddRaftVoterRequest {
    fn act<'a>(&'a self, broker: &'a Broker) -> Pending<'a, Result<AddRaftVoterResponse, ErrorCode>> {
        Box::pin(async move {
            let answer = |(error_code, error_message)| AddRaftVoterResponse {
                error_code,
                error_message,
                ..Default::default()
            };
            let nowhere = (ErrorCode::INVALID_REQUEST, Some(Str::from_static("the voter names no listener")));
            let raft = match raft_of(broker, self.cluster_id.as_ref()) {
                Ok(raft) => raft,
                Err((ErrorCode::UNSUPPORTED_VERSION, _)) if self.listeners.is_empty() => {
                    return Ok(answer(nowhere));
                }
                Err(refusal) => return Ok(answer(refusal)),
            };
            let name = broker.config.controller_listener();
            let named = self.listeners.iter().find(|one| one.name.eq_ignore_ascii_case(&name));
            let Some(listener) = named.or(self.listeners.first()) else {
                return Ok(answer(nowhere));
            };
            let peer = Peer { id: self.voter_id, host: listener.host.to_string(), port: listener.port };
            // The answer shall reach who asked before it gives up.
            let within = Duration::from_millis(u64::try_from(self.timeout_ms).unwrap_or_default());
            let within = within.clamp(WITHIN_MIN, PATIENCE - WITHIN_MIN);
            Ok(answer(said(raft.add_voter(peer, self.voter_directory_id, within).await)?))
        })
    }
}

impl AtLeader for RemoveRaftVoterRequest {
    fn act<'a>(&'a self, broker: &'a Broker) -> Pending<'a, Result<RemoveRaftVoterResponse, ErrorCode>> {
        Box::pin(async move {
            let answer = |(error_code, error_message)| RemoveRaftVoterResponse {
                error_code,
                error_message,
                ..Default::default()
            };
            match raft_of(broker, self.cluster_id.as_ref()) {
                Ok(raft) => {
                    Ok(answer(said(raft.remove_voter(self.voter_id, self.voter_directory_id).await)?))
                }
                Err(refusal) => Ok(answer(refusal)),
            }
        })
    }
}

impl AtLeader for UpdateRaftVoterRequest {
    fn act<'a>(&'a self, broker: &'a Broker) -> Pending<'a, Result<UpdateRaftVoterResponse, ErrorCode>> {
        Box::pin(async move {
            let answer = |(error_code, _)| UpdateRaftVoterResponse { error_code, ..Default::default() };
            let raft = match raft_of(broker, self.cluster_id.as_ref()) {
                Ok(raft) => raft,
                Err(refusal) => return Ok(answer(refusal)),
            };
            let Some(listener) = self.listeners.first() else {
                return Ok(answer((ErrorCode::INVALID_REQUEST, None)));
            };
            let peer = Peer { id: self.voter_id, host: listener.host.to_string(), port: listener.port };
            Ok(answer(said(raft.update_voter(peer, self.voter_directory_id).await)?))
        })
    }
}
