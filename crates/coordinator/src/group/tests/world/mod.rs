//! A shard with its log and its clients, driven by the commands of a script.
//!
//! ```text
//! join NAME [group=g] [v=9] [id=ID] [instance=I] [type=consumer] [protocols=range:t+u,sticky:t] [session=MS] [rebalance=MS]
//! sync NAME [gen=N] [id=ID] [NAME=assignment …]      heartbeat NAME [gen=N] [instance=I]
//! leave NAME … [instance=I] [v=5]                    commit NAME [gen=N] [retention=MS] topic/partition=offset …
//! fetch [group=g] [topic/partition …]                describe|delete|list|offset-delete …
//! tick MS                                            hold | release | restart | settings key=value …
//! sleep MS                                           time passes that the shard's own clock does not see, until the restart
//! ```
//!
//! A client remembers the id and generation it was last given; `id=` and `gen=` say otherwise.

mod words;

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use base::{Str, TopicId, Uuid};
use bytes::Bytes;
use wire::ErrorCode;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::JoinGroupRequest;
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use wire::messages::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::show;
use crate::engine::{Answer, Outcome, Waiter};
use crate::group::record::{Decoded, GroupRecord};
use crate::group::{Call, GroupEngine, Live, Request, Response, Settings};
use words::{Words, protocol};

#[derive(Default, Clone)]
struct Client {
    id: String,
    generation: i32,
}

pub struct World {
    pub engine: GroupEngine,
    settings: Settings,
    now_ms: i64,
    slept_ms: i64,
    log: Vec<(Bytes, Option<Bytes>)>,
    clients: BTreeMap<String, Client>,
    names: show::Names,
    waiters: BTreeMap<u64, String>,
    next_waiter: u64,
    held: bool,
    written: Option<crate::engine::WriteId>,
}

impl Default for World {
    fn default() -> Self {
        let settings = Settings::default();
        let mut world = Self {
            engine: GroupEngine::new(Live::new(settings.clone())),
            settings,
            now_ms: 1_000_000,
            slept_ms: 0,
            log: Vec::new(),
            clients: BTreeMap::new(),
            names: show::Names::default(),
            waiters: BTreeMap::new(),
            next_waiter: 0,
            held: false,
            written: None,
        };
        world.engine.loaded(world.now_ms);
        world
    }
}

impl World {
    pub fn run(&mut self, line: &str) -> Vec<String> {
        let mut words = line.split_whitespace();
        let command = words.next().unwrap();
        let words = Words::of(words);
        let name = words.plain.first().copied().unwrap_or_default();
        let group = words.text("group", "g");
        match command {
            "join" => self.join(name, &words),
            "sync" => self.sync(name, &words),
            "heartbeat" => {
                let (client, group_id) = (self.client(name, &words), group);
                let group_instance_id = words.get("instance").map(Str::from);
                let (member_id, generation_id) = (client.id.as_str().into(), client.generation);
                let request = HeartbeatRequest { group_id, generation_id, member_id, group_instance_id };
                self.ask(name, Request::Heartbeat(request))
            }
            "leave" => self.leave(&words),
            "commit" => self.commit(name, &words),
            "fetch" => self.fetch(group, &words),
            "offset-delete" => self.offset_delete(group, &words),
            "describe" => {
                let call = Call { version: words.number("v", 6), ..Call::default() };
                let groups = words.plain.iter().map(|group| Str::from(*group)).collect();
                self.ask("admin", Request::Describe(call, groups))
            }
            "delete" => {
                let groups = words.plain.iter().map(|group| Str::from(*group)).collect();
                self.ask("admin", Request::Delete(groups))
            }
            "topic-deleted" => {
                let id = TopicId(Uuid([words.number("topic-id", 0); 16]));
                self.ask("admin", Request::TopicsDeleted(vec![(Str::from(name), id)]))
            }
            "list" => {
                let of = |key| words.get(key).into_iter().flat_map(|v| v.split(',')).map(Str::from).collect();
                self.ask("admin", Request::List { states: of("states"), types: of("types") })
            }
            "tick" => self.tick(name.parse().unwrap()),
            "sleep" => {
                self.slept_ms += name.parse::<i64>().unwrap();
                self.engine.set_wall(self.now_ms + self.slept_ms, self.now_ms);
                Vec::new()
            }
            "hold" => {
                self.held = true;
                Vec::new()
            }
            "release" => {
                self.held = false;
                self.commit_log()
            }
            "restart" => self.restart(),
            "settings" => {
                self.change_settings(&words);
                Vec::new()
            }
            other => panic!("no command {other:?}"),
        }
    }

    fn change_settings(&mut self, words: &Words<'_>) {
        let settings = &mut self.settings;
        settings.group_max_size = words.number("max-size", settings.group_max_size);
        settings.initial_rebalance_delay_ms = words.number("delay", settings.initial_rebalance_delay_ms);
        settings.offsets_retention_ms = words.number("retention", settings.offsets_retention_ms);
        settings.offsets_retention_check_interval_ms =
            words.number("check", settings.offsets_retention_check_interval_ms);
        settings.offset_metadata_max = words.number("metadata", settings.offset_metadata_max);
        settings.record_bytes_max = words.number("record", settings.record_bytes_max);
        self.reload();
    }

    fn client(&self, name: &str, words: &Words<'_>) -> Client {
        let mut client = self.clients.get(name).cloned().unwrap_or_default();
        client.generation = words.number("gen", client.generation);
        match words.get("id") {
            Some("none") => client.id.clear(),
            Some(id) => client.id = self.clients.get(id).map_or(id.to_string(), |other| other.id.clone()),
            None => {}
        }
        client
    }

    fn join(&mut self, name: &str, words: &Words<'_>) -> Vec<String> {
        let client = self.client(name, words);
        let mut random = [0; 16];
        random[8..].copy_from_slice(&(self.next_waiter + 1).to_be_bytes());
        let call = Call {
            version: words.number("v", 9),
            client_id: name.into(),
            client_host: "/127.0.0.1".into(),
            random,
        };
        let kind = words.text("type", "consumer");
        let protocols =
            words.get("protocols").unwrap_or("range:t").split(',').filter(|name| !name.is_empty());
        let request = JoinGroupRequest {
            group_id: words.text("group", "g"),
            session_timeout_ms: words.number("session", 10_000),
            rebalance_timeout_ms: words.number("rebalance", 60_000),
            member_id: client.id.as_str().into(),
            group_instance_id: words.get("instance").map(Str::from),
            protocol_type: kind.clone(),
            protocols: protocols.map(|text| protocol(text, &kind)).collect(),
            reason: None,
        };
        self.ask(name, Request::Join(call, request))
    }

    fn sync(&mut self, name: &str, words: &Words<'_>) -> Vec<String> {
        let client = self.client(name, words);
        let known = |key: &&(&str, &str)| self.clients.contains_key(key.0);
        let assigned = words.pairs.iter().filter(known).map(|(to, what)| SyncGroupRequestAssignment {
            member_id: self.clients[*to].id.as_str().into(),
            assignment: Bytes::copy_from_slice(what.as_bytes()),
        });
        let request = SyncGroupRequest {
            group_id: words.text("group", "g"),
            generation_id: client.generation,
            member_id: client.id.as_str().into(),
            group_instance_id: words.get("instance").map(Str::from),
            protocol_type: words.get("type").map(Str::from),
            protocol_name: words.get("protocol").map(Str::from),
            assignments: assigned.collect(),
        };
        let call = Call { version: words.number("v", 4), ..Call::default() };
        self.ask(name, Request::Sync(call, request))
    }

    fn leave(&mut self, words: &Words<'_>) -> Vec<String> {
        let version = words.number("v", 5);
        let identity = |name: &&str| MemberIdentity {
            member_id: self.client(name, words).id.as_str().into(),
            group_instance_id: words.get("instance").map(Str::from),
            reason: None,
        };
        let mut members: Vec<MemberIdentity> = words.plain.iter().map(identity).collect();
        if members.is_empty() {
            let group_instance_id = words.get("instance").map(Str::from);
            members.push(MemberIdentity { group_instance_id, ..MemberIdentity::default() });
        }
        let member_id = if version < 3 { members.remove(0).member_id } else { Str::default() };
        let request = LeaveGroupRequest { group_id: words.text("group", "g"), member_id, members };
        let name = words.plain.first().copied().unwrap_or("admin");
        self.ask(name, Request::Leave(Call { version, ..Call::default() }, request))
    }

    fn commit(&mut self, name: &str, words: &Words<'_>) -> Vec<String> {
        let mut client = self.client(name, words);
        if !self.clients.contains_key(name) {
            client.generation = words.number("gen", -1);
        }
        let topic_id = Uuid([words.number("topic-id", 0); 16]);
        let topics =
            words.places().into_iter().map(|(topic, partition_index, offset)| OffsetCommitRequestTopic {
                name: topic.into(),
                topic_id,
                partitions: vec![OffsetCommitRequestPartition {
                    partition_index,
                    committed_offset: offset.parse().unwrap(),
                    committed_leader_epoch: words.number("epoch", -1),
                    committed_metadata: words.get("metadata").map(Str::from),
                }],
            });
        let request = OffsetCommitRequest {
            group_id: words.text("group", "g"),
            generation_id_or_member_epoch: client.generation,
            member_id: client.id.as_str().into(),
            group_instance_id: words.get("instance").map(Str::from),
            retention_time_ms: words.number("retention", -1),
            topics: topics.collect(),
        };
        let call = Call { version: words.number("v", 9), ..Call::default() };
        self.ask(name, Request::OffsetCommit(call, request))
    }

    fn fetch(&mut self, group_id: Str, words: &Words<'_>) -> Vec<String> {
        let topic_id = Uuid([words.number("topic-id", 0); 16]);
        let topics: Vec<_> = words
            .places()
            .into_iter()
            .map(|(name, partition, _)| OffsetFetchRequestTopics {
                name: name.into(),
                topic_id,
                partition_indexes: vec![partition],
            })
            .collect();
        let topics = Some(topics).filter(|topics| !topics.is_empty());
        let group = OffsetFetchRequestGroup { group_id, topics, ..Default::default() };
        let require_stable = words.number("stable", false);
        self.ask("admin", Request::OffsetFetch { group, require_stable })
    }

    fn offset_delete(&mut self, group_id: Str, words: &Words<'_>) -> Vec<String> {
        let topics = words.places().into_iter().map(|(name, partition_index, _)| OffsetDeleteRequestTopic {
            name: name.into(),
            partitions: vec![OffsetDeleteRequestPartition { partition_index }],
        });
        let request = OffsetDeleteRequest { group_id, topics: topics.collect() };
        self.ask("admin", Request::OffsetDelete(request))
    }

    fn ask(&mut self, name: &str, request: Request) -> Vec<String> {
        self.next_waiter += 1;
        self.waiters.insert(self.next_waiter, name.to_string());
        let outcome = self.engine.handle(request, Waiter(self.next_waiter), self.now_ms);
        self.take(outcome)
    }

    fn tick(&mut self, ms: i64) -> Vec<String> {
        let (start, until) = (self.now_ms, self.now_ms + ms);
        let mut lines = Vec::new();
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= until) {
            self.now_ms = self.now_ms.max(at);
            let outcome = self.engine.on_tick(self.now_ms);
            let after = self.now_ms - start;
            lines.extend(self.take(outcome).into_iter().map(|line| format!("+{after} {line}")));
        }
        self.now_ms = until;
        lines
    }

    fn restart(&mut self) -> Vec<String> {
        let answers = self.engine.unload(ErrorCode::NOT_COORDINATOR, self.now_ms);
        let mut lines = self.show(answers);
        self.now_ms += std::mem::take(&mut self.slept_ms);
        lines.extend(self.reload());
        lines
    }

    /// A new shard from the bytes of the log.
    fn reload(&mut self) -> Vec<String> {
        self.engine = GroupEngine::new(Live::new(self.settings.clone()));
        for (key, value) in &self.log {
            match GroupRecord::decode(key.clone(), value.clone()).unwrap() {
                Decoded::Record(record) => self.engine.load(&record, None),
                Decoded::Unknown(kind) => panic!("a record of type {kind}"),
            }
        }
        self.written = None;
        let outcome = self.engine.loaded(self.now_ms);
        self.take(outcome)
    }

    fn take(&mut self, outcome: Outcome<GroupRecord, Response>) -> Vec<String> {
        let mut lines: Vec<String> =
            outcome.records.iter().map(|record| format!("log: {}", self.names.record(record))).collect();
        self.log.extend(outcome.records.iter().map(|record| (record.key(), record.value())));
        self.written = outcome.write.or(self.written);
        lines.extend(self.show(outcome.answers));
        if !self.held {
            lines.extend(self.commit_log());
        }
        lines
    }

    fn commit_log(&mut self) -> Vec<String> {
        let answers = self.written.map(|write| self.engine.on_committed(write)).unwrap_or_default();
        self.show(answers)
    }

    fn show(&mut self, answers: Vec<Answer<Response>>) -> Vec<String> {
        for (Waiter(waiter), answer) in &answers {
            self.learn(*waiter, answer);
        }
        answers.into_iter().map(|(waiter, answer)| self.show_one(waiter, answer)).collect()
    }

    /// What a client is told of itself, it remembers.
    fn learn(&mut self, waiter: u64, answer: &Result<Response, ErrorCode>) {
        let Ok(Response::Join(response)) = answer else { return };
        if response.member_id.is_empty() {
            return;
        }
        let name = self.waiters[&waiter].clone();
        self.names.learn(&name, &response.member_id);
        let client = self.clients.entry(name).or_default();
        client.id = response.member_id.to_string();
        if !response.error_code.is_error() {
            client.generation = response.generation_id;
        }
    }

    fn show_one(&mut self, Waiter(waiter): Waiter, answer: Result<Response, ErrorCode>) -> String {
        let name = self.waiters.remove(&waiter).expect("everyone is answered once");
        match answer {
            Ok(response) => format!("{name}: {}", self.names.response(&response)),
            Err(error) => format!("{name}: {}", error.name()),
        }
    }
}
