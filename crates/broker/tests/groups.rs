//! Groups over bare sockets: from FindCoordinator to an offset that outlives the broker.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use base::Str;
use bytes::Bytes;
use common::{Raw, broker, broker_in};
use wire::ErrorCode;
use wire::messages::delete_topics::DeleteTopicsRequest;
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

const NO_DELAY: (&str, &str) = ("group.initial.rebalance.delay.ms", "0");

/// Waits until the group's coordinator has loaded.
async fn coordinator_of(raw: &mut Raw, group: &'static str) {
    let request = FindCoordinatorRequest { coordinator_keys: vec![group.into()], ..Default::default() };
    let found = raw.call(4, &request).await.coordinators.remove(0);
    assert_eq!((found.error_code, found.node_id), (ErrorCode::NONE, 1));
    let asked = OffsetFetchRequestGroup { group_id: group.into(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![asked], ..Default::default() };
    while raw.call(8, &request).await.groups[0].error_code == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn topic(raw: &mut Raw, name: &'static str) {
    let asked = MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
    let request =
        MetadataRequest { topics: Some(vec![asked]), allow_auto_topic_creation: true, ..Default::default() };
    assert_eq!(raw.call(8, &request).await.topics[0].error_code, ErrorCode::NONE);
}

fn join(group: &'static str, member_id: Str) -> JoinGroupRequest {
    let protocol =
        JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(&[0, 0, 0, 0, 0, 0]) };
    JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        member_id,
        protocol_type: "consumer".into(),
        protocols: vec![protocol],
        ..Default::default()
    }
}

/// Joins as a client does, with the id that the first answer gives.
async fn member(raw: &mut Raw, group: &'static str) -> JoinGroupResponse {
    let promised = raw.call(7, &join(group, Str::default())).await;
    assert_eq!(promised.error_code, ErrorCode::MEMBER_ID_REQUIRED);
    raw.call(7, &join(group, promised.member_id)).await
}

fn sync(
    group: &'static str,
    joined: &JoinGroupResponse,
    assigned: &[(&Str, &'static str)],
) -> SyncGroupRequest {
    let one = |(to, what): &(&Str, &'static str)| SyncGroupRequestAssignment {
        member_id: (*to).clone(),
        assignment: Bytes::from_static(what.as_bytes()),
    };
    SyncGroupRequest {
        group_id: group.into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        assignments: assigned.iter().map(one).collect(),
        ..Default::default()
    }
}

fn commit(group: &'static str, joined: &JoinGroupResponse, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
    let topic =
        OffsetCommitRequestTopic { name: "t".into(), partitions: vec![partition], ..Default::default() };
    OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: joined.generation_id,
        member_id: joined.member_id.clone(),
        topics: vec![topic],
        ..Default::default()
    }
}

async fn committed(raw: &mut Raw, group: &'static str) -> i64 {
    let asked = OffsetFetchRequestGroup { group_id: group.into(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![asked], require_stable: true, ..Default::default() };
    let answer = raw.call(8, &request).await.groups.remove(0);
    answer.topics.first().map_or(-1, |topic| topic.partitions[0].committed_offset)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_rebalance_on_their_own_connections() {
    let handle = broker(&[NO_DELAY]).await;
    let (mut one, mut two) =
        (Raw::connect(handle.address().unwrap()).await, Raw::connect(handle.address().unwrap()).await);
    coordinator_of(&mut one, "g").await;
    let first = member(&mut one, "g").await;
    assert_eq!((first.generation_id, &first.leader), (1, &first.member_id));
    let alone = one.call(4, &sync("g", &first, &[(&first.member_id, "all")])).await;
    assert_eq!(alone.assignment, "all");

    let promised = two.call(7, &join("g", Str::default())).await;
    two.send(7, &join("g", promised.member_id)).await;
    let beat = HeartbeatRequest {
        group_id: "g".into(),
        generation_id: 1,
        member_id: first.member_id.clone(),
        ..Default::default()
    };
    while one.call(4, &beat).await.error_code != ErrorCode::REBALANCE_IN_PROGRESS {}
    let first = one.call(7, &join("g", first.member_id)).await;
    let second = two.receive::<JoinGroupRequest>(7, 0).await;
    assert_eq!((first.generation_id, first.members.len(), second.members.len()), (2, 2, 0));

    two.send(4, &sync("g", &second, &[])).await;
    let halves = [(&first.member_id, "left"), (&second.member_id, "right")];
    assert_eq!(one.call(4, &sync("g", &first, &halves)).await.assignment, "left");
    assert_eq!(two.receive::<SyncGroupRequest>(4, 0).await.assignment, "right");
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_checked_kept_and_dropped_with_their_topic() {
    let handle = broker(&[NO_DELAY]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    topic(&mut raw, "t").await;
    coordinator_of(&mut raw, "g").await;
    let joined = member(&mut raw, "g").await;
    let error = |answer: wire::messages::offset_commit::OffsetCommitResponse| {
        answer.topics[0].partitions[0].error_code
    };
    assert_eq!(error(raw.call(8, &commit("g", &joined, 5)).await), ErrorCode::REBALANCE_IN_PROGRESS);
    raw.call(4, &sync("g", &joined, &[])).await;
    assert_eq!(error(raw.call(8, &commit("g", &joined, 5)).await), ErrorCode::NONE);
    let stale = JoinGroupResponse { generation_id: 0, ..joined.clone() };
    assert_eq!(error(raw.call(8, &commit("g", &stale, 6)).await), ErrorCode::ILLEGAL_GENERATION);
    assert_eq!(committed(&mut raw, "g").await, 5);
    let request =
        DeleteTopicsRequest { topic_names: vec!["t".into()], timeout_ms: 10_000, ..Default::default() };
    assert_eq!(raw.call(5, &request).await.responses[0].error_code, ErrorCode::NONE);
    while committed(&mut raw, "g").await != -1 {}
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_offsets_outlive_the_broker() {
    let folder = common::folder();
    let handle = broker_in(&folder, &[NO_DELAY]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    topic(&mut raw, "t").await;
    coordinator_of(&mut raw, "g").await;
    let joined = member(&mut raw, "g").await;
    raw.call(4, &sync("g", &joined, &[(&joined.member_id, "mine")])).await;
    raw.call(8, &commit("g", &joined, 5)).await;
    handle.stop().await;

    let handle = broker_in(&folder, &[NO_DELAY]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    coordinator_of(&mut raw, "g").await;
    assert_eq!(committed(&mut raw, "g").await, 5);
    let again = raw.call(4, &sync("g", &joined, &[])).await;
    assert_eq!((again.error_code, again.assignment), (ErrorCode::NONE, Bytes::from_static(b"mine")));
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_member_is_out_when_its_session_ends() {
    let handle = broker(&[NO_DELAY, ("group.min.session.timeout.ms", "50")]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    coordinator_of(&mut raw, "g").await;
    let short = |id: Str| JoinGroupRequest { session_timeout_ms: 100, ..join("g", id) };
    let promised = raw.call(7, &short(Str::default())).await;
    let joined = raw.call(7, &short(promised.member_id)).await;
    raw.call(4, &sync("g", &joined, &[])).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let beat = HeartbeatRequest {
        group_id: "g".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id,
        ..Default::default()
    };
    assert_eq!(raw.call(4, &beat).await.error_code, ErrorCode::UNKNOWN_MEMBER_ID);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_those_who_wait() {
    let handle = broker(&[("group.initial.rebalance.delay.ms", "60000")]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    coordinator_of(&mut raw, "g").await;
    let promised = raw.call(7, &join("g", Str::default())).await;
    raw.send(7, &join("g", promised.member_id)).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let stopped = tokio::spawn(handle.stop());
    let answer = raw.receive::<JoinGroupRequest>(7, 0).await;
    assert_eq!(answer.error_code, ErrorCode::NOT_COORDINATOR);
    stopped.await.unwrap();
}
