//! From empty folders to the first record; many partitions: created, led by others after a death, whole again after a restart; and what a
//! change of one topic costs beside many.

use std::time::{Duration, Instant};

use base::Str;
use wire::ErrorCode;
use wire::messages::create_topics::CreatableTopic;
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::admin::{partitions_at, wait_until};
use super::faults::fresh_client;
use super::nodes::{Cluster, NODES};
use super::report::Measured;
use crate::connection::Connection;
use crate::settings::Settings;
use crate::subject::Kind;

/// Partitions are spread over so many topics.
const TOPICS: usize = 10;
/// Changes of one topic in a window.
const CHANGES: usize = 500;
/// How long the cluster is watched idle before them.
const IDLE: Duration = Duration::from_secs(2);

/// From the start commands on empty folders (Kafka's are formatted before) to the first record that all have.
pub fn start(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let mut times = Measured::of("start");
    for _ in 0..runs {
        let mut cluster = Cluster::prepare(kind, "start", settings)?;
        let started = Instant::now();
        cluster.launch_all()?;
        cluster.create("first", &[(1..=NODES).collect()], &[])?;
        let taken = fresh_client(&cluster.reachable(), "first", -1, started)?;
        times.values.push(taken / 1e3);
        cluster.clear();
    }
    Ok(vec![times])
}

/// What three nodes cost that do nothing, a while after their start.
pub fn idle(settings: &Settings, kind: Kind, _: usize) -> Result<Vec<Measured>, String> {
    let mut cluster = Cluster::prepare(kind, "idle", settings)?;
    cluster.launch_all()?;
    cluster.create("idle", &[(1..=NODES).collect()], &[])?;
    cluster.wait_whole("idle", None)?;
    std::thread::sleep(settings.window);
    let (cpu, began) = (cluster.cpu_seconds()?, Instant::now());
    std::thread::sleep(settings.window);
    let cpu = (cluster.cpu_seconds()? - cpu) * 1e3 / began.elapsed().as_secs_f64();
    let memory = cluster.resident_bytes()? as f64 / (1024.0 * 1024.0);
    cluster.clear();
    Ok(vec![Measured::one("idle-memory", memory), Measured::one("idle-cpu", cpu)])
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("many-{number}")).collect()
}

fn create(cluster: &Cluster, names: &[String], partitions: i32) -> Result<(), String> {
    for some in names.chunks(500) {
        let topic = |name: &String| CreatableTopic {
            name: Str::from(name.as_str()),
            num_partitions: partitions,
            replication_factor: 3,
            ..Default::default()
        };
        cluster.create_topics(some.iter().map(topic).collect())?;
    }
    Ok(())
}

/// Waits until every node that is up says that of every partition `is_so`, and that there are as many as should be.
fn wait_for_all(
    cluster: &Cluster,
    names: &[String],
    count: usize,
    is_so: impl Fn(&wire::messages::metadata::MetadataResponsePartition) -> bool,
) -> Result<(), String> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    wait_until("all partitions are as they should be", || {
        for address in cluster.reachable() {
            let all = partitions_at(&address, &names)?;
            if all.len() != count || !all.iter().all(&is_so) {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Creation, death and restart of one; ten times as many partitions as Kafka has.
pub fn partitions(settings: &Settings, kind: Kind, _: usize) -> Result<Vec<Measured>, String> {
    let each = if kind == Kind::Kafka { 100 } else { 1000 } / i32::try_from(settings.divide).unwrap_or(1);
    let (names, each) = (names(TOPICS), each.max(1));
    let count = TOPICS * usize::try_from(each).unwrap_or_default();
    let mut cluster = Cluster::prepare(kind, "many", settings)?;
    cluster.launch_all()?;
    cluster.create("first", &[(1..=NODES).collect()], &[])?;
    cluster.wait_whole("first", None)?;
    let mut measured = Vec::new();
    let mut note = |key, began: Instant| {
        let is_reduced = settings.divide > 1;
        measured.push(Measured { is_reduced, ..Measured::one(key, began.elapsed().as_secs_f64()) });
    };
    let began = Instant::now();
    create(&cluster, &names, each)?;
    wait_for_all(&cluster, &names, count, |one| one.leader_id >= 0 && one.isr_nodes.len() == 3)?;
    let last = names.last().ok_or("no topic")?;
    fresh_client(&cluster.reachable(), last, -1, began)?;
    note("many-create", began);
    // The leader of the quorum, too: the harder death.
    let dead = cluster.quorum()?.0;
    let began = Instant::now();
    cluster.kill(dead)?;
    wait_for_all(&cluster, &names, count, |one| one.leader_id >= 0 && one.leader_id != dead)?;
    fresh_client(&cluster.reachable(), last, dead, began)?;
    note("many-elect", began);
    let began = Instant::now();
    cluster.launch(dead)?;
    wait_for_all(&cluster, &names, count, |one| one.isr_nodes.len() == 3)?;
    note("many-restart", began);
    cluster.clear();
    Ok(measured)
}

/// The CPU of changing a config of one topic beside 10,000 topics, by what it is beside ten; Kafka has 1,000.
pub fn change(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let many = if kind == Kind::Kafka { 1_000 } else { 10_000 } / settings.divide;
    let mut cluster = Cluster::prepare(kind, "change", settings)?;
    cluster.launch_all()?;
    let names = names(many);
    let (few, rest) = names.split_at(TOPICS.min(names.len()));
    create(&cluster, few, 1)?;
    wait_for_all(&cluster, few, few.len(), |one| one.isr_nodes.len() == 3)?;
    let windows = runs.clamp(1, 5);
    changes(&cluster)?;
    let beside_few = (0..windows).map(|_| changes(&cluster)).collect::<Result<Vec<_>, _>>()?;
    create(&cluster, rest, 1)?;
    wait_for_all(&cluster, &names, names.len(), |one| one.isr_nodes.len() == 3)?;
    std::thread::sleep(settings.window);
    let beside_many = (0..windows).map(|_| changes(&cluster)).collect::<Result<Vec<_>, _>>()?;
    cluster.clear();
    let few = crate::measure::median(&beside_few);
    let grown = beside_many.iter().map(|many| many / few).collect();
    Ok(vec![Measured { values: grown, is_reduced: settings.divide > 1, ..Measured::of("change") }])
}

/// The cluster's CPU, in seconds, of so many changes one after the other, without what it takes idle for as long.
fn changes(cluster: &Cluster) -> Result<f64, String> {
    let mut connection = Connection::open(&cluster.address(1)?)?;
    let (before, idle) = (cluster.cpu_seconds()?, Instant::now());
    std::thread::sleep(IDLE);
    let cpu = cluster.cpu_seconds()?;
    let (idle, began) = ((cpu - before) / idle.elapsed().as_secs_f64(), Instant::now());
    for number in 0..CHANGES {
        let value = Some(Str::from((600_000 + number).to_string().as_str()));
        let config = AlterableConfig { name: Str::from_static("segment.ms"), config_operation: 0, value };
        let resource =
            AlterConfigsResource { resource_type: 2, resource_name: "many-0".into(), configs: vec![config] };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        let answer = connection.ask(1, &request)?;
        if let Some(refused) = answer.responses.iter().find(|one| one.error_code != ErrorCode::NONE) {
            return Err(format!("{:?} {:?}", refused.error_code, refused.error_message));
        }
    }
    Ok(cluster.cpu_seconds()? - cpu - idle * began.elapsed().as_secs_f64())
}
