//! What the clients of a run ask: what a client should, and as often as the run is chaotic, anything else.

use std::format;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

use base::Str;
use bytes::Bytes;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use wire::messages::offset_fetch::OffsetFetchRequestGroup;
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::{Client, Next, Run};
use crate::group::{Call, Request};

impl Run {
    pub(super) fn next_request(&mut self, who: usize) -> Option<Request> {
        if self.dice.chance(self.chaos) {
            return Some(self.request(who));
        }
        let client = self.clients[who].clone();
        match client.next {
            Next::Wait => None,
            Next::Join => {
                self.clients[who].next = Next::Wait;
                Some(self.proper_join(who, &client))
            }
            Next::Sync => {
                self.clients[who].next = Next::Wait;
                Some(self.proper_sync(&client))
            }
            Next::Work if self.dice.chance(2) => {
                self.clients[who].next = Next::Join;
                Some(self.request(who))
            }
            Next::Work => Some(Request::Heartbeat(HeartbeatRequest {
                group_id: client.group.clone(),
                generation_id: client.generation,
                member_id: client.id.clone(),
                group_instance_id: client.instance.clone(),
            })),
        }
    }

    fn proper_join(&mut self, who: usize, client: &Client) -> Request {
        let Request::Join(call, request) = self.join(who, client) else { unreachable!() };
        let protocols = ["range", "sticky"].map(|name| self.protocol(&[name])).to_vec();
        let call = Call { version: *self.dice.pick(&[5, 8, 9]), ..call };
        Request::Join(
            call,
            JoinGroupRequest {
                session_timeout_ms: 30_000,
                rebalance_timeout_ms: 60_000,
                member_id: client.id.clone(),
                group_instance_id: client.instance.clone(),
                protocol_type: "consumer".into(),
                protocols,
                ..request
            },
        )
    }

    fn proper_sync(&mut self, client: &Client) -> Request {
        let assignments = client.followers.iter().map(|to| self.assignment(to)).collect();
        let call = Call { version: 4, ..Call::default() };
        let request = SyncGroupRequest {
            group_id: client.group.clone(),
            generation_id: client.generation,
            member_id: client.id.clone(),
            group_instance_id: client.instance.clone(),
            assignments,
            ..Default::default()
        };
        Request::Sync(call, request)
    }

    fn request(&mut self, who: usize) -> Request {
        let client = self.clients[who].clone();
        match self.dice.roll(100) {
            0..30 => self.join(who, &client),
            30..50 => self.sync(&client),
            50..65 => Request::Heartbeat(HeartbeatRequest {
                group_id: client.group.clone(),
                generation_id: self.generation(&client),
                member_id: self.some_id(&client),
                group_instance_id: self.some_instance(&client),
            }),
            65..75 => self.leave(&client),
            75..85 => self.commit(&client),
            _ => self.admin(&client),
        }
    }

    fn generation(&mut self, client: &Client) -> i32 {
        if self.dice.chance(90) {
            client.generation
        } else {
            *self.dice.pick(&[-1, 0, 1, i32::MAX, i32::MIN])
        }
    }

    /// Mostly its own id; at times none, another's, or one that nobody has.
    fn some_id(&mut self, client: &Client) -> Str {
        match self.dice.roll(20) {
            0 => Str::default(),
            1 => Str::from("nobody"),
            2 => self.dice.pick(&self.clients).id.clone(),
            _ => client.id.clone(),
        }
    }

    fn some_instance(&mut self, client: &Client) -> Option<Str> {
        match self.dice.roll(20) {
            0 => None,
            1 => self.dice.pick(&self.clients).instance.clone(),
            _ => client.instance.clone(),
        }
    }

    fn join(&mut self, who: usize, client: &Client) -> Request {
        let mut random = [0; 16];
        random[8..].copy_from_slice(&(self.next + 1).to_be_bytes());
        let call = Call {
            version: *self.dice.pick(&[0, 1, 3, 4, 5, 7, 9]),
            client_id: format!("c{who}").into(),
            client_host: "/h".into(),
            random,
        };
        let known = ["range", "sticky", "cooperative-sticky", "compatible"];
        let count = self.dice.roll(4);
        let mut protocols: Vec<JoinGroupRequestProtocol> =
            (0..count).map(|_| self.protocol(&known)).collect();
        if self.dice.chance(90) {
            protocols.push(JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::new() });
        }
        let group_instance_id = if call.version >= 5 { self.some_instance(client) } else { None };
        let rejoins = group_instance_id.is_none() || self.dice.chance(50);
        Request::Join(
            call,
            JoinGroupRequest {
                group_id: client.group.clone(),
                session_timeout_ms: *self.dice.pick(&[6_000, 10_000, 10_000, 30_000, 5, -1]),
                rebalance_timeout_ms: *self.dice.pick(&[-1, 0, 5_000, 60_000]),
                member_id: if rejoins { self.some_id(client) } else { Str::default() },
                group_instance_id,
                protocol_type: self
                    .dice
                    .pick(&["consumer", "consumer", "consumer", "connect", ""])
                    .to_string()
                    .into(),
                protocols,
                reason: None,
            },
        )
    }

    fn protocol(&mut self, known: &[&str]) -> JoinGroupRequestProtocol {
        let topics: &[u8] = &[0, 1, 0, 0, 0, 1, 0, 1, b't', 0xff, 0xff, 0xff, 0xff];
        let metadata = *self.dice.pick(&[topics, topics, &[], &[0, 0], &[9; 40]]);
        JoinGroupRequestProtocol {
            name: (*self.dice.pick(known)).into(),
            metadata: Bytes::from_static(metadata),
        }
    }

    fn sync(&mut self, client: &Client) -> Request {
        let mut assignments: Vec<_> = client.followers.iter().map(|to| self.assignment(to)).collect();
        if self.dice.chance(10) {
            assignments.pop();
        }
        let call = Call { version: *self.dice.pick(&[0, 3, 4]), ..Call::default() };
        let generation_id = self.generation(client);
        let member_id = self.some_id(client);
        if member_id != client.id {
            assignments.clear();
        }
        let request = SyncGroupRequest {
            group_id: client.group.clone(),
            generation_id,
            member_id,
            group_instance_id: self.some_instance(client),
            protocol_type: None,
            protocol_name: None,
            assignments,
        };
        Request::Sync(call, request)
    }

    /// An assignment that names whom it is for, so that it can be told when another gets it.
    fn assignment(&mut self, to: &Str) -> SyncGroupRequestAssignment {
        self.next += 1;
        let assignment = Bytes::from(format!("{}#{}", self.who_is(to), self.next));
        SyncGroupRequestAssignment { member_id: to.clone(), assignment }
    }

    fn leave(&mut self, client: &Client) -> Request {
        let version = *self.dice.pick(&[0, 2, 3, 5]);
        let member_id = self.some_id(client);
        let one = MemberIdentity {
            member_id: member_id.clone(),
            group_instance_id: self.some_instance(client),
            reason: None,
        };
        let members = if version >= 3 { vec![one; self.dice.roll(3) as usize] } else { Vec::new() };
        let request = LeaveGroupRequest { group_id: client.group.clone(), member_id, members };
        Request::Leave(Call { version, ..Call::default() }, request)
    }

    fn commit(&mut self, client: &Client) -> Request {
        let simple = self.dice.chance(30);
        let partition = OffsetCommitRequestPartition {
            partition_index: self.dice.roll(3) as i32,
            committed_offset: self.dice.roll(1_000) as i64,
            committed_leader_epoch: -1,
            committed_metadata: None,
        };
        let topic = OffsetCommitRequestTopic {
            name: (*self.dice.pick(&["t", "u"])).into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: client.group.clone(),
            generation_id_or_member_epoch: if simple { -1 } else { self.generation(client) },
            member_id: if simple { Str::default() } else { self.some_id(client) },
            group_instance_id: if simple { None } else { self.some_instance(client) },
            retention_time_ms: *self.dice.pick(&[-1, -1, 500]),
            topics: vec![topic],
        };
        Request::OffsetCommit(Call { version: *self.dice.pick(&[2, 8, 9]), ..Call::default() }, request)
    }

    fn admin(&mut self, client: &Client) -> Request {
        let group_id = client.group.clone();
        match self.dice.roll(6) {
            0 => Request::Delete(vec![group_id.clone(), group_id]),
            1 => Request::Describe(Call { version: 6, ..Call::default() }, vec![group_id]),
            2 => Request::List { states: Vec::new(), types: Vec::new() },
            3 => Request::TopicsDeleted(vec![("t".into(), base::TopicId::ZERO)]),
            4 => Request::OffsetDelete(OffsetDeleteRequest {
                group_id,
                topics: vec![OffsetDeleteRequestTopic {
                    name: "t".into(),
                    partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }; 2],
                }],
            }),
            _ => Request::OffsetFetch {
                group: OffsetFetchRequestGroup { group_id, topics: None, ..Default::default() },
                require_stable: true,
            },
        }
    }
}
