//! The list of all messages, for tools and tests that treat them alike.

use bytes::Bytes;

use super::*;
use crate::schema::MessageSchema;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, RequestHeader, ResponseHeader, Rope};

/// A message of any type, known by its schema.
#[derive(Debug)]
pub struct AnyMessage {
    /// Name, versions and fields.
    pub schema: &'static MessageSchema,
    /// Reads a message of the given version and drops it.
    pub decode: fn(Bytes, i16) -> Result<(), DecodeError>,
    /// Reads a message of the given version and writes it again.
    pub reencode: fn(Bytes, i16) -> Result<Reencoded, DecodeError>,
}

/// A message that was read and written again.
#[derive(Debug)]
pub struct Reencoded {
    /// The message as we write it.
    pub written: Result<Rope, EncodeError>,
    /// Bytes that followed the message.
    pub trailing: usize,
}

fn decode<M: Message>(bytes: Bytes, version: i16) -> Result<(), DecodeError> {
    M::decode(&mut Decoder::new(bytes), version).map(drop)
}

fn reencode<M: Message>(bytes: Bytes, version: i16) -> Result<Reencoded, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let message = M::decode(&mut decoder, version)?;
    let mut encoder = Encoder::new();
    let written = message.encode(&mut encoder, version).map(|()| encoder.finish());
    Ok(Reencoded { written, trailing: decoder.remaining() })
}

macro_rules! catalog {
    ($($message:ident)*) => {
        /// Every message, requests and responses in the order of their keys.
        pub const ALL: &[AnyMessage] = &[
            $( AnyMessage { schema: $message::SCHEMA, decode: decode::<$message>, reencode: reencode::<$message> }, )*
        ];
    };
}

catalog! {
    RequestHeader ResponseHeader
    ProduceRequest ProduceResponse
    FetchRequest FetchResponse
    ListOffsetsRequest ListOffsetsResponse
    MetadataRequest MetadataResponse
    OffsetCommitRequest OffsetCommitResponse
    OffsetFetchRequest OffsetFetchResponse
    FindCoordinatorRequest FindCoordinatorResponse
    JoinGroupRequest JoinGroupResponse
    HeartbeatRequest HeartbeatResponse
    LeaveGroupRequest LeaveGroupResponse
    SyncGroupRequest SyncGroupResponse
    DescribeGroupsRequest DescribeGroupsResponse
    ListGroupsRequest ListGroupsResponse
    SaslHandshakeRequest SaslHandshakeResponse
    ApiVersionsRequest ApiVersionsResponse
    CreateTopicsRequest CreateTopicsResponse
    DeleteTopicsRequest DeleteTopicsResponse
    DeleteRecordsRequest DeleteRecordsResponse
    InitProducerIdRequest InitProducerIdResponse
    OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse
    AddPartitionsToTxnRequest AddPartitionsToTxnResponse
    AddOffsetsToTxnRequest AddOffsetsToTxnResponse
    EndTxnRequest EndTxnResponse
    WriteTxnMarkersRequest WriteTxnMarkersResponse
    TxnOffsetCommitRequest TxnOffsetCommitResponse
    DescribeAclsRequest DescribeAclsResponse
    CreateAclsRequest CreateAclsResponse
    DeleteAclsRequest DeleteAclsResponse
    DescribeConfigsRequest DescribeConfigsResponse
    AlterConfigsRequest AlterConfigsResponse
    AlterReplicaLogDirsRequest AlterReplicaLogDirsResponse
    DescribeLogDirsRequest DescribeLogDirsResponse
    SaslAuthenticateRequest SaslAuthenticateResponse
    CreatePartitionsRequest CreatePartitionsResponse
    CreateDelegationTokenRequest CreateDelegationTokenResponse
    RenewDelegationTokenRequest RenewDelegationTokenResponse
    ExpireDelegationTokenRequest ExpireDelegationTokenResponse
    DescribeDelegationTokenRequest DescribeDelegationTokenResponse
    DeleteGroupsRequest DeleteGroupsResponse
    ElectLeadersRequest ElectLeadersResponse
    IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse
    AlterPartitionReassignmentsRequest AlterPartitionReassignmentsResponse
    ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse
    OffsetDeleteRequest OffsetDeleteResponse
    DescribeClientQuotasRequest DescribeClientQuotasResponse
    AlterClientQuotasRequest AlterClientQuotasResponse
    DescribeUserScramCredentialsRequest DescribeUserScramCredentialsResponse
    AlterUserScramCredentialsRequest AlterUserScramCredentialsResponse
    VoteRequest VoteResponse
    BeginQuorumEpochRequest BeginQuorumEpochResponse
    EndQuorumEpochRequest EndQuorumEpochResponse
    DescribeQuorumRequest DescribeQuorumResponse
    AlterPartitionRequest AlterPartitionResponse
    UpdateFeaturesRequest UpdateFeaturesResponse
    EnvelopeRequest EnvelopeResponse
    FetchSnapshotRequest FetchSnapshotResponse
    DescribeClusterRequest DescribeClusterResponse
    DescribeProducersRequest DescribeProducersResponse
    BrokerRegistrationRequest BrokerRegistrationResponse
    BrokerHeartbeatRequest BrokerHeartbeatResponse
    UnregisterBrokerRequest UnregisterBrokerResponse
    DescribeTransactionsRequest DescribeTransactionsResponse
    ListTransactionsRequest ListTransactionsResponse
    AllocateProducerIdsRequest AllocateProducerIdsResponse
    ConsumerGroupHeartbeatRequest ConsumerGroupHeartbeatResponse
    ConsumerGroupDescribeRequest ConsumerGroupDescribeResponse
    ControllerRegistrationRequest ControllerRegistrationResponse
    GetTelemetrySubscriptionsRequest GetTelemetrySubscriptionsResponse
    PushTelemetryRequest PushTelemetryResponse
    AssignReplicasToDirsRequest AssignReplicasToDirsResponse
    ListConfigResourcesRequest ListConfigResourcesResponse
    DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse
    ShareGroupHeartbeatRequest ShareGroupHeartbeatResponse
    ShareGroupDescribeRequest ShareGroupDescribeResponse
    ShareFetchRequest ShareFetchResponse
    ShareAcknowledgeRequest ShareAcknowledgeResponse
    AddRaftVoterRequest AddRaftVoterResponse
    RemoveRaftVoterRequest RemoveRaftVoterResponse
    UpdateRaftVoterRequest UpdateRaftVoterResponse
    InitializeShareGroupStateRequest InitializeShareGroupStateResponse
    ReadShareGroupStateRequest ReadShareGroupStateResponse
    WriteShareGroupStateRequest WriteShareGroupStateResponse
    DeleteShareGroupStateRequest DeleteShareGroupStateResponse
    ReadShareGroupStateSummaryRequest ReadShareGroupStateSummaryResponse
    StreamsGroupHeartbeatRequest StreamsGroupHeartbeatResponse
    StreamsGroupDescribeRequest StreamsGroupDescribeResponse
    DescribeShareGroupOffsetsRequest DescribeShareGroupOffsetsResponse
    AlterShareGroupOffsetsRequest AlterShareGroupOffsetsResponse
    DeleteShareGroupOffsetsRequest DeleteShareGroupOffsetsResponse
    ConsumerProtocolAssignment
    ConsumerProtocolSubscription
    ControlRecordTypeSchema
    DefaultPrincipalData
    EndTxnMarker
    KRaftVersionRecord
    LeaderChangeMessage
    SnapshotFooterRecord
    SnapshotHeaderRecord
    VotersRecord
}
