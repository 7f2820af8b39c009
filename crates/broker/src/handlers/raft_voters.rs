//! AddRaftVoter (80), RemoveRaftVoter (81) and UpdateRaftVoter (82): who votes on the metadata, changed while running (KIP-853).

use wire::ErrorCode;
use wire::messages::add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse};
use wire::messages::remove_raft_voter::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};
use wire::messages::update_raft_voter::{UpdateRaftVoterRequest, UpdateRaftVoterResponse};

use crate::request::{Operation, RequestContext, ResourceType};

/// Gives a node a vote.
pub(crate) async fn add(ctx: &RequestContext, request: AddRaftVoterRequest) -> AddRaftVoterResponse {
    let failed = |error_code| AddRaftVoterResponse { error_code, error_message: None, ..Default::default() };
    if !ctx.authorize(Operation::Alter, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    ctx.broker().ask_leader(&request).await.unwrap_or_else(failed)
}

/// Takes a node's vote.
pub(crate) async fn remove(ctx: &RequestContext, request: RemoveRaftVoterRequest) -> RemoveRaftVoterResponse {
    let failed =
        |error_code| RemoveRaftVoterResponse { error_code, error_message: None, ..Default::default() };
    if !ctx.authorize(Operation::Alter, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    ctx.broker().ask_leader(&request).await.unwrap_or_else(failed)
}

/// Notes where a voter listens.
pub(crate) async fn update(ctx: &RequestContext, request: UpdateRaftVoterRequest) -> UpdateRaftVoterResponse {
    let failed = |error_code| UpdateRaftVoterResponse { error_code, ..Default::default() };
    if !ctx.authorize(Operation::ClusterAction, ResourceType::Cluster, "kafka-cluster") {
        return failed(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    }
    ctx.broker().ask_leader(&request).await.unwrap_or_else(failed)
}
