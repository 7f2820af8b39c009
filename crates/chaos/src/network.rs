//! The brokers' network: a namespace for each, a bridge between them, and what is done to it.
//!
//! ```text
//!   mkchaos1        mkchaos2        mkchaos3        namespaces, each with eth0 = 10.213.0.N
//!      └──────┬────────┴───────┬───────┘            veth pairs
//!           bridge mkchaos = 10.213.0.254           clients are here
//! ```
//!
//! What one broker sends to another is dropped by a blackhole route to that one address: both ways for a partition, one for a one-way
//! partition. A slow link is a token bucket, whose queue delays and, when full, drops. Where the kernel has netem it also delays, loses and
//! doubles packets; without it that part is left out.

use std::process::Command;

use crate::Outcome;

/// How many brokers.
pub const BROKERS: usize = 3;
const BRIDGE: &str = "mkchaos";

/// Held by the one series of runs that may go on: namespaces and addresses are the machine's, so a second series would take the first
/// one's network away under its brokers.
const LOCK: &str = "/run/mekong-chaos.lock";

/// The right to be the machine's only series; the kernel takes it back when the process ends, however it ends.
pub struct Sole {
    _file: std::fs::File,
}

impl Sole {
    /// Refuses while another series runs.
    pub fn take() -> Outcome<Self> {
        Self::take_at(std::path::Path::new(LOCK))
    }

    fn take_at(path: &std::path::Path) -> Outcome<Self> {
        let named = |error: std::io::Error| format!("{}: {error}", path.display());
        let file = std::fs::File::options().create(true).append(true).open(path).map_err(named)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(format!(
                "another chaos run is under way on this machine: both would use the namespaces mkchaos1 to {BROKERS} (lock: {})",
                path.display()
            )),
            Err(std::fs::TryLockError::Error(error)) => Err(named(error)),
        }
    }
}

/// The namespaces; removed when dropped.
pub struct Network;

/// The namespace of a broker.
pub fn namespace(broker: usize) -> String {
    format!("mkchaos{broker}")
}

/// The address of a broker.
pub fn address(broker: usize) -> String {
    format!("10.213.0.{broker}")
}

/// Where clients begin.
pub fn bootstrap() -> String {
    let all: Vec<_> = (1..=BROKERS).map(|broker| format!("{}:9092", address(broker))).collect();
    all.join(",")
}

impl Network {
    /// Makes it, in place of what an earlier run left.
    pub fn make() -> Outcome<Self> {
        remove();
        let network = Self;
        ip(&format!("link add {BRIDGE} type bridge"))?;
        ip(&format!("addr add 10.213.0.254/24 dev {BRIDGE}"))?;
        ip(&format!("link set {BRIDGE} up"))?;
        for broker in 1..=BROKERS {
            let (space, outside) = (namespace(broker), format!("mkch{broker}"));
            ip(&format!("netns add {space}"))?;
            ip(&format!("link add {outside} type veth peer name eth0 netns {space}"))?;
            ip(&format!("link set {outside} master {BRIDGE} up"))?;
            ip(&format!("-n {space} addr add {}/24 dev eth0", address(broker)))?;
            ip(&format!("-n {space} link set eth0 up"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        Ok(network)
    }

    /// Nothing that `from` sends reaches `to`.
    pub fn block(&self, from: usize, to: usize) -> Outcome {
        ip(&format!("-n {} route replace blackhole {}/32", namespace(from), address(to)))
    }

    /// Nothing gets through between the two.
    pub fn part(&self, one: usize, other: usize) -> Outcome {
        self.block(one, other)?;
        self.block(other, one)
    }

    /// A broker's link delays, loses and doubles, as far as the kernel can.
    pub fn slow(&self, broker: usize) -> Outcome {
        let space = namespace(broker);
        tc(&format!("-n {space} qdisc replace dev eth0 root netem delay 80ms 40ms loss 5% duplicate 5%"))
            .or_else(|_| {
                tc(&format!(
                    "-n {space} qdisc replace dev eth0 root tbf rate 400kbit burst 4kb latency 400ms"
                ))
            })
    }

    /// Everything gets through again.
    pub fn heal(&self) {
        for broker in 1..=BROKERS {
            let space = namespace(broker);
            for other in (1..=BROKERS).filter(|other| *other != broker) {
                let _ = ip(&format!("-n {space} route del blackhole {}/32", address(other)));
            }
            let _ = tc(&format!("-n {space} qdisc del dev eth0 root"));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        remove();
    }
}

fn remove() {
    for broker in 1..=BROKERS {
        let _ = ip(&format!("netns del {}", namespace(broker)));
        let _ = ip(&format!("link del mkch{broker}"));
    }
    let _ = ip(&format!("link del {BRIDGE}"));
}

fn ip(arguments: &str) -> Outcome {
    call("ip", arguments)
}

fn tc(arguments: &str) -> Outcome {
    call("tc", arguments)
}

fn call(program: &str, arguments: &str) -> Outcome {
    let output = Command::new(program).args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_series_is_refused_while_the_first_runs() {
        let path = std::env::temp_dir().join(format!("mekong-chaos-lock-{}", std::process::id()));
        let first = Sole::take_at(&path).unwrap();
        assert!(Sole::take_at(&path).is_err_and(|error| error.contains("another chaos run is under way")));
        drop(first);
        assert!(Sole::take_at(&path).is_ok());
        std::fs::remove_file(&path).unwrap();
    }
}
