//! A network of its own for each node, as far as they must be parted: namespaces on one bridge, where the clients are. Needs root.
//!
//! ```text
//!   mkbench1        mkbench2        mkbench3        namespaces, each with eth0 = 10.214.0.N
//!      └──────┬────────┴───────┬───────┘            veth pairs
//!           bridge mkbench = 10.214.0.254           clients are here
//! ```

use std::fs::File;
use std::process::Command;

use super::nodes::NODES;

const BRIDGE: &str = "mkbench";
/// The clients' address.
const CLIENTS: &str = "10.214.0.254";
/// Names and addresses are the machine's: one run at a time.
const LOCK: &str = "/run/mekong-bench.lock";

/// How a node is parted from the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Nothing gets through between it and the other nodes, in either direction; clients reach it.
    Whole,
    /// As whole, and what it sends to clients is lost, too.
    Alone,
    /// What it sends to the other nodes is lost; it hears them, and clients hear it.
    OneWay,
}

/// The namespaces; removed when dropped.
#[derive(Debug)]
pub struct Network {
    _sole: File,
}

/// The address of a node.
pub fn address(id: i32) -> String {
    format!("10.214.0.{id}")
}

/// The namespace of a node.
pub fn namespace(id: i32) -> String {
    format!("{BRIDGE}{id}")
}

impl Network {
    /// Makes it, in place of what an earlier run left.
    pub fn make() -> Result<Self, String> {
        let lock = File::options().create(true).append(true).open(LOCK);
        let sole = lock.map_err(|error| format!("{LOCK}: {error}"))?;
        sole.try_lock().map_err(|error| format!("{LOCK}: {error}"))?;
        remove();
        let network = Self { _sole: sole };
        ip(&format!("link add {BRIDGE} type bridge"))?;
        ip(&format!("addr add {CLIENTS}/24 dev {BRIDGE}"))?;
        ip(&format!("link set {BRIDGE} up"))?;
        for id in 1..=NODES {
            let (space, outside) = (namespace(id), format!("mkbe{id}"));
            ip(&format!("netns add {space}"))?;
            ip(&format!("link add {outside} type veth peer name eth0 netns {space}"))?;
            ip(&format!("link set {outside} master {BRIDGE} up"))?;
            ip(&format!("-n {space} addr add {}/24 dev eth0", address(id)))?;
            ip(&format!("-n {space} link set eth0 up"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        Ok(network)
    }

    /// Parts a node from the others.
    pub fn cut(&self, id: i32, how: Cut) -> Result<(), String> {
        for other in (1..=NODES).filter(|other| *other != id) {
            block(id, &address(other))?;
            if how != Cut::OneWay {
                block(other, &address(id))?;
            }
        }
        if how == Cut::Alone { block(id, CLIENTS) } else { Ok(()) }
    }

    /// Everything gets through again.
    pub fn heal(&self) {
        let all = || (1..=NODES).map(address).chain([CLIENTS.to_owned()]);
        for id in 1..=NODES {
            for to in all() {
                ip(&format!("-n {} route del blackhole {to}/32", namespace(id))).ok();
            }
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        remove();
    }
}

fn block(from: i32, to: &str) -> Result<(), String> {
    ip(&format!("-n {} route replace blackhole {to}/32", namespace(from)))
}

fn remove() {
    for id in 1..=NODES {
        ip(&format!("netns del {}", namespace(id))).ok();
        ip(&format!("link del mkbe{id}")).ok();
    }
    ip(&format!("link del {BRIDGE}")).ok();
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
