//! `process.roles`, `controller.quorum.*`: which part a node has in the cluster, and who the others are.
//!
//! A node that is told of nobody else is alone: it founds a cluster and is its own majority.

use std::time::Duration;

use net::PortRule;
use quorum::Peer;

use super::{ConfigError, Reader, listeners};

/// `broker.session.timeout.ms` in a cluster, where nobody sets it; Kafka waits 9 s. A process that is gone is noticed at once, so this is
/// for brokers that hang or are cut off.
pub(super) const SESSION_MS: i64 = 1800;
/// `broker.heartbeat.interval.ms` in a cluster, where nobody sets it; Kafka sends one every 2 s.
pub(super) const HEARTBEAT_MS: u64 = 200;

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Roles {
    /// It holds partitions and serves clients.
    pub broker: bool,
    /// It takes part in the metadata quorum.
    pub controller: bool,
}

/// The node's part in the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumConfig {
    /// `process.roles`.
    pub roles: Roles,
    /// `controller.quorum.voters`, without those that name nobody else.
    pub voters: Vec<Peer>,
    /// `controller.quorum.bootstrap.servers`, without those that name nobody else: hosts and ports.
    pub bootstrap: Vec<(String, u16)>,
    /// `controller.quorum.election.timeout.ms`.
    pub election_ms: u64,
    /// `broker.heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `broker.session.timeout.ms`.
    pub session_ms: i64,
    /// `initial.broker.registration.timeout.ms`.
    pub registration_timeout: Duration,
}

impl QuorumConfig {
    /// Whether the node is a cluster by itself.
    pub fn is_alone(&self) -> bool {
        self.voters.is_empty() && self.bootstrap.is_empty()
    }
}

impl Reader<'_> {
    pub(super) fn quorum(&self, node_id: i32) -> Result<QuorumConfig, ConfigError> {
        let mut voters = self.voters()?;
        if voters.len() == 1 && voters.iter().all(|voter| voter.id == node_id) {
            voters.clear();
        }
        let mut bootstrap = self.bootstrap()?;
        // Kafka's own file for one node names the node itself.
        if bootstrap.iter().all(|server| self.is_own(server)) {
            bootstrap.clear();
        }
        if !voters.is_empty() {
            bootstrap.clear();
        }
        let roles = self.roles()?;
        let is_alone = voters.is_empty() && bootstrap.is_empty();
        let (session, heartbeat) = match is_alone {
            true => (9000, 2000),
            false => (SESSION_MS, HEARTBEAT_MS),
        };
        let milliseconds = |key, default| self.number(key, 1..=u64::from(u32::MAX), default);
        let config = QuorumConfig {
            roles,
            voters,
            bootstrap,
            election_ms: milliseconds("controller.quorum.election.timeout.ms", 1000)?,
            heartbeat_interval: Duration::from_millis(milliseconds(
                "broker.heartbeat.interval.ms",
                heartbeat,
            )?),
            session_ms: self.number("broker.session.timeout.ms", 1..=i64::from(i32::MAX), session)?,
            registration_timeout: Duration::from_millis(milliseconds(
                "initial.broker.registration.timeout.ms",
                60_000,
            )?),
        };
        if !(config.roles.broker && config.roles.controller) {
            let problem =
                "must hold broker and controller: nodes that are only one of them are not there yet";
            return Err(self.wrong("process.roles", problem.to_owned()));
        }
        Ok(config)
    }

    /// Whether an address is that of this node's own controller listener.
    fn is_own(&self, (host, port): &(String, u16)) -> bool {
        let names = self.text("controller.listener.names").unwrap_or_default();
        let is_controllers = |name: &str| names.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
        let keys = ["listeners", "advertised.listeners", "listener.security.protocol.map"];
        let [listeners, advertised, map] = keys.map(|key| self.text(key));
        // What is wrong with them is told elsewhere.
        let parsed = listeners::parse(listeners, advertised, map).unwrap_or_default();
        let is_here = |host: &str| matches!(host, "" | "localhost" | "127.0.0.1" | "::1");
        parsed.iter().filter(|one| is_controllers(&one.name)).any(|one| {
            let is_bound = one.port == PortRule::Exactly(*port)
                && (one.host == *host || (is_here(&one.host) && is_here(host)));
            is_bound || one.advertised.as_ref().is_some_and(|told| told == &(host.clone(), *port))
        })
    }

    fn roles(&self) -> Result<Roles, ConfigError> {
        let text = self.text("process.roles").unwrap_or("broker,controller");
        let mut roles = Roles { broker: false, controller: false };
        for role in text.split(',').map(str::trim).filter(|role| !role.is_empty()) {
            match role {
                "broker" => roles.broker = true,
                "controller" => roles.controller = true,
                _ => return Err(self.wrong("process.roles", "must be broker, controller or both".to_owned())),
            }
        }
        if !roles.broker && !roles.controller {
            return Err(self.wrong("process.roles", "must be broker, controller or both".to_owned()));
        }
        Ok(roles)
    }

    /// `1@host:9093,2@host:9093`.
    fn voters(&self) -> Result<Vec<Peer>, ConfigError> {
        let key = "controller.quorum.voters";
        let entries = self.text(key).unwrap_or_default().split(',').map(str::trim);
        let read = |entry: &str| {
            let (id, address) = entry.split_once('@')?;
            let (host, port) = address_of(address)?;
            Some(Peer { id: id.parse().ok().filter(|id| *id >= 0)?, host, port })
        };
        let wrong = |entry: &str| self.wrong(key, format!("'{entry}' is not id@host:port"));
        entries
            .filter(|entry| !entry.is_empty())
            .map(|entry| read(entry).ok_or_else(|| wrong(entry)))
            .collect()
    }

    /// `host:9093,host:9093`.
    fn bootstrap(&self) -> Result<Vec<(String, u16)>, ConfigError> {
        let key = "controller.quorum.bootstrap.servers";
        let entries = self.text(key).unwrap_or_default().split(',').map(str::trim);
        let wrong = |entry: &str| self.wrong(key, format!("'{entry}' is not host:port"));
        entries
            .filter(|entry| !entry.is_empty())
            .map(|entry| address_of(entry).ok_or_else(|| wrong(entry)))
            .collect()
    }
}

fn address_of(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() { None } else { Some((host.to_owned(), port.parse().ok()?)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Origin, Properties};

    fn quorum(pairs: &[(&str, &str)]) -> Result<QuorumConfig, String> {
        let mut properties = Properties::default();
        let listeners = ("listeners", "PLAINTEXT://:9092,C://:9093");
        let map = ("listener.security.protocol.map", "C:PLAINTEXT,PLAINTEXT:PLAINTEXT");
        let all = [("node.id", "1"), ("controller.listener.names", "C"), listeners, map];
        for (key, value) in all.iter().chain(pairs) {
            properties.set(*key, *value, Origin::CommandLine);
        }
        Config::new(properties).map(|config| config.quorum).map_err(|error| error.problem)
    }

    #[test]
    fn a_node_is_alone_only_if_it_is_told_of_nobody_else() {
        for (pairs, is_alone) in [
            (vec![], true),
            (vec![("controller.quorum.voters", "1@localhost:9093")], true),
            (vec![("controller.quorum.bootstrap.servers", "localhost:9093")], true),
            (vec![("controller.quorum.bootstrap.servers", "localhost:9094")], false),
            (vec![("controller.quorum.bootstrap.servers", "other:9093")], false),
            (vec![("controller.quorum.bootstrap.servers", "localhost:9093,other:9093")], false),
            (vec![("controller.quorum.voters", "2@localhost:9093")], false),
            (vec![("controller.quorum.voters", "1@a:9093,2@b:9093")], false),
        ] {
            assert_eq!(quorum(&pairs).unwrap().is_alone(), is_alone, "{pairs:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (key, value) in [
            ("controller.quorum.voters", "localhost:9093"),
            ("controller.quorum.bootstrap.servers", "localhost"),
            ("process.roles", "broker"),
            ("process.roles", "king"),
        ] {
            assert!(quorum(&[(key, value)]).is_err(), "{key}={value}");
        }
        let others = ("controller.quorum.voters", "1@a:9093,2@b:9093");
        assert!(quorum(&[others, ("controller.listener.names", "NONE")]).is_err());
    }
}
