//! Which answers can tell a client how long it is left waiting (`throttle_time_ms`, KIP-219).
//!
//! An API does not compile into the dispatch table without a word here. Where the field is not there, the client is left waiting untold.

use std::time::Duration;

use wire::messages::*;

/// An answer that a throttle is written into, if it has a place for one.
pub(crate) trait Throttled {
    /// Writes how long the client is left waiting; where a version has no place for it, it is left out.
    fn throttle(&mut self, time: Duration);
}

macro_rules! tells {
    ($($response:ty),* $(,)?) => {
        $(impl Throttled for $response {
            fn throttle(&mut self, time: Duration) {
                self.throttle_time_ms = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
            }
        })*
    };
}

macro_rules! cannot_tell {
    ($($response:ty),* $(,)?) => {
        $(impl Throttled for $response {
            fn throttle(&mut self, _time: Duration) {}
        })*
    };
}

tells! {
    add_raft_voter::AddRaftVoterResponse,
    alter_configs::AlterConfigsResponse,
    alter_partition_reassignments::AlterPartitionReassignmentsResponse,
    alter_replica_log_dirs::AlterReplicaLogDirsResponse,
    api_versions::ApiVersionsResponse,
    create_acls::CreateAclsResponse,
    create_partitions::CreatePartitionsResponse,
    create_topics::CreateTopicsResponse,
    delete_acls::DeleteAclsResponse,
    delete_groups::DeleteGroupsResponse,
    delete_records::DeleteRecordsResponse,
    delete_topics::DeleteTopicsResponse,
    describe_acls::DescribeAclsResponse,
    describe_cluster::DescribeClusterResponse,
    describe_configs::DescribeConfigsResponse,
    describe_groups::DescribeGroupsResponse,
    describe_log_dirs::DescribeLogDirsResponse,
    describe_producers::DescribeProducersResponse,
    describe_topic_partitions::DescribeTopicPartitionsResponse,
    elect_leaders::ElectLeadersResponse,
    fetch::FetchResponse,
    find_coordinator::FindCoordinatorResponse,
    heartbeat::HeartbeatResponse,
    incremental_alter_configs::IncrementalAlterConfigsResponse,
    init_producer_id::InitProducerIdResponse,
    join_group::JoinGroupResponse,
    leave_group::LeaveGroupResponse,
    list_config_resources::ListConfigResourcesResponse,
    list_groups::ListGroupsResponse,
    list_offsets::ListOffsetsResponse,
    list_partition_reassignments::ListPartitionReassignmentsResponse,
    metadata::MetadataResponse,
    offset_commit::OffsetCommitResponse,
    offset_delete::OffsetDeleteResponse,
    offset_fetch::OffsetFetchResponse,
    offset_for_leader_epoch::OffsetForLeaderEpochResponse,
    produce::ProduceResponse,
    remove_raft_voter::RemoveRaftVoterResponse,
    sync_group::SyncGroupResponse,
    unregister_broker::UnregisterBrokerResponse,
    update_features::UpdateFeaturesResponse,
    update_raft_voter::UpdateRaftVoterResponse,
}

cannot_tell! {
    describe_quorum::DescribeQuorumResponse,
    sasl_authenticate::SaslAuthenticateResponse,
    sasl_handshake::SaslHandshakeResponse,
}
