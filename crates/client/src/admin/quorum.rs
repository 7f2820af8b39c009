//! The metadata quorum: who votes, who follows, and changing that; and brokers that are gone for good.

use base::{Str, Uuid};
use wire::ApiKey;
use wire::messages::add_raft_voter::{AddRaftVoterRequest, Listener};
use wire::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, PartitionData, ReplicaState, TopicData,
};
use wire::messages::remove_raft_voter::RemoveRaftVoterRequest;
use wire::messages::unregister_broker::UnregisterBrokerRequest;

use super::{Admin, AdminError};
use crate::cluster::Target;
use crate::{Address, CallError};

/// The topic by which Kafka names the quorum.
const METADATA: &str = "__cluster_metadata";

/// A voter or an observer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumMember {
    /// Its `node.id`.
    pub id: i32,
    /// The identity of the directory that holds its vote.
    pub directory: Uuid,
    /// Where its controller listens, if that is told.
    pub address: Option<Address>,
    /// The offset behind the last entry it is known to have; -1 if nothing is known.
    pub end_offset: i64,
    /// Whether it votes.
    pub votes: bool,
}

/// The metadata quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumDescription {
    /// Who leads, if anyone.
    pub leader: Option<i32>,
    /// The leader's epoch.
    pub epoch: i32,
    /// The offset behind the last committed entry.
    pub high_watermark: i64,
    /// Voters, then observers.
    pub members: Vec<QuorumMember>,
}

impl Admin {
    /// Who votes on the metadata.
    pub async fn describe_quorum(&self) -> Result<QuorumDescription, AdminError> {
        let request = |_| {
            let partitions = vec![PartitionData { partition_index: 0 }];
            let topics = vec![TopicData { topic_name: Str::from_static(METADATA), partitions }];
            DescribeQuorumRequest { topics }
        };
        Ok(self.cluster.call(Target::Any, request, description).await?)
    }

    /// Gives a controller a vote.
    pub async fn add_voter(&self, id: i32, directory: Uuid, address: &Address) -> Result<(), AdminError> {
        let listener = Listener {
            name: Str::from_static("CONTROLLER"),
            host: address.host.as_str().into(),
            port: address.port,
        };
        let request = |_| AddRaftVoterRequest {
            cluster_id: None,
            timeout_ms: self.timeout_ms(),
            voter_id: id,
            voter_directory_id: directory,
            listeners: vec![listener.clone()],
            ..Default::default()
        };
        let added = self.cluster.call(Target::Any, request, |response| {
            CallError::check(ApiKey::AddRaftVoter, response.error_code, response.error_message)
        });
        added.await.map_err(|error| AdminError::new(format!("voter {id}"), error))
    }

    /// Takes a controller's vote.
    pub async fn remove_voter(&self, id: i32, directory: Uuid) -> Result<(), AdminError> {
        let request =
            |_| RemoveRaftVoterRequest { cluster_id: None, voter_id: id, voter_directory_id: directory };
        let removed = self.cluster.call(Target::Any, request, |response| {
            CallError::check(ApiKey::RemoveRaftVoter, response.error_code, response.error_message)
        });
        removed.await.map_err(|error| AdminError::new(format!("voter {id}"), error))
    }

    /// Takes a broker off the books that does not come back.
    pub async fn unregister_broker(&self, id: i32) -> Result<(), AdminError> {
        let request = |_| UnregisterBrokerRequest { broker_id: id };
        let gone = self.cluster.call(Target::Any, request, |response| {
            CallError::check(ApiKey::UnregisterBroker, response.error_code, response.error_message)
        });
        gone.await.map_err(|error| AdminError::new(format!("broker {id}"), error))
    }
}

fn description(response: DescribeQuorumResponse) -> Result<QuorumDescription, CallError> {
    CallError::check(ApiKey::DescribeQuorum, response.error_code, response.error_message)?;
    let nodes = response.nodes;
    let address = |id: i32| {
        let node = nodes.iter().find(|node| node.node_id == id)?;
        let listener = node.listeners.first()?;
        Some(Address { host: listener.host.as_str().to_owned(), port: listener.port })
    };
    let member = |state: &ReplicaState, votes: bool| QuorumMember {
        id: state.replica_id,
        directory: state.replica_directory_id,
        address: address(state.replica_id),
        end_offset: state.log_end_offset,
        votes,
    };
    let Some(quorum) = response.topics.into_iter().flat_map(|topic| topic.partitions).next() else {
        return Ok(QuorumDescription { leader: None, epoch: -1, high_watermark: -1, members: Vec::new() });
    };
    CallError::check(ApiKey::DescribeQuorum, quorum.error_code, quorum.error_message)?;
    let voters = quorum.current_voters.iter().map(|state| member(state, true));
    let members = voters.chain(quorum.observers.iter().map(|state| member(state, false))).collect();
    let leader = Some(quorum.leader_id).filter(|id| *id >= 0);
    Ok(QuorumDescription {
        leader,
        epoch: quorum.leader_epoch,
        high_watermark: quorum.high_watermark,
        members,
    })
}
