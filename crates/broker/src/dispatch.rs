//! The dispatch table: which APIs are served, in which versions, on which resources, by which handler.
//!
//! **To add an API:** write `handlers/<api>.rs` with
//! `pub(crate) async fn handle(ctx: &RequestContext, request: XxxRequest) -> XxxResponse`, name the module in `handlers/mod.rs`, and
//! add one row below, in the order of the API's key. ApiVersions advertises what stands in the table and nothing else. The row
//! does not compile without its list of `Resource Operation` pairs; `[]` is for APIs open to everyone. The handler asks
//! [`RequestContext::authorize`] for each resource it touches.
//!
//! Kinds of rows:
//! - `answer`: the future's result is the answer. Nothing else on the connection runs meanwhile.
//! - `staged`: for Produce. The future ends with the ordered stage; the answer comes from the future it returns, and the next staged
//!   request may start before that.

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use net::Reservation;
use wire::messages::*;
use wire::{ApiKey, Decoder, Listeners, Request, Rope, frame};

use crate::config::ListenerConfig;
use crate::handlers;
use crate::request::{Need, Operation, RequestContext, ResourceType};
use crate::throttle::Throttled;

/// What becomes of a request.
pub(crate) enum Outcome {
    /// Its answer.
    Answer(Answer),
    /// Its answer, later; other staged requests may go on meanwhile.
    Later(Later),
    /// No answer is wanted (`acks=0`); how long the client is left waiting all the same.
    Silent(Duration),
    /// The connection is to be closed, as Kafka does on what it cannot answer.
    Close(String),
}

/// An answer as it leaves.
pub(crate) struct Answer {
    /// Its bytes.
    pub rope: Rope,
    /// What they hold of the broker's memory until they have left.
    pub memory: Reservation,
    /// How long the client is left waiting before its next request.
    pub throttle: Duration,
    /// When its handler first waited, if it did.
    pub waited: Option<Instant>,
}

impl Answer {
    /// An answer that nobody is charged for.
    pub fn free(rope: Rope) -> Self {
        Self { rope, memory: Reservation::default(), throttle: Duration::ZERO, waited: None }
    }
}

/// An answer to come; never [`Outcome::Later`] again.
pub(crate) type Later = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// How a staged handler ends its ordered stage.
pub(crate) enum Staged<R> {
    /// With the answer.
    Answer(R),
    /// With one of the others, later.
    Later(Pin<Box<dyn Future<Output = Staged<R>> + Send>>),
    /// Without one.
    Silent,
    /// With the connection's end.
    Close(String),
}

/// One API that is served.
pub(crate) struct Row {
    pub(crate) key: ApiKey,
    pub(crate) versions: RangeInclusive<i16>,
    pub(crate) needs: &'static [Need],
    pub(crate) staged: bool,
    pub(crate) run: fn(RequestContext, Decoder) -> Later,
}

macro_rules! row {
    ($request:ty, $versions:expr, [$($resource:ident $operation:ident),*], $kind:ident $handler:path) => {
        Row {
            key: <$request as Request>::KEY,
            versions: $versions,
            needs: &[$((ResourceType::$resource, Operation::$operation)),*],
            staged: row!(@staged $kind),
            run: |ctx, decoder| Box::pin(row!(@run $kind $request, $handler, ctx, decoder)),
        }
    };
    (@staged answer) => { false };
    (@staged staged) => { true };
    (@run answer $request:ty, $handler:path, $ctx:ident, $decoder:ident) => {
        async move {
            let ctx = $ctx;
            match decode::<$request>(&ctx, $decoder) {
                Ok(request) => encode::<$request>(&ctx, ctx.work($handler(&ctx, request)).await),
                Err(close) => close,
            }
        }
    };
    (@run staged $request:ty, $handler:path, $ctx:ident, $decoder:ident) => {
        async move {
            let ctx = $ctx;
            match decode::<$request>(&ctx, $decoder) {
                Ok(request) => {
                    let staged = ctx.work($handler(&ctx, request)).await;
                    finish::<$request>(ctx, staged)
                }
                Err(close) => close,
            }
        }
    };
}

/// Every API served.
static ROWS: &[Row] = &[
    row!(produce::ProduceRequest, 3..=13, [Topic Write, TransactionalId Write], staged handlers::produce::handle),
    row!(fetch::FetchRequest, 4..=18, [Topic Read, Cluster ClusterAction], answer handlers::fetch::handle),
    row!(list_offsets::ListOffsetsRequest, 1..=11, [Topic Describe], answer handlers::list_offsets::handle),
    row!(metadata::MetadataRequest, 0..=13, [Topic Describe, Topic Create, Cluster Create, Cluster Describe],
        answer handlers::metadata::handle),
    row!(offset_commit::OffsetCommitRequest, 2..=10, [Group Read, Topic Read], answer handlers::offset_commit::handle),
    row!(offset_fetch::OffsetFetchRequest, 1..=10, [Group Describe, Topic Describe], answer handlers::offset_fetch::handle),
    row!(find_coordinator::FindCoordinatorRequest, 0..=6, [Group Describe, TransactionalId Describe],
        answer handlers::find_coordinator::handle),
    row!(join_group::JoinGroupRequest, 0..=9, [Group Read], answer handlers::join_group::handle),
    row!(heartbeat::HeartbeatRequest, 0..=4, [Group Read], answer handlers::heartbeat::handle),
    row!(leave_group::LeaveGroupRequest, 0..=5, [Group Read], answer handlers::leave_group::handle),
    row!(sync_group::SyncGroupRequest, 0..=5, [Group Read], answer handlers::sync_group::handle),
    row!(describe_groups::DescribeGroupsRequest, 0..=6, [Group Describe], answer handlers::describe_groups::handle),
    row!(list_groups::ListGroupsRequest, 0..=5, [Cluster Describe, Group Describe], answer handlers::list_groups::handle),
    row!(sasl_handshake::SaslHandshakeRequest, 0..=1, [], answer handlers::sasl::handshake),
    row!(api_versions::ApiVersionsRequest, 0..=4, [], answer handlers::api_versions::handle),
    row!(create_topics::CreateTopicsRequest, 2..=7, [Cluster Create, Topic Create, Topic DescribeConfigs],
        answer handlers::create_topics::handle),
    row!(delete_topics::DeleteTopicsRequest, 1..=6, [Topic Delete], answer handlers::delete_topics::handle),
    row!(delete_records::DeleteRecordsRequest, 0..=2, [Topic Delete], answer handlers::delete_records::handle),
    row!(init_producer_id::InitProducerIdRequest, 0..=5, [Cluster IdempotentWrite, TransactionalId Write],
        answer handlers::init_producer_id::handle),
    row!(offset_for_leader_epoch::OffsetForLeaderEpochRequest, 2..=4, [Topic Describe, Cluster ClusterAction],
        answer handlers::offset_for_leader_epoch::handle),
    row!(delete_groups::DeleteGroupsRequest, 0..=2, [Group Delete], answer handlers::delete_groups::handle),
    row!(offset_delete::OffsetDeleteRequest, 0..=0, [Group Delete, Topic Read], answer handlers::offset_delete::handle),
    row!(describe_acls::DescribeAclsRequest, 1..=3, [Cluster Describe], answer handlers::acls::describe),
    row!(create_acls::CreateAclsRequest, 1..=3, [Cluster Alter], answer handlers::acls::create),
    row!(delete_acls::DeleteAclsRequest, 1..=3, [Cluster Alter], answer handlers::acls::delete),
    row!(describe_configs::DescribeConfigsRequest, 1..=4,
        [Topic DescribeConfigs, Group DescribeConfigs, Cluster DescribeConfigs], answer handlers::describe_configs::handle),
    row!(alter_configs::AlterConfigsRequest, 0..=2, [Topic AlterConfigs, Group AlterConfigs, Cluster AlterConfigs],
        answer handlers::alter_configs::replace),
    row!(alter_replica_log_dirs::AlterReplicaLogDirsRequest, 1..=2, [Cluster Alter],
        answer handlers::alter_replica_log_dirs::handle),
    row!(describe_log_dirs::DescribeLogDirsRequest, 1..=5, [Cluster Describe], answer handlers::describe_log_dirs::handle),
    row!(sasl_authenticate::SaslAuthenticateRequest, 0..=2, [], answer handlers::sasl::authenticate),
    row!(create_partitions::CreatePartitionsRequest, 0..=3, [Topic Alter], answer handlers::create_partitions::handle),
    row!(elect_leaders::ElectLeadersRequest, 0..=2, [Cluster Alter], answer handlers::elect_leaders::handle),
    row!(incremental_alter_configs::IncrementalAlterConfigsRequest, 0..=1,
        [Topic AlterConfigs, Group AlterConfigs, Cluster AlterConfigs], answer handlers::alter_configs::change),
    row!(alter_partition_reassignments::AlterPartitionReassignmentsRequest, 0..=1, [Cluster Alter],
        answer handlers::alter_partition_reassignments::handle),
    row!(list_partition_reassignments::ListPartitionReassignmentsRequest, 0..=0, [Cluster Describe],
        answer handlers::list_partition_reassignments::handle),
    row!(describe_quorum::DescribeQuorumRequest, 0..=2, [Cluster Describe], answer handlers::describe_quorum::handle),
    row!(update_features::UpdateFeaturesRequest, 0..=2, [Cluster Alter], answer handlers::update_features::handle),
    row!(describe_cluster::DescribeClusterRequest, 0..=2, [Cluster Describe], answer handlers::describe_cluster::handle),
    row!(unregister_broker::UnregisterBrokerRequest, 0..=0, [Cluster Alter], answer handlers::unregister_broker::handle),
    row!(add_raft_voter::AddRaftVoterRequest, 0..=1, [Cluster Alter], answer handlers::raft_voters::add),
    row!(remove_raft_voter::RemoveRaftVoterRequest, 0..=0, [Cluster Alter], answer handlers::raft_voters::remove),
    row!(update_raft_voter::UpdateRaftVoterRequest, 0..=0, [Cluster ClusterAction], answer handlers::raft_voters::update),
    row!(describe_producers::DescribeProducersRequest, 0..=0, [Topic Read], answer handlers::describe_producers::handle),
    row!(list_config_resources::ListConfigResourcesRequest, 0..=1, [Cluster DescribeConfigs],
        answer handlers::list_config_resources::handle),
    row!(describe_topic_partitions::DescribeTopicPartitionsRequest, 0..=0, [Topic Describe],
        answer handlers::describe_topic_partitions::handle),
];

/// The rows by key.
static BY_KEY: LazyLock<Vec<Option<&'static Row>>> = LazyLock::new(|| {
    let last = ROWS.iter().map(|row| row.key.code()).max().unwrap_or(-1);
    (0..=last).map(|code| ROWS.iter().find(|row| row.key.code() == code)).collect()
});

/// The row of an API, if it is served.
pub(crate) fn row(key: ApiKey) -> Option<&'static Row> {
    BY_KEY.get(usize::try_from(key.code()).ok()?).copied().flatten()
}

/// The row of an API, if the listener serves it.
pub(crate) fn row_on(listener: &ListenerConfig, key: ApiKey) -> Option<&'static Row> {
    row(key).filter(|row| is_served_on(listener, row.key))
}

/// Whether an API is served on a listener: Kafka's controllers answer fewer than its brokers, and some that brokers do not.
pub(crate) fn is_served_on(listener: &ListenerConfig, key: ApiKey) -> bool {
    match (key.listeners(), listener.is_controllers) {
        (_, true) if key == ApiKey::Fetch => false,
        (Listeners::Both, _) | (Listeners::Broker, false) | (Listeners::Controller, true) => true,
        (Listeners::Broker, true) | (Listeners::Controller, false) => false,
    }
}

/// All rows, in the order of their keys.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    BY_KEY.iter().copied().flatten()
}

/// Reads the request, or says how the connection goes on without: ApiVersions alone answers in versions it does not know.
fn decode<R: Request>(ctx: &RequestContext, mut decoder: Decoder) -> Result<R, Outcome> {
    if !ctx.version_is_served {
        let answer = handlers::api_versions::unsupported();
        return Err(match frame::encode_response(ApiKey::ApiVersions, 0, ctx.correlation_id, &answer) {
            Ok(rope) => Outcome::Answer(Answer::free(rope)),
            Err(error) => Outcome::Close(format!("cannot write answer: {error}")),
        });
    }
    R::decode(&mut decoder, ctx.version)
        .map_err(|error| Outcome::Close(format!("cannot read request: {error}")))
}

fn finish<R: Request>(ctx: RequestContext, staged: Staged<R::Response>) -> Outcome
where
    R::Response: Throttled,
{
    match staged {
        Staged::Answer(response) => encode::<R>(&ctx, response),
        Staged::Later(later) => {
            ctx.begins_to_wait();
            Outcome::Later(Box::pin(async move { finish::<R>(ctx, later.await) }))
        }
        Staged::Silent => Outcome::Silent(ctx.charge(0)),
        Staged::Close(reason) => Outcome::Close(reason),
    }
}

/// Writes the answer. What it is charged depends on its size; the throttle that comes back is written into it, which does not
/// change its size.
fn encode<R: Request>(ctx: &RequestContext, mut response: R::Response) -> Outcome
where
    R::Response: Throttled,
{
    let write =
        |response: &R::Response| frame::encode_response(R::KEY, ctx.version, ctx.correlation_id, response);
    let written = write(&response).and_then(|rope| {
        let throttle = ctx.charge(rope.len());
        if throttle.is_zero() {
            return Ok((rope, throttle));
        }
        response.throttle(throttle);
        write(&response).map(|rope| (rope, throttle))
    });
    match written {
        Ok((rope, throttle)) => Outcome::Answer(Answer {
            rope,
            memory: ctx.take_memory(),
            throttle,
            waited: ctx.waited.get().copied(),
        }),
        Err(error) => Outcome::Close(format!("cannot write answer: {error}")),
    }
}
