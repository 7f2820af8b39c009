//! The faults, struck one after the other until the time is over; then everything is healed.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::cluster::Cluster;
use crate::drivers::now;
use crate::network::{BROKERS, Network};
use crate::own;
use crate::plan::Fault;

/// When a fault began and ended, in nanoseconds of the monotonic clock.
pub type Span = (u64, u64);

/// How long the cluster is left alone before the first fault and between two.
const CALM: Duration = Duration::from_secs(4);

/// Strikes until `until`; when each fault began and ended.
pub fn strike(fault: Fault, cluster: &mut Cluster, network: &Network, until: Instant) -> Outcome<Vec<Span>> {
    let mut spans = Vec::new();
    let mut round = 0;
    loop {
        sleep_until(until.min(Instant::now() + CALM));
        if Instant::now() >= until {
            return Ok(spans);
        }
        if fault != Fault::None {
            let began = now();
            once(fault, round, cluster, network)?;
            network.heal();
            cluster.heal()?;
            spans.push((began, now()));
        }
        round += 1;
    }
}

fn sleep_until(until: Instant) {
    std::thread::sleep(until.saturating_duration_since(Instant::now()));
}

fn seconds(count: u64) {
    std::thread::sleep(Duration::from_secs(count));
}

fn once(fault: Fault, round: usize, cluster: &mut Cluster, network: &Network) -> Outcome {
    let some = round % BROKERS + 1;
    let next = some % BROKERS + 1;
    let third = next % BROKERS + 1;
    let leader = || own::leader().unwrap_or(some);
    match fault {
        Fault::None => {}
        Fault::KillLeader => {
            cluster.kill(leader());
            seconds(5);
        }
        Fault::KillAny => {
            cluster.kill(some);
            seconds(2);
        }
        Fault::KillAll => {
            (1..=BROKERS).for_each(|broker| cluster.kill(broker));
            seconds(1);
        }
        Fault::PauseLeader => {
            cluster.pause(leader());
            seconds(12);
        }
        Fault::Rolling => {
            for broker in 1..=BROKERS {
                cluster.stop(broker);
                cluster.launch(broker)?;
                cluster.wait_ready(broker)?;
                seconds(2);
            }
        }
        Fault::Isolate => {
            let alone = leader();
            (1..=BROKERS).filter(|other| *other != alone).try_for_each(|other| network.part(alone, other))?;
            seconds(12);
        }
        Fault::OneWay => {
            let dumb = leader();
            (1..=BROKERS).filter(|other| *other != dumb).try_for_each(|other| network.block(dumb, other))?;
            seconds(12);
        }
        Fault::Ring => {
            for (from, to) in [(some, third), (next, some), (third, next)] {
                network.block(from, to)?;
            }
            seconds(12);
        }
        Fault::Bridge => {
            network.part(some, next)?;
            seconds(12);
        }
        Fault::SlowLink => {
            network.slow(some)?;
            seconds(10);
        }
        Fault::FullDisk => {
            cluster.fill(some);
            seconds(8);
        }
    }
    Ok(())
}
