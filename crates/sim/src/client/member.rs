//! A member of a classic group: joins, gets partitions, polls from where the group committed, commits.

use std::collections::BTreeMap;

use base::Str;
use bytes::Bytes;
use checker::{Call as Checked, Key, Mop, Observation, Op, Outcome, Process};
use coordinator::group::{Call, Request as GroupRequest, Response as GroupResponse};
use wire::ErrorCode;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::Port;
use super::consume::fetch;
use crate::message::{NoAnswer, Request, Response};
use crate::plan::{MS, SECOND};

const GROUP: &str = "g";
const TOPIC: &str = "t";

/// What a member knows of itself.
#[derive(Debug)]
pub struct Member<'a> {
    port: &'a Port,
    process: Process,
    id: Str,
    generation: i32,
    /// Its partitions, with the next offset of each.
    places: Option<BTreeMap<Key, i64>>,
}

/// Why a call on the group had no result.
enum Failed {
    /// The coordinator refused.
    Refused(ErrorCode),
    /// Nobody knows.
    Unknown,
}

impl<'a> Member<'a> {
    pub fn new(port: &'a Port, process: Process) -> Self {
        Self { port, process, id: Str::default(), generation: -1, places: None }
    }

    pub fn is_joined(&self) -> bool {
        self.places.is_some()
    }

    async fn call(&self, request: GroupRequest) -> Result<GroupResponse, Failed> {
        let request = Request::Group(request);
        match self.port.ask_leader(|led| led.is_offsets, request, 3 * SECOND).await {
            Ok(Response::Group(Ok(response))) => Ok(response),
            Ok(Response::Group(Err(error))) => Err(Failed::Refused(error)),
            Err(NoAnswer::TimedOut | NoAnswer::Disconnected) | Ok(_) => Err(Failed::Unknown),
        }
    }

    fn context(&self, version: i16) -> Call {
        let random = self.port.draw(|draws| (u128::from(draws.bits()) << 64) | u128::from(draws.bits()));
        Call { version, client_id: "sim".into(), client_host: "/sim".into(), random: random.to_be_bytes() }
    }

    /// One round of joining; what it becomes of it shows in [`Self::is_joined`].
    pub async fn join(&mut self) {
        let Some(joined) = self.join_round().await else { return };
        self.generation = joined.generation_id;
        let assignments = if joined.leader == self.id { self.assign(&joined) } else { Vec::new() };
        let request = SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            protocol_type: Some("consumer".into()),
            protocol_name: Some("range".into()),
            assignments,
            ..Default::default()
        };
        let synced = self.call(GroupRequest::Sync(self.context(5), request)).await;
        let Ok(GroupResponse::Sync(synced)) = synced else { return };
        if synced.error_code != ErrorCode::NONE {
            return self.on_error(synced.error_code);
        }
        let keys: Vec<Key> = synced.assignment.iter().map(|key| Key::from(*key)).collect();
        let member = self.id.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31) ^ u64::from(byte));
        let generation = i64::from(self.generation);
        self.port.observe(Observation::Assignment { group: 0, generation, member, keys: keys.clone() });
        self.begin(&keys).await;
    }

    async fn join_round(&mut self) -> Option<JoinGroupResponse> {
        let request = JoinGroupRequest {
            group_id: GROUP.into(),
            session_timeout_ms: 4_000,
            rebalance_timeout_ms: 3_000,
            member_id: self.id.clone(),
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata: subscription() }],
            ..Default::default()
        };
        match self.call(GroupRequest::Join(self.context(9), request)).await {
            Ok(GroupResponse::Join(joined)) if joined.error_code == ErrorCode::NONE => Some(joined),
            Ok(GroupResponse::Join(joined)) if joined.error_code == ErrorCode::MEMBER_ID_REQUIRED => {
                self.id = joined.member_id;
                None
            }
            Ok(GroupResponse::Join(joined)) => {
                self.on_error(joined.error_code);
                None
            }
            _ => None,
        }
    }

    /// The leader's work: partitions in turn to members in the order of their ids.
    fn assign(&self, joined: &JoinGroupResponse) -> Vec<SyncGroupRequestAssignment> {
        let mut ids: Vec<Str> = joined.members.iter().map(|member| member.member_id.clone()).collect();
        ids.sort();
        let count = ids.len().max(1);
        let keys = self.port.keys();
        let of = |place: usize| {
            let own = keys.iter().filter(move |key| **key as usize % count == place);
            own.map(|key| u8::try_from(*key).unwrap_or(0)).collect::<Vec<u8>>()
        };
        let given = ids.into_iter().enumerate();
        given
            .map(|(place, member_id)| SyncGroupRequestAssignment { member_id, assignment: of(place).into() })
            .collect()
    }

    /// Goes on where the group committed.
    async fn begin(&mut self, keys: &[Key]) {
        let mut places = BTreeMap::new();
        for key in keys {
            let Some(place) = self.committed(*key).await else { return };
            places.insert(*key, place.max(0));
        }
        self.places = Some(places);
    }

    async fn committed(&mut self, key: Key) -> Option<i64> {
        let invoked = self.port.now();
        let topic = OffsetFetchRequestTopics {
            name: TOPIC.into(),
            partition_indexes: vec![key as i32],
            ..Default::default()
        };
        let group = OffsetFetchRequestGroup {
            group_id: GROUP.into(),
            topics: Some(vec![topic]),
            ..Default::default()
        };
        let answer = self.call(GroupRequest::OffsetFetch { group, require_stable: true }).await;
        let Ok(GroupResponse::OffsetFetch(answer)) = answer else { return None };
        let found = answer.topics.first().and_then(|topic| topic.partitions.first());
        if answer.error_code != ErrorCode::NONE {
            return None;
        }
        let value = found.map_or(-1, |found| found.committed_offset);
        let call = Checked::Get { register: u64::from(key), value };
        self.port.record(Op::new(self.process, invoked, self.port.now(), Outcome::Ok, call));
        Some(value)
    }

    /// Polls its partitions and commits how far it came; says that it lives.
    pub async fn poll_and_commit(&mut self) {
        let request = HeartbeatRequest {
            group_id: GROUP.into(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            ..Default::default()
        };
        match self.call(GroupRequest::Heartbeat(request)).await {
            Ok(GroupResponse::Heartbeat(beat)) if beat.error_code != ErrorCode::NONE => {
                return self.on_error(beat.error_code);
            }
            Err(Failed::Refused(_) | Failed::Unknown) => return self.port.sleep(50 * MS).await,
            _ => {}
        }
        let Some(mut places) = self.places.take() else { return };
        let invoked = self.port.now();
        let mut records = Vec::new();
        let mut read = Vec::new();
        for (key, place) in &mut places {
            if let Ok(fetched) = fetch(self.port, self.process, *key, *place).await {
                records.extend(fetched.records.iter().map(|(offset, value)| (*key, *offset, *value)));
                if fetched.next > *place {
                    read.push((*key, fetched.next));
                }
                *place = fetched.next;
            }
        }
        if !records.is_empty() {
            let call = Checked::Records(vec![Mop::Poll { records }]);
            self.port.record(Op::new(self.process, invoked, self.port.now(), Outcome::Ok, call));
        }
        self.places = Some(places);
        for (key, offset) in read {
            self.commit(key, offset).await;
        }
    }

    async fn commit(&mut self, key: Key, committed_offset: i64) {
        let invoked = self.port.now();
        let partition = OffsetCommitRequestPartition {
            partition_index: key as i32,
            committed_offset,
            ..Default::default()
        };
        let topic = OffsetCommitRequestTopic {
            name: TOPIC.into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: GROUP.into(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.id.clone(),
            topics: vec![topic],
            ..Default::default()
        };
        let outcome = match self.call(GroupRequest::OffsetCommit(self.context(9), request)).await {
            Ok(GroupResponse::OffsetCommit(answer)) => {
                let result = answer.topics.first().and_then(|topic| topic.partitions.first());
                match result.map(|result| result.error_code) {
                    Some(ErrorCode::NONE) => Outcome::Ok,
                    Some(error) => {
                        self.on_error(error);
                        Outcome::Fail
                    }
                    None => Outcome::Info,
                }
            }
            Ok(_) | Err(Failed::Unknown) => Outcome::Info,
            // A coordinator that moves away does not say whether it had appended.
            Err(Failed::Refused(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)) => Outcome::Fail,
            Err(Failed::Refused(_)) => Outcome::Info,
        };
        let call = Checked::Set { register: u64::from(key), value: committed_offset };
        self.port.record(Op::new(self.process, invoked, self.port.now(), outcome, call));
    }

    fn on_error(&mut self, error: ErrorCode) {
        self.places = None;
        if matches!(error, ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::FENCED_INSTANCE_ID) {
            self.id = Str::default();
        }
    }
}

/// A consumer's subscription to the one topic, as its protocol writes it (version 0).
fn subscription() -> Bytes {
    Bytes::from_static(b"\x00\x00\x00\x00\x00\x01\x00\x01t\xff\xff\xff\xff")
}
