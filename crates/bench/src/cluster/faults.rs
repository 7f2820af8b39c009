//! How long acknowledged writes pause when the leader of a partition, which leads the quorum too, dies, stands still or goes.

use std::time::{Duration, Instant};

use records::Compression;
use wire::messages::metadata::MetadataRequest;

use super::admin::{PATIENCE, partitions_at, wait_until};
use super::network::{Cut, Network};
use super::nodes::{Cluster, NODES};
use super::producer::{Producer, now_ms};
use super::report::Measured;
use crate::connection::Connection;
use crate::load;
use crate::settings::Settings;
use crate::subject::Kind;

/// The topic written to: one partition on all nodes.
const TOPIC: &str = "gap";
/// Of what a client has that retries as by default; the tool itself turns retries off.
const RETRIES: &str = "retries=2147483647";
/// How long the flow must be watched after what dies at once, and after what takes its time.
const AT_ONCE: Duration = Duration::from_secs(3);
const IN_ORDER: Duration = Duration::from_secs(6);
/// How long a fresh client waits for one answer.
const ONE_ANSWER: Duration = Duration::from_secs(1);

/// A cluster with everything in place, and a client that writes.
struct Scene {
    cluster: Cluster,
    producer: Producer,
    settings: Settings,
}

impl Scene {
    fn set(kind: Kind, settings: &Settings, config: &[&str]) -> Result<Self, String> {
        Self::set_on(Cluster::prepare(kind, "faults", settings)?, settings, config)
    }

    fn set_on(mut cluster: Cluster, settings: &Settings, config: &[&str]) -> Result<Self, String> {
        cluster.launch_all()?;
        cluster.create(TOPIC, &[(1..=NODES).collect()], &[])?;
        cluster.wait_whole(TOPIC, None)?;
        let producer = Producer::start(&cluster, settings, TOPIC, config)?;
        Ok(Self { cluster, producer, settings: settings.clone() })
    }

    /// Lets the quorum's leader lead the partition, too, and the client settle.
    fn lead(&self) -> Result<i32, String> {
        let mut leader = -1;
        wait_until("the quorum has a leader", || {
            leader = self.cluster.quorum()?.0;
            Ok(leader >= 0)
        })?;
        self.cluster.lead(TOPIC, leader)?;
        self.producer.gap_since(now_ms(), AT_ONCE)?;
        Ok(leader)
    }

    fn clear(self) {
        drop(self.producer);
        self.cluster.clear();
    }
}

/// kill -9 of the leader; the client does not retry.
pub fn kill(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let mut scene = Scene::set(kind, settings, &[])?;
    let mut gaps = Measured::of("kill");
    for _ in 0..runs {
        let leader = scene.lead()?;
        let at = now_ms();
        scene.cluster.kill(leader)?;
        gaps.add(scene.producer.gap_since(at, AT_ONCE)?);
        scene.cluster.launch(leader)?;
    }
    scene.clear();
    Ok(vec![gaps])
}

/// The client that gives an answer a second.
const IMPATIENT: &[&str] = &["request.timeout.ms=1000", "delivery.timeout.ms=10000"];

/// SIGSTOP of the leader, with a client that waits a second for an answer, and a fresh one that knows the other nodes.
pub fn pause(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let scene = Scene::set(kind, settings, IMPATIENT)?;
    without_leader(scene, runs, ["pause", "pause-fresh"], Cluster::pause, Cluster::resume)
}

/// The same with the leader parted from the other nodes.
pub fn cut(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    parted(settings, kind, runs, Cut::Whole, ["cut", "cut-fresh"])
}

/// The same with what the leader sends to the other nodes lost.
pub fn one_way(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    parted(settings, kind, runs, Cut::OneWay, ["one-way", "one-way-fresh"])
}

/// The same with the leader parted from clients, too: a tenth of the runs.
pub fn alone(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    parted(settings, kind, runs.div_ceil(10), Cut::Alone, ["alone", "alone-fresh"])
}

fn parted(
    settings: &Settings,
    kind: Kind,
    runs: usize,
    how: Cut,
    keys: [&'static str; 2],
) -> Result<Vec<Measured>, String> {
    let cluster = Cluster::prepare_in(Some(Network::make()?), kind, "parted", settings)?;
    let scene = Scene::set_on(cluster, settings, IMPATIENT)?;
    let cut = |cluster: &mut Cluster, leader| cluster.cut(leader, how);
    without_leader(scene, runs, keys, cut, Cluster::heal)
}

/// The gaps of both clients while the leader is away.
fn without_leader(
    mut scene: Scene,
    runs: usize,
    [gaps, fresh]: [&'static str; 2],
    leave: impl Fn(&mut Cluster, i32) -> Result<(), String>,
    back: impl Fn(&mut Cluster, i32) -> Result<(), String>,
) -> Result<Vec<Measured>, String> {
    let (mut gaps, mut fresh) = (Measured::of(gaps), Measured::of(fresh));
    for _ in 0..runs {
        let leader = scene.lead()?;
        let (at, began) = (now_ms(), Instant::now());
        leave(&mut scene.cluster, leader)?;
        let others = scene.cluster.reachable();
        let client = std::thread::spawn(move || fresh_client(&others, TOPIC, leader, began));
        gaps.add(scene.producer.gap_since(at, AT_ONCE)?);
        fresh.values.push(client.join().map_err(|_| "the fresh client died".to_owned())??);
        back(&mut scene.cluster, leader)?;
    }
    scene.clear();
    Ok(vec![gaps, fresh])
}

/// SIGSTOP of the leader, with the tool's client as it comes: a tenth of the runs, each of which may take a minute.
pub fn pause_default(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let mut scene = Scene::set(kind, settings, &[])?;
    let mut gaps = Measured::of("pause-default");
    for _ in 0..runs.div_ceil(10) {
        let leader = scene.lead()?;
        let at = now_ms();
        scene.cluster.pause(leader)?;
        gaps.add(scene.producer.gap_since(at, AT_ONCE)?);
        scene.cluster.resume(leader)?;
    }
    scene.clear();
    Ok(vec![gaps])
}

/// Milliseconds from `began` until a client that knows nothing but these nodes has a record acknowledged; `paused` leads no more.
pub fn fresh_client(nodes: &[String], topic: &str, paused: i32, began: Instant) -> Result<f64, String> {
    let frame = load::produce_frame(topic, 0, -1, load::batch(1, 100, Compression::None, 7))?;
    while began.elapsed() < PATIENCE {
        for address in nodes {
            if fresh_write(address, topic, paused, &frame).unwrap_or(false) {
                return Ok(began.elapsed().as_secs_f64() * 1e3);
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err("a fresh client had nothing acknowledged".into())
}

fn fresh_write(address: &str, topic: &str, paused: i32, frame: &[u8]) -> Result<bool, String> {
    let partitions = partitions_at(address, &[topic])?;
    let leader = partitions.first().map_or(-1, |partition| partition.leader_id);
    if leader < 0 || leader == paused {
        return Ok(false);
    }
    let request = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
    let all = Connection::open_within(address, ONE_ANSWER)?.ask(9, &request)?;
    let node = all.brokers.iter().find(|broker| broker.node_id == leader).ok_or("an unknown leader")?;
    load::is_acknowledged(&format!("{}:{}", &*node.host, node.port), ONE_ANSWER, frame)
}

/// SIGTERM of the leader; the client retries as by default.
pub fn shutdown(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let mut scene = Scene::set(kind, settings, &[RETRIES])?;
    let mut gaps = Measured::of("shutdown");
    for _ in 0..runs {
        let leader = scene.lead()?;
        let at = now_ms();
        scene.cluster.stop(leader)?;
        gaps.add(scene.producer.gap_since(at, IN_ORDER)?);
        scene.cluster.launch(leader)?;
    }
    scene.clear();
    Ok(vec![gaps])
}

/// A preferred election of another leader; the client retries as by default.
pub fn elect(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let scene = Scene::set(kind, settings, &[RETRIES])?;
    let mut gaps = Measured::of("elect");
    for run in 0..runs {
        let leader = scene.lead()?;
        let next = (leader + i32::from(run % 2 == 1)) % NODES + 1;
        scene.cluster.prefer(TOPIC, next)?;
        let at = now_ms();
        scene.cluster.elect(TOPIC)?;
        gaps.add(scene.producer.gap_since(at, AT_ONCE)?);
        scene.cluster.wait_whole(TOPIC, Some(next))?;
    }
    scene.clear();
    Ok(vec![gaps])
}

/// A partition of two replicas moves by one node, so that its leader leaves; the client retries as by default.
pub fn reassign(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let mut scene = Scene::set(kind, settings, &[RETRIES])?;
    let topic = "moved";
    scene.cluster.create(topic, &[vec![1, 2]], &[("min.insync.replicas", "1")])?;
    scene.cluster.wait_whole(topic, Some(1))?;
    scene.producer = Producer::start(&scene.cluster, &scene.settings, topic, &[RETRIES])?;
    let mut gaps = Measured::of("reassign");
    for run in 0..i32::try_from(runs).unwrap_or(i32::MAX) {
        let (next, last) = ((run + 1) % NODES + 1, (run + 2) % NODES + 1);
        let at = now_ms();
        scene.cluster.reassign(topic, &[next, last])?;
        wait_until("the partition has moved", || {
            let told = partitions_at(&scene.cluster.address(next)?, &[topic])?;
            let is_there = |replicas: &[i32]| replicas == [next, last];
            Ok(told.iter().all(|one| is_there(&one.replica_nodes) && one.leader_id == next))
        })?;
        gaps.add(scene.producer.gap_since(at, AT_ONCE)?);
        scene.cluster.wait_whole(topic, Some(next))?;
    }
    scene.clear();
    Ok(vec![gaps])
}
