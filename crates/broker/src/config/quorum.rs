//! `process.roles`, `controller.quorum.*`: which part a node has in the cluster, and who the others are.
//!
//! A node that is told of nobody is alone: it founds a cluster and is its own majority. One that is told of itself, and has a listener for
//! controllers, is a quorum of one, which others may join.

use std::time::Duration;

use net::PortRule;
use quorum::Peer;

use super::{ConfigError, ListenerConfig, Reader, listeners};

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
    /// Whether the node is a cluster by itself, and its own majority.
    pub is_alone: bool,
    /// `controller.quorum.voters`.
    pub voters: Vec<Peer>,
    /// `controller.quorum.bootstrap.servers`, where there are no voters: hosts and ports.
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

/// Who the other nodes are.
struct Others {
    is_alone: bool,
    voters: Vec<Peer>,
    bootstrap: Vec<(String, u16)>,
}

impl QuorumConfig {
    /// Whether the node is a cluster by itself.
    pub fn is_alone(&self) -> bool {
        self.is_alone
    }
}

impl Reader<'_> {
    pub(super) fn quorum(&self, node_id: i32) -> Result<QuorumConfig, ConfigError> {
        let roles = self.roles()?;
        let Others { is_alone, voters, bootstrap } = self.others(node_id, roles)?;
        let (session, heartbeat) = match is_alone {
            true => (9000, 2000),
            false => (SESSION_MS, HEARTBEAT_MS),
        };
        let milliseconds = |key, default| self.number(key, 1..=u64::from(u32::MAX), default);
        let config = QuorumConfig {
            roles,
            is_alone,
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
        Ok(config)
    }

    /// Who the other nodes are, as far as the file says.
    fn others(&self, node_id: i32, roles: Roles) -> Result<Others, ConfigError> {
        let voters = self.voters()?;
        let bootstrap = if voters.is_empty() { self.bootstrap()? } else { Vec::new() };
        self.check_roles(node_id, roles, &voters, &bootstrap)?;
        let names_others = voters.iter().any(|voter| voter.id != node_id)
            || bootstrap.iter().any(|server| !self.is_own(server));
        if names_others || !roles.controller {
            return Ok(Others { is_alone: false, voters, bootstrap });
        }
        let says_nothing = voters.is_empty() && bootstrap.is_empty();
        if roles.broker && (says_nothing || self.controllers_listeners().is_empty()) {
            return Ok(Others { is_alone: true, voters: Vec::new(), bootstrap: Vec::new() });
        }
        // The only controller, so far, as in Kafka's own file for one node: a quorum of one, which others may join.
        let own = bootstrap.into_iter().next().map(|(host, port)| Peer { id: node_id, host, port });
        Ok(Others { is_alone: false, voters: voters.into_iter().chain(own).collect(), bootstrap: Vec::new() })
    }

    /// Refuses what Kafka refuses.
    fn check_roles(
        &self,
        node_id: i32,
        roles: Roles,
        voters: &[Peer],
        bootstrap: &[(String, u16)],
    ) -> Result<(), ConfigError> {
        let is_combined = roles.broker && roles.controller;
        if !is_combined && voters.is_empty() && bootstrap.is_empty() {
            let problem = "a node with one role needs controller.quorum.bootstrap.servers with the set of bootstrap controllers, or \
                controller.quorum.voters with a parseable set of controllers";
            return Err(self.wrong("process.roles", problem.to_owned()));
        }
        let ids: Vec<String> = voters.iter().map(|voter| voter.id.to_string()).collect();
        let votes = voters.iter().any(|voter| voter.id == node_id);
        let problem = match (roles.controller, votes) {
            (false, true) => {
                format!(
                    "process.roles contains just the broker role: the node id {node_id} must not be included in the set of voters {}",
                    ids.join(",")
                )
            }
            (true, false) if !voters.is_empty() => {
                format!(
                    "process.roles contains the controller role: the node id {node_id} must be included in the set of voters {}",
                    ids.join(",")
                )
            }
            _ => return Ok(()),
        };
        Err(self.wrong("controller.quorum.voters", problem))
    }

    /// Whether an address is that of this node's own controller listener.
    fn is_own(&self, (host, port): &(String, u16)) -> bool {
        let is_here = |host: &str| matches!(host, "" | "localhost" | "127.0.0.1" | "::1");
        self.controllers_listeners().iter().any(|one| {
            let is_bound = one.port == PortRule::Exactly(*port)
                && (one.host == *host || (is_here(&one.host) && is_here(host)));
            is_bound || one.advertised.as_ref().is_some_and(|told| told == &(host.clone(), *port))
        })
    }

    /// Those of `listeners` that `controller.listener.names` names.
    fn controllers_listeners(&self) -> Vec<ListenerConfig> {
        let names = self.text("controller.listener.names").unwrap_or_default();
        let is_controllers = |name: &str| names.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
        let keys = ["listeners", "advertised.listeners", "listener.security.protocol.map"];
        let [listeners, advertised, map] = keys.map(|key| self.text(key));
        // What is wrong with them is told elsewhere.
        let parsed = listeners::parse(listeners, advertised, map).unwrap_or_default();
        parsed.into_iter().filter(|one| is_controllers(&one.name)).collect()
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
            (vec![("controller.quorum.voters", "1@localhost:9093")], false),
            (vec![("controller.quorum.bootstrap.servers", "localhost:9093")], false),
            (vec![("controller.quorum.voters", "1@localhost:9093"), ("controller.listener.names", "")], true),
            (vec![("controller.quorum.bootstrap.servers", "localhost:9094")], false),
            (vec![("controller.quorum.bootstrap.servers", "other:9093")], false),
            (vec![("controller.quorum.bootstrap.servers", "localhost:9093,other:9093")], false),
            (vec![("controller.quorum.voters", "1@a:9093,2@b:9093")], false),
        ] {
            assert_eq!(quorum(&pairs).unwrap().is_alone(), is_alone, "{pairs:?}");
        }
    }

    #[test]
    fn times_of_the_quorum_are_as_they_are_set() {
        let quorum = quorum(&[
            ("controller.quorum.voters", "1@a:9093,2@b:9093"),
            ("controller.quorum.election.timeout.ms", "1111"),
            ("broker.heartbeat.interval.ms", "222"),
            ("broker.session.timeout.ms", "3333"),
            ("initial.broker.registration.timeout.ms", "4444"),
        ])
        .unwrap();
        assert_eq!((quorum.election_ms, quorum.session_ms), (1111, 3333));
        assert_eq!(quorum.heartbeat_interval, Duration::from_millis(222));
        assert_eq!(quorum.registration_timeout, Duration::from_millis(4444));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (key, value) in [
            ("controller.quorum.voters", "localhost:9093"),
            ("controller.quorum.voters", "2@localhost:9093"),
            ("controller.quorum.bootstrap.servers", "localhost"),
            ("process.roles", "king"),
        ] {
            assert!(quorum(&[(key, value)]).is_err(), "{key}={value}");
        }
        let others = ("controller.quorum.voters", "1@a:9093,2@b:9093");
        assert!(quorum(&[others, ("controller.listener.names", "NONE")]).is_err());
    }

    #[test]
    fn a_node_may_have_one_role_only() {
        let map = ("listener.security.protocol.map", "C:PLAINTEXT,PLAINTEXT:PLAINTEXT");
        let roles = |role: &'static str| ("process.roles", role);
        let (broker, controller) = (("listeners", "PLAINTEXT://:9092"), ("listeners", "C://:9093"));
        let voters = |ids: &'static str| ("controller.quorum.voters", ids);
        let servers = ("controller.quorum.bootstrap.servers", "localhost:9093");
        for (pairs, expected) in [
            (vec![roles("broker"), broker, voters("2@a:9093,3@b:9093")], Ok(2)),
            (vec![roles("broker"), broker, servers], Ok(0)),
            (vec![roles("controller"), controller, voters("1@localhost:9093")], Ok(1)),
            (vec![roles("controller"), controller, voters("1@a:9093,2@b:9093")], Ok(2)),
            (vec![roles("controller"), controller, servers], Ok(1)),
            (
                vec![roles("broker"), broker],
                Err("a node with one role needs controller.quorum.bootstrap.servers"),
            ),
            (
                vec![roles("controller"), controller],
                Err("a node with one role needs controller.quorum.bootstrap.servers"),
            ),
            (
                vec![roles("broker"), broker, voters("1@a:9093")],
                Err("the node id 1 must not be included in the set of voters 1"),
            ),
            (
                vec![roles("controller"), controller, voters("2@a:9093")],
                Err("the node id 1 must be included in the set of voters 2"),
            ),
            (vec![roles("broker"), servers], Err("must not contain a listener of controller.listener.names")),
            (
                vec![roles("controller"), servers],
                Err("must only contain listeners of controller.listener.names"),
            ),
            (
                vec![roles("broker"), broker, servers, ("controller.listener.names", "")],
                Err("must contain at least one value"),
            ),
        ] {
            let all: Vec<_> = [map].into_iter().chain(pairs.clone()).collect();
            let found = quorum(&all).map(|config| (config.is_alone(), config.voters.len()));
            match expected {
                Ok(count) => assert_eq!(found, Ok((false, count)), "{pairs:?}"),
                Err(said) => assert!(
                    found.clone().is_err_and(|problem| problem.contains(said)),
                    "{pairs:?}: {found:?}"
                ),
            }
        }
    }
}
