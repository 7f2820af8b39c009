//! Which brokers there are, with which ports, and the property files they are started with.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};

/// The first brokers are the quorum: as many as this, if there are that many.
const VOTERS_MAX: usize = 3;

/// Controllers' ports begin this far above the brokers'.
const CONTROLLER_PORTS: u16 = 10_000;

/// Where schema registries listen from.
const REGISTRY_PORT: u16 = 8081;

/// One broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its node.id.
    pub id: i32,
    /// Its port for clients.
    pub port: u16,
    /// Its port for controllers.
    pub controller: u16,
    /// Whether it votes from the start; the others watch the quorum.
    pub votes: bool,
    /// Its schema registry's port.
    pub registry: u16,
}

/// The cluster in one folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The folder.
    pub dir: PathBuf,
    /// The brokers, by id.
    pub places: Vec<Place>,
}

impl Plan {
    /// The cluster that the folder holds, or a new one of `brokers` brokers.
    pub fn load_or_make(dir: &Path, brokers: i32, port: u16) -> Outcome<Self> {
        fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let path = dir.join("dev.json");
        if path.exists() {
            return Self::load(&dir, &path);
        }
        let mut plan = Self { dir, places: Vec::new() };
        let mut taken = BTreeSet::new();
        for id in 1..=brokers {
            let votes = plan.places.len() < VOTERS_MAX;
            plan.places.push(place(id, port, votes, &mut taken)?);
        }
        plan.save()?;
        Ok(plan)
    }

    fn load(dir: &Path, path: &Path) -> Outcome<Self> {
        let broken = || {
            Failure::new(format!("{} is not a cluster's plan", path.display()))
                .advise("Remove the folder, or name another by --dir.")
        };
        let value: Value = serde_json::from_slice(&fs::read(path)?).map_err(|_| broken())?;
        let places = value.get("brokers").and_then(Value::as_array).ok_or_else(broken)?;
        let places: Option<Vec<Place>> = places.iter().map(from_json).collect();
        Ok(Self { dir: dir.to_owned(), places: places.ok_or_else(broken)? })
    }

    /// One broker more, without a vote.
    pub fn add(&mut self) -> Outcome<Place> {
        let mut taken = self.places.iter().flat_map(|one| [one.port, one.controller, one.registry]).collect();
        let id = self.places.iter().map(|one| one.id).max().unwrap_or(0) + 1;
        let first = self.places.first().map_or(9092, |one| one.port);
        let place = place(id, first, false, &mut taken)?;
        self.places.push(place.clone());
        self.save()?;
        Ok(place)
    }

    fn save(&self) -> Outcome {
        let brokers: Vec<Value> = self.places.iter().map(as_json).collect();
        for place in &self.places {
            let path = self.properties_path(place);
            if !path.exists() {
                fs::create_dir_all(self.folder(place))?;
                fs::write(path, self.properties(place))?;
            }
        }
        let text =
            serde_json::to_vec_pretty(&json!({ "version": 1, "brokers": brokers })).unwrap_or_default();
        let new = self.dir.join("dev.json.new");
        fs::write(&new, text)?;
        Ok(fs::rename(new, self.dir.join("dev.json"))?)
    }

    /// The folder of a broker.
    pub fn folder(&self, place: &Place) -> PathBuf {
        self.dir.join(place.id.to_string())
    }

    /// The properties that a broker is started with.
    pub fn properties_path(&self, place: &Place) -> PathBuf {
        self.folder(place).join("server.properties")
    }

    /// The addresses that clients begin with.
    pub fn bootstrap(&self) -> String {
        let addresses: Vec<_> = self.places.iter().map(|place| format!("127.0.0.1:{}", place.port)).collect();
        addresses.join(",")
    }

    /// What a broker is started with: replicas on three brokers where there are three, two of which must have a record.
    fn properties(&self, place: &Place) -> String {
        let replicas = self.places.len().min(3);
        let listeners =
            format!("PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{}", place.port, place.controller);
        let data = self.folder(place).join("data");
        let mut text = String::from("# Written once by `mekong dev`; edit at will.\n");
        for (key, value) in [
            ("process.roles", "broker,controller".to_owned()),
            ("node.id", place.id.to_string()),
            ("listeners", listeners),
            ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned()),
            ("controller.listener.names", "CONTROLLER".to_owned()),
            self.quorum(place),
            ("log.dirs", data.display().to_string()),
            ("default.replication.factor", replicas.to_string()),
            ("min.insync.replicas", replicas.saturating_sub(1).max(1).to_string()),
            ("offsets.topic.replication.factor", replicas.to_string()),
            ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ] {
            let _ = writeln!(text, "{key}={value}");
        }
        text
    }

    /// Voters name each other; the others only know whom to ask.
    fn quorum(&self, place: &Place) -> (&'static str, String) {
        let voters = self.places.iter().filter(|one| one.votes);
        if place.votes {
            let named: Vec<_> =
                voters.map(|one| format!("{}@127.0.0.1:{}", one.id, one.controller)).collect();
            return ("controller.quorum.voters", named.join(","));
        }
        let asked: Vec<_> = voters.map(|one| format!("127.0.0.1:{}", one.controller)).collect();
        ("controller.quorum.bootstrap.servers", asked.join(","))
    }
}

fn place(id: i32, port: u16, votes: bool, taken: &mut BTreeSet<u16>) -> Outcome<Place> {
    let controllers = port.checked_add(CONTROLLER_PORTS).unwrap_or(REGISTRY_PORT + CONTROLLER_PORTS);
    Ok(Place {
        id,
        port: free_port(port, taken)?,
        controller: free_port(controllers, taken)?,
        votes,
        registry: free_port(REGISTRY_PORT, taken)?,
    })
}

/// The next free port from `first` on. Another process may take it before the broker does; the broker then says so.
fn free_port(first: u16, taken: &mut BTreeSet<u16>) -> Outcome<u16> {
    let mut ports = first..=u16::MAX;
    let free = ports.find(|port| !taken.contains(port) && TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let free = free.ok_or_else(|| Failure::new(format!("no port is free from {first} on")))?;
    taken.insert(free);
    Ok(free)
}

fn as_json(place: &Place) -> Value {
    json!({ "id": place.id, "port": place.port, "controller_port": place.controller, "votes": place.votes, "registry_port": place.registry })
}

fn from_json(value: &Value) -> Option<Place> {
    let port = |name: &str| value.get(name).and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let id = value.get("id").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok())?;
    Some(Place {
        id,
        port: port("port")?,
        controller: port("controller_port")?,
        votes: value.get("votes").and_then(Value::as_bool)?,
        registry: port("registry_port")?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("mekong-dev-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_plan_is_kept_and_grows_by_brokers_without_a_vote() {
        let dir = folder("kept");
        let mut plan = Plan::load_or_make(&dir, 3, 29_092).unwrap();
        let properties = fs::read_to_string(plan.properties_path(&plan.places[1])).unwrap();
        for expected in [
            "process.roles=broker,controller",
            "node.id=2",
            "default.replication.factor=3",
            "min.insync.replicas=2",
        ] {
            assert!(properties.lines().any(|line| line == expected), "{expected} in {properties}");
        }
        assert_eq!(Plan::load_or_make(&dir, 5, 1).unwrap(), plan, "the number of brokers is the folder's");
        let added = plan.add().unwrap();
        assert_eq!((added.id, added.votes), (4, false));
        let properties = fs::read_to_string(plan.properties_path(&added)).unwrap();
        assert!(properties.contains("controller.quorum.bootstrap.servers=127.0.0.1:"), "{properties}");
        assert_eq!(Plan::load_or_make(&dir, 3, 1).unwrap(), plan);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn at_most_three_vote_and_any_number_takes_more() {
        for (brokers, voters) in [(1, 1), (2, 2), (3, 3), (5, 3)] {
            let dir = folder(&format!("voters-{brokers}"));
            let mut plan = Plan::load_or_make(&dir, brokers, 29_192).unwrap();
            assert_eq!(plan.places.iter().filter(|place| place.votes).count(), voters);
            assert!(!plan.add().unwrap().votes, "also a broker that was the only one takes others");
            fs::remove_dir_all(dir).unwrap();
        }
    }

    #[test]
    fn a_folder_of_something_else_is_refused() {
        let dir = folder("else");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("dev.json"), "{}").unwrap();
        assert!(Plan::load_or_make(&dir, 3, 1).unwrap_err().message().contains("not a cluster's plan"));
        fs::remove_dir_all(dir).unwrap();
    }
}
