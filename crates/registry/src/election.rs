//! Who writes: one registry of many, elected by Kafka's group protocol as Confluent's registries elect theirs (type `sr`).
//!
//! ```text
//! metadata    {"version":1,"host":h,"port":p,"master_eligibility":b,"scheme":"http"|"https","leader":b}
//! assignment  {"version":1,"error":0,"master":member,"master_identity":{…as above…}}     error 1: two with one URL
//! ```
//!
//! The eligible member with the smallest URL writes; the others forward. Being elected is no licence: which registration has an
//! id or a version is still decided by replay. What is no registration is written only while the session of the writer runs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::Str;
use bytes::Bytes;
use client::GroupProtocol;
use schema::json::{Json, parse};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::json::{Members, int, member, text};

/// Who writes, as this registry knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leader {
    /// Nobody that is known.
    Unknown,
    /// This registry.
    This,
    /// The registry at that URL.
    Other(String),
}

/// Where others reach a registry, and whether it may be elected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// `http` or `https`.
    pub scheme: String,
    /// The host that others can reach (`host.name`).
    pub host: String,
    /// The port.
    pub port: u16,
    /// `leader.eligibility`
    pub eligible: bool,
}

impl Instance {
    /// `scheme://host:port`
    pub fn url(&self) -> String {
        // An IPv6 address stands in brackets.
        let (open, close) =
            if self.host.contains(':') && !self.host.starts_with('[') { ("[", "]") } else { ("", "") };
        format!("{}://{open}{}{close}:{}", self.scheme, self.host, self.port)
    }

    fn json(&self, leads: bool) -> Json {
        Members::default()
            .int("version", 1)
            .text("host", &self.host)
            .int("port", self.port)
            .bool("master_eligibility", self.eligible)
            .text("scheme", &self.scheme)
            .bool("leader", leads)
            .build()
    }

    fn read(json: &Json) -> Option<Self> {
        Some(Self {
            scheme: text(json, "scheme").unwrap_or("http").to_owned(),
            host: text(json, "host")?.to_owned(),
            port: int(json, "port").and_then(|port| u16::try_from(port).ok())?,
            eligible: member(json, "master_eligibility").and_then(Json::as_bool).unwrap_or(true),
        })
    }
}

/// This registry's part in the election.
pub(crate) struct Election {
    own: Mutex<Option<Instance>>,
    leader: watch::Sender<Leader>,
    /// When the coordinator was last asked that then said that this registry is a member.
    alive: Mutex<Option<Instant>>,
}

impl Election {
    /// Before the first election, `leader` writes.
    pub fn new(leader: Leader) -> Self {
        Self { own: Mutex::new(None), leader: watch::Sender::new(leader), alive: Mutex::new(None) }
    }

    /// Stands for election as that instance; who writes is not known until it is over.
    pub fn stand(&self, own: Instance) {
        self.leader.send_replace(Leader::Unknown);
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(own);
    }

    /// Follows who writes.
    pub fn leader(&self) -> watch::Receiver<Leader> {
        self.leader.subscribe()
    }

    /// Whether the coordinator has this registry as a member for so long from its last answer: nobody else is elected then.
    pub fn is_alive_for(&self, lease: Duration) -> bool {
        let alive = *self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.is_some_and(|asked| asked.elapsed() < lease)
    }

    fn own(&self) -> Option<Instance> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether a host is this machine to whoever asks.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The assignment that all members get.
fn elected(members: &[(Str, Bytes)]) -> Json {
    let read = |(id, metadata): &(Str, Bytes)| {
        let json = parse(core::str::from_utf8(metadata).ok()?).ok()?;
        Some((id.to_string(), Instance::read(&json)?))
    };
    let mut known: Vec<(String, Instance)> = members.iter().filter_map(read).collect();
    known.sort_by_key(|(_, instance)| instance.url());
    let twice = known.windows(2).any(|pair| matches!(pair, [(_, a), (_, b)] if a.url() == b.url()));
    let first = known.iter().find(|(_, instance)| instance.eligible && !twice);
    Members::default()
        .int("version", 1)
        .int("error", u8::from(twice))
        .put("master", first.map_or(Json::Null, |(id, _)| Json::from(id.as_str())))
        .put("master_identity", first.map_or(Json::Null, |(_, instance)| instance.json(false)))
        .build()
}

impl GroupProtocol for Election {
    fn metadata(&self) -> Bytes {
        let leads = *self.leader.borrow() == Leader::This;
        let json = self.own().map_or(Json::Null, |own| own.json(leads));
        json.to_text().into_bytes().into()
    }

    fn assign(&self, _leader: &Str, members: &[(Str, Bytes)]) -> Vec<(Str, Bytes)> {
        let assignment = Bytes::from(elected(members).to_text().into_bytes());
        members.iter().map(|(id, _)| (id.clone(), assignment.clone())).collect()
    }

    fn alive(&self, asked: Instant) {
        *self.alive.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
    }

    fn assigned(&self, assignment: Option<(Str, Bytes)>) {
        let leader = assignment.and_then(|(own, bytes)| judge(&own, &bytes)).unwrap_or(Leader::Unknown);
        let changed = self.leader.send_if_modified(|known| {
            let changes = *known != leader;
            known.clone_from(&leader);
            changes
        });
        if changed {
            tracing::info!(?leader, "the registries have elected who writes");
        }
    }
}

/// What an assignment says to the member of that name.
fn judge(own: &str, bytes: &[u8]) -> Option<Leader> {
    let json = parse(core::str::from_utf8(bytes).ok()?).ok()?;
    match int(&json, "error") {
        Some(0) => {}
        Some(1) => {
            tracing::error!(
                "two registries of the group give the same URL: give each a host.name or a port of its own"
            );
            return None;
        }
        _ => return None,
    }
    if text(&json, "master")? == own {
        return Some(Leader::This);
    }
    Some(Leader::Other(Instance::read(member(&json, "master_identity")?)?.url()))
}

/// A leader that never changes: where there is no election, this registry writes.
pub(crate) fn settled() -> (watch::Sender<Leader>, watch::Receiver<Leader>) {
    watch::channel(Leader::This)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(host: &str, eligible: bool) -> Bytes {
        let text = format!(
            r#"{{"version":1,"host":"{host}","port":8081,"master_eligibility":{eligible},"scheme":"http","leader":false}}"#
        );
        Bytes::from(text.into_bytes())
    }

    fn group(members: &[(&str, &str, bool)]) -> Vec<(Str, Bytes)> {
        members.iter().map(|(id, host, eligible)| (Str::from(*id), metadata(host, *eligible))).collect()
    }

    #[test]
    fn the_eligible_member_with_the_smallest_url_writes() {
        let identity = |host: &str| {
            format!(
                r#"{{"version":1,"host":"{host}","port":8081,"master_eligibility":true,"scheme":"http","leader":false}}"#
            )
        };
        let elected_text = |members: &[(&str, &str, bool)]| elected(&group(members)).to_text();
        let b = format!(r#"{{"version":1,"error":0,"master":"m2","master_identity":{}}}"#, identity("b"));
        assert_eq!(elected_text(&[("m1", "c", true), ("m2", "b", true)]), b);
        assert_eq!(elected_text(&[("m1", "a", false), ("m2", "b", true)]), b);
        let nobody = r#"{"version":1,"error":0,"master":null,"master_identity":null}"#;
        assert_eq!(elected_text(&[("m1", "a", false)]), nobody);
        let twice = r#"{"version":1,"error":1,"master":null,"master_identity":null}"#;
        assert_eq!(elected_text(&[("m1", "a", true), ("m2", "a", true)]), twice);
    }

    #[test]
    fn urls_and_hosts_that_only_this_machine_has() {
        let url = |host: &str| {
            let (scheme, host) = ("http".to_owned(), host.to_owned());
            Instance { scheme, host, port: 1, eligible: true }.url()
        };
        assert_eq!(url("::1"), "http://[::1]:1");
        assert_eq!(url("[::1]"), "http://[::1]:1");
        assert_eq!(url("a.b"), "http://a.b:1");
        let table = [
            ("localhost", true),
            ("127.0.0.2", true),
            ("[::1]", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("node-1", false),
        ];
        for (host, loopback) in table {
            assert_eq!(is_loopback(host), loopback, "{host}");
        }
    }

    #[test]
    fn a_lease_runs_from_the_question_that_was_answered_last() {
        let (election, lease) = (Election::new(Leader::This), Duration::from_secs(60));
        assert!(!election.is_alive_for(lease), "nobody was asked");
        election.alive(Instant::now());
        assert!(election.is_alive_for(lease));
        assert!(!election.is_alive_for(Duration::ZERO));
    }

    #[test]
    fn an_assignment_says_who_writes() {
        let election = Election::new(Leader::Unknown);
        let seen = election.leader();
        let members = group(&[("m1", "a", true), ("m2", "b", true)]);
        let all = election.assign(&Str::from("m1"), &members);
        assert!(all.iter().map(|(id, _)| id.as_str()).eq(["m1", "m2"]));
        let text = all[0].1.clone();
        let table = [
            (Some(("m1", text.clone())), Leader::This),
            (Some(("m2", text)), Leader::Other("http://a:8081".to_owned())),
            (Some(("m2", Bytes::from_static(b"not json"))), Leader::Unknown),
            (Some(("m2", Bytes::from_static(br#"{"version":1,"error":1,"master":"m2"}"#))), Leader::Unknown),
            (None, Leader::Unknown),
        ];
        for (assignment, leader) in table {
            election.assigned(assignment.clone().map(|(id, bytes)| (Str::from(id), bytes)));
            assert_eq!(*seen.borrow(), leader, "{assignment:?}");
        }
    }
}
