//! A seeded random run: clients that join, sync, leave, fall silent, come back, lie, while the coordinator restarts and its log lags.
//!
//! What must hold in every run:
//! 1. Every request is answered, once, when time goes on and the log is committed; none stays parked for ever.
//! 2. Until a restart the generation of a group never falls, and a generation has one leader.
//! 3. What a leader assigned to one member reaches that member alone.
//! 4. A shard loaded from the bytes of the log says what the running one says.
//!
//! `MEKONG_GROUP_STEPS` (requests per seed) and `MEKONG_GROUP_SEEDS` make the run longer; a failure names its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;
use std::{env, format};

use base::Str;
use bytes::Bytes;
use wire::ErrorCode;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use wire::messages::offset_fetch::OffsetFetchRequestGroup;
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use crate::engine::{Answer, Outcome, Waiter, WriteId};
use crate::group::classic::Phase;
use crate::group::record::{Decoded, GroupRecord};
use crate::group::{Call, GroupEngine, Live, Request, Response, Settings};

/// xorshift64*, so that a seed is a run for ever.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len() as u64) as usize]
    }
}

/// What a client that behaves does next.
#[derive(Clone, Copy, Default, PartialEq)]
enum Next {
    #[default]
    Join,
    Wait,
    Sync,
    Work,
}

#[derive(Clone, Default)]
struct Client {
    next: Next,
    group: Str,
    id: Str,
    instance: Option<Str>,
    generation: i32,
    /// The members it has to assign to, if it leads.
    followers: Vec<Str>,
}

struct Run {
    dice: Dice,
    /// How many of a hundred requests are not what a client should send.
    chaos: u64,
    assigned: u64,
    engine: GroupEngine,
    settings: Settings,
    now_ms: i64,
    log: Vec<(Bytes, Option<Bytes>)>,
    written: Option<WriteId>,
    clients: Vec<Client>,
    /// Who asked what, until it is answered.
    asked: BTreeMap<u64, usize>,
    next: u64,
    generations: BTreeMap<Str, i32>,
    leaders: BTreeMap<(Str, i32), String>,
    owners: BTreeMap<Bytes, String>,
    same_as: BTreeMap<Str, String>,
}

const GROUPS: [&str; 3] = ["g", "h", "k"];
const CLIENTS: usize = 9;

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let settings = Settings {
            initial_rebalance_delay_ms: *dice.pick(&[0, 3_000]),
            group_max_size: *dice.pick(&[2, 4, 1_000]),
            offsets_retention_ms: *dice.pick(&[1_000, 1_000_000]),
            offsets_retention_check_interval_ms: *dice.pick(&[700, 60_000]),
            record_bytes_max: *dice.pick(&[400, 1_000_000]),
            ..Settings::default()
        };
        let clients = (0..CLIENTS).map(|i| Client {
            group: GROUPS[i % GROUPS.len()].into(),
            instance: (i % 2 == 0).then(|| Str::from(format!("i{i}"))),
            ..Client::default()
        });
        let mut run = Self {
            clients: clients.collect(),
            chaos: *dice.pick(&[0, 2, 10, 60]),
            assigned: 0,
            dice,
            engine: GroupEngine::new(Live::new(settings.clone())),
            settings,
            now_ms: 1,
            log: Vec::new(),
            written: None,
            asked: BTreeMap::new(),
            next: 0,
            generations: BTreeMap::new(),
            leaders: BTreeMap::new(),
            owners: BTreeMap::new(),
            same_as: BTreeMap::new(),
        };
        let outcome = run.engine.loaded(run.now_ms);
        run.take(outcome);
        run
    }

    fn step(&mut self) {
        match self.dice.roll(100) {
            0..70 => {
                let who = self.dice.roll(CLIENTS as u64) as usize;
                let Some(request) = self.next_request(who) else { return };
                self.next += 1;
                self.asked.insert(self.next, who);
                let outcome = self.engine.handle(request, Waiter(self.next), self.now_ms);
                self.take(outcome);
            }
            70..80 => {
                let ms = *self.dice.pick(&[1, 100, 1_000, 2_999, 11_000]);
                self.pass(ms);
            }
            99 if self.dice.chance(self.chaos.max(10)) => self.restart(),
            _ => self.commit_log(),
        }
    }

    fn next_request(&mut self, who: usize) -> Option<Request> {
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
            3 => Request::TopicsDeleted(vec!["t".into()]),
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

    fn pass(&mut self, ms: i64) {
        let until = self.now_ms + ms;
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= until) {
            self.now_ms = self.now_ms.max(at);
            let outcome = self.engine.on_tick(self.now_ms);
            self.take(outcome);
        }
        self.now_ms = until;
    }

    fn take(&mut self, outcome: Outcome<GroupRecord, Response>) {
        self.log.extend(outcome.records.iter().map(|record| (record.key(), record.value())));
        self.written = outcome.write.or(self.written);
        self.answered(outcome.answers);
    }

    fn commit_log(&mut self) {
        if let Some(write) = self.written {
            let answers = self.engine.on_committed(write);
            self.answered(answers);
        }
    }

    fn restart(&mut self) {
        let answers = self.engine.unload(ErrorCode::NOT_COORDINATOR, self.now_ms);
        self.answered(answers);
        assert!(self.asked.is_empty(), "a shard that goes leaves nobody waiting");
        let mut loaded = GroupEngine::new(Live::new(self.settings.clone()));
        for (key, value) in &self.log {
            match GroupRecord::decode(key.clone(), value.clone()) {
                Ok(Decoded::Record(record)) => loaded.load(&record, None),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(loaded.durable(), self.engine.durable(), "the log says what the shard said");
        self.engine = loaded;
        self.written = None;
        self.generations.clear();
        self.leaders.clear();
        let outcome = self.engine.loaded(self.now_ms);
        self.take(outcome);
    }

    fn answered(&mut self, answers: Vec<Answer<Response>>) {
        for (Waiter(waiter), answer) in answers {
            let who = self.asked.remove(&waiter).expect("a request is answered once");
            match answer {
                Ok(Response::Join(response)) => self.joined(who, &response),
                Ok(Response::Sync(response)) => {
                    self.clients[who].next = self.after(who, response.error_code, Next::Work);
                    if !response.error_code.is_error() {
                        self.check_owner(&response.assignment);
                    }
                }
                Ok(Response::Heartbeat(response)) => {
                    self.clients[who].next = self.after(who, response.error_code, Next::Work);
                }
                Err(_) => self.clients[who].next = Next::Join,
                Ok(_) => {}
            }
        }
    }

    fn after(&mut self, who: usize, error: ErrorCode, next: Next) -> Next {
        if matches!(error, ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::FENCED_INSTANCE_ID) {
            self.clients[who].id = Str::default();
        }
        if error.is_error() { Next::Join } else { next }
    }

    fn joined(&mut self, who: usize, response: &JoinGroupResponse) {
        let next = self.after(who, response.error_code, Next::Sync);
        let client = &mut self.clients[who];
        client.next = next;
        client.followers.clear();
        match response.error_code {
            ErrorCode::NONE => {
                client.id = response.member_id.clone();
                client.generation = response.generation_id;
                client.followers = response.members.iter().map(|member| member.member_id.clone()).collect();
                let group = client.group.clone();
                self.check_generation(&group, response);
            }
            ErrorCode::MEMBER_ID_REQUIRED => client.id = response.member_id.clone(),
            _ => {}
        }
    }

    fn check_generation(&mut self, group: &Str, response: &JoinGroupResponse) {
        for member in &response.members {
            let who = member.group_instance_id.as_ref().unwrap_or(&member.member_id).to_string();
            self.same_as.insert(member.member_id.clone(), format!("{group}/{who}"));
        }
        let ids: BTreeSet<&Str> = response.members.iter().map(|member| &member.member_id).collect();
        assert_eq!(ids.len(), response.members.len(), "a member stands once in what the leader gets");
        if !response.members.is_empty() {
            assert!(ids.contains(&response.leader) && response.leader == response.member_id);
        }
    }

    /// The member behind an id: a static one is the same under each of its ids.
    fn who_is(&self, id: &Str) -> String {
        self.same_as.get(id).cloned().unwrap_or_else(|| id.to_string())
    }

    fn check_owner(&mut self, assignment: &Bytes) {
        if assignment.is_empty() {
            return;
        }
        self.assigned += 1;
        let text = String::from_utf8(assignment.to_vec()).expect("an assignment comes back as it was sent");
        let owner = text.split('#').next().unwrap_or_default().to_string();
        let before = self.owners.insert(assignment.clone(), owner.clone());
        assert!(before.is_none_or(|before| before == owner), "one member owns an assignment");
    }

    fn check_live(&mut self) {
        for group in GROUPS {
            let Some(live) = self.engine.live().classic(group) else {
                self.generations.remove(group);
                self.leaders.retain(|(of, _), _| of != group);
                continue;
            };
            let owned: Vec<(&Str, &Bytes)> =
                live.assignments().filter(|(_, bytes)| !bytes.is_empty()).collect();
            let distinct: BTreeSet<&Bytes> = owned.iter().map(|(_, bytes)| *bytes).collect();
            assert_eq!(owned.len(), distinct.len(), "no two members of {group} own the same");
            let generation = live.generation();
            let before = self.generations.insert(group.into(), generation).unwrap_or(generation);
            assert!(
                (before..=before + 8).contains(&generation),
                "generations of {group} grow: {before}, {generation}"
            );
            let leader = live.members().find(|member| live.leader() == Some(&member.id));
            if let (Some(leader), Phase::CompletingRebalance | Phase::Stable) = (leader, live.phase()) {
                let who = leader.instance_id.as_ref().unwrap_or(&leader.id).to_string();
                let before = self.leaders.insert((group.into(), generation), who.clone());
                assert!(before.is_none_or(|before| before == who), "a generation of {group} has one leader");
            }
        }
    }

    /// Nobody asks any more: every promise is kept by its deadline.
    fn heal(&mut self) {
        self.pass(6 * 60 * 1_000);
        self.commit_log();
        assert!(self.asked.is_empty(), "{} requests wait for ever", self.asked.len());
        let idle = GROUPS.iter().all(|group| self.engine.live().classic(group).is_none());
        assert!(idle, "groups whose members are silent are empty, and take no memory for being so");
    }
}

fn env_number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn groups_keep_their_promises_under_random_clients() {
    let (seeds, steps) = (env_number("MEKONG_GROUP_SEEDS", 40), env_number("MEKONG_GROUP_STEPS", 500));
    let first = env_number("MEKONG_GROUP_FIRST_SEED", 1);
    let mut assigned = 0;
    for seed in first..first + seeds {
        let ran = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            for _ in 0..steps {
                run.step();
                run.check_live();
            }
            run.heal();
            run.assigned
        });
        assigned += ran.as_ref().unwrap_or(&0);
        assert!(ran.is_ok(), "seed {seed}: rerun with MEKONG_GROUP_FIRST_SEED={seed} MEKONG_GROUP_SEEDS=1");
    }
    assert!(assigned > seeds * 5, "the clients get to work: {assigned} assignments");
}
