//! Records and answers as lines of a script, with member ids as the names that scripts have for them.

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use wire::ErrorCode;
use wire::messages::join_group::JoinGroupResponse;

use crate::group::Response;
use crate::group::record::{GroupRecord, OffsetCommitValue};

/// What scripts call the members: `a1` is the first id that client `a` was given.
#[derive(Default)]
pub struct Names {
    by_id: BTreeMap<String, String>,
    count: BTreeMap<String, u32>,
}

impl Names {
    pub fn learn(&mut self, client: &str, id: &str) {
        if !self.by_id.contains_key(id) {
            let count = self.count.entry(client.to_string()).or_default();
            *count += 1;
            self.by_id.insert(id.to_string(), format!("{client}{count}"));
        }
    }

    fn of(&self, id: &str) -> String {
        if id.is_empty() {
            "-".to_string()
        } else {
            self.by_id.get(id).cloned().unwrap_or_else(|| id.to_string())
        }
    }

    pub fn record(&self, record: &GroupRecord) -> String {
        match record {
            GroupRecord::OffsetCommit { group, topic, partition, value } => {
                format!("{group} {topic}/{partition} {}", value.as_ref().map_or("gone".to_string(), commit))
            }
            GroupRecord::GroupMetadata { group, value: None } => format!("{group} gone"),
            GroupRecord::GroupMetadata { group, value: Some(value) } => {
                let members = value.members.iter().map(|member| {
                    format!("{}={}", self.of(&member.member_id), String::from_utf8_lossy(&member.assignment))
                });
                let mut members: Vec<String> = members.collect();
                members.sort();
                let protocol = value.protocol.as_deref().unwrap_or("-");
                let (kind, generation) = (&value.protocol_type, value.generation);
                let leader = self.of(value.leader.as_deref().unwrap_or_default());
                format!("{group} gen {generation} {kind}/{protocol} leader {leader} [{}]", members.join(" "))
            }
        }
    }

    pub fn response(&self, response: &Response) -> String {
        match response {
            Response::Join(join) => self.join(join),
            Response::Sync(sync) => {
                let assignment = String::from_utf8_lossy(&sync.assignment);
                outcome("sync", sync.error_code, &format!("[{assignment}]"))
            }
            Response::Heartbeat(heartbeat) => outcome("heartbeat", heartbeat.error_code, "ok"),
            Response::Leave(leave) => {
                let member = |m: &wire::messages::leave_group::MemberResponse| {
                    let name =
                        m.group_instance_id.as_ref().map_or(self.of(&m.member_id), ToString::to_string);
                    format!(" {name}:{}", m.error_code.name())
                };
                let members: String = leave.members.iter().map(member).collect();
                outcome("leave", leave.error_code, &format!("ok{members}"))
            }
            other => self.other(other),
        }
    }

    fn join(&self, join: &JoinGroupResponse) -> String {
        let id = self.of(&join.member_id);
        if join.error_code.is_error() {
            return format!("join {} {id}", join.error_code.name());
        }
        let mut members: Vec<String> = join.members.iter().map(|member| self.of(&member.member_id)).collect();
        members.sort();
        let protocol = join.protocol_name.as_deref().unwrap_or("-");
        let skip = if join.skip_assignment { " skip" } else { "" };
        let leader = self.of(&join.leader);
        let (generation, members) = (join.generation_id, members.join(" "));
        format!("join {id} gen {generation} {protocol} leader {leader} [{members}]{skip}")
    }

    fn other(&self, response: &Response) -> String {
        match response {
            Response::OffsetCommit(commit) => {
                let parts = commit.topics.iter().flat_map(|t| t.partitions.iter().map(move |p| (t, p)));
                let parts =
                    parts.map(|(t, p)| format!(" {}/{}:{}", t.name, p.partition_index, p.error_code.name()));
                format!("commit{}", parts.collect::<String>())
            }
            Response::OffsetFetch(fetch) => {
                let parts = fetch.topics.iter().flat_map(|t| t.partitions.iter().map(move |p| (t, p)));
                let parts = parts.map(|(t, p)| {
                    let (epoch, metadata) =
                        (p.committed_leader_epoch, p.metadata.as_deref().unwrap_or("null"));
                    let value = format!("{}@{epoch}{metadata}", p.committed_offset);
                    format!(
                        " {}",
                        outcome(&format!("{}/{}", t.name, p.partition_index), p.error_code, &value)
                    )
                });
                format!("fetch{}", parts.collect::<String>())
            }
            Response::OffsetDelete(delete) => {
                let parts = delete.topics.iter().flat_map(|t| t.partitions.iter().map(move |p| (t, p)));
                let parts =
                    parts.map(|(t, p)| format!(" {}/{}:{}", t.name, p.partition_index, p.error_code.name()));
                outcome("offset-delete", delete.error_code, &format!("ok{}", parts.collect::<String>()))
            }
            other => self.admin(other),
        }
    }

    fn admin(&self, response: &Response) -> String {
        match response {
            Response::Describe(groups) => {
                let group = |g: &wire::messages::describe_groups::DescribedGroup| {
                    let member = |m: &wire::messages::describe_groups::DescribedGroupMember| {
                        let assignment = String::from_utf8_lossy(&m.member_assignment).to_string();
                        format!("{}={assignment}/{}", self.of(&m.member_id), m.member_metadata.len())
                    };
                    let members: Vec<String> = g.members.iter().map(member).collect();
                    let (id, state, kind, protocol) =
                        (&g.group_id, &g.group_state, &g.protocol_type, &g.protocol_data);
                    let error = g.error_message.as_deref().unwrap_or_default();
                    let what = format!("{state} {kind}/{protocol} [{}]", members.join(" "));
                    format!(" {}", outcome(id, g.error_code, &what) + error)
                };
                format!("describe{}", groups.iter().map(group).collect::<String>())
            }
            Response::List(groups) => {
                let line =
                    groups.iter().map(|g| format!(" {}:{}:{}", g.group_id, g.protocol_type, g.group_state));
                format!("list{}", line.collect::<String>())
            }
            Response::Delete(results) => {
                let line =
                    results.iter().map(|result| format!(" {}:{}", result.group_id, result.error_code.name()));
                format!("delete{}", line.collect::<String>())
            }
            _ => "done".to_string(),
        }
    }
}

fn commit(value: &OffsetCommitValue) -> String {
    let expires = value.expire_timestamp_ms.map_or(String::new(), |_| " expiring".to_string());
    format!("{}@{} {:?}{expires}", value.offset, value.leader_epoch, value.metadata.as_str())
}

fn outcome(what: &str, error: ErrorCode, value: &str) -> String {
    if error.is_error() { format!("{what} {}", error.name()) } else { format!("{what} {value}") }
}
