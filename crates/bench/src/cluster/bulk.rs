//! S12: bulk produce to partitions that all three nodes hold, acks=all; and whether that load, for long, moves any leader.

use std::time::{Duration, Instant};

use bytes::Bytes;
use records::Compression;

use super::admin::partitions_at;
use super::nodes::{Cluster, NODES};
use super::report::Measured;
use crate::load;
use crate::measure::GIB;
use crate::scenarios::bulk::CONFIGS;
use crate::settings::Settings;
use crate::subject::Kind;

const TOPIC: &str = "bulk";
const PARTITIONS: usize = 6;
const RECORDS: usize = 64;
const RECORD_BYTES: usize = 1024;
const DEPTH: usize = 5;

/// A cluster whose nodes lead two partitions each.
fn set(kind: Kind, name: &str, settings: &Settings) -> Result<Cluster, String> {
    let mut cluster = Cluster::prepare(kind, name, settings)?;
    cluster.launch_all()?;
    // Leaders are those that were named first only where all nodes are up by then.
    cluster.create("first", &[(1..=NODES).collect()], &[])?;
    cluster.wait_whole("first", None)?;
    let around = |first: i32| (0..NODES).map(|step| (first + step) % NODES + 1).collect::<Vec<_>>();
    let replicas: Vec<_> = (0..NODES).cycle().take(PARTITIONS).map(around).collect();
    cluster.create(TOPIC, &replicas, CONFIGS)?;
    cluster.wait_whole(TOPIC, None)?;
    Ok(cluster)
}

/// Bytes acknowledged in a window, from a connection to each node.
fn produce(cluster: &Cluster, window: Duration) -> Result<f64, String> {
    let known = partitions_at(&cluster.address(1)?, &[TOPIC])?;
    let mut clients = Vec::new();
    for id in 1..=NODES {
        let own = known.iter().filter(|one| one.leader_id == id).map(|one| one.partition_index);
        let batch = |index: i32| load::batch(RECORDS, RECORD_BYTES, Compression::None, index as u64 + 1);
        let frames = own.map(|index| load::produce_frame(TOPIC, index, -1, batch(index)));
        let frames: Vec<Bytes> = frames.collect::<Result<_, _>>()?;
        let address = cluster.address(id)?;
        if !frames.is_empty() {
            clients.push(std::thread::spawn(move || load::pump(&address, &frames, DEPTH, window)));
        }
    }
    let mut answered = 0;
    for client in clients {
        answered += client.join().map_err(|_| "a client died".to_owned())??;
    }
    Ok(answered as f64 * (RECORDS * RECORD_BYTES) as f64)
}

/// The CPU of all nodes per GiB, and MiB a second, in one window.
fn window(cluster: &Cluster, length: Duration) -> Result<(f64, f64), String> {
    let (cpu, began) = (cluster.cpu_seconds()?, Instant::now());
    let bytes = produce(cluster, length)?;
    let rate = bytes / (1024.0 * 1024.0) / began.elapsed().as_secs_f64();
    Ok(((cluster.cpu_seconds()? - cpu) / (bytes / GIB), rate))
}

/// All clusters stay up, and take windows in turns, forwards and backwards.
pub fn side_by_side(settings: &Settings) -> Result<Vec<(Kind, Measured)>, String> {
    let kinds = [Kind::Durable, Kind::Relaxed, Kind::Kafka];
    let kinds = kinds.into_iter().filter(|kind| !settings.alone || *kind != Kind::Kafka);
    let clusters = kinds.map(|kind| set(kind, "bulk", settings)).collect::<Result<Vec<_>, _>>()?;
    for cluster in &clusters {
        let length = if cluster.kind == Kind::Kafka { settings.warm_up } else { settings.warm_up / 10 };
        produce(cluster, length)?;
    }
    let mut windows: Vec<Vec<(f64, f64)>> = clusters.iter().map(|_| Vec::new()).collect();
    for round in 0..settings.pairs {
        let mut order: Vec<_> = clusters.iter().zip(&mut windows).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (cluster, list) in order {
            list.push(window(cluster, settings.window)?);
        }
    }
    let (is_reduced, mut measured) = (settings.divide > 1, Vec::new());
    for (cluster, list) in clusters.iter().zip(windows) {
        let (cpu, rate): (Vec<f64>, Vec<f64>) = list.into_iter().unzip();
        measured.push((cluster.kind, Measured { values: cpu, is_reduced, ..Measured::of("s12-cpu") }));
        measured.push((cluster.kind, Measured { values: rate, ..Measured::of("s12-rate") }));
    }
    clusters.into_iter().for_each(Cluster::clear);
    Ok(measured)
}

/// How many times the quorum or a partition had another leader after so many minutes of this load.
pub fn steady(settings: &Settings, kind: Kind, minutes: f64) -> Result<Vec<Measured>, String> {
    let cluster = set(kind, "steady", settings)?;
    produce(&cluster, settings.warm_up / 10)?;
    let epochs = || -> Result<i32, String> {
        let known = partitions_at(&cluster.address(1)?, &[TOPIC])?;
        Ok(cluster.quorum()?.1 + known.iter().map(|one| one.leader_epoch).sum::<i32>())
    };
    let before = epochs()?;
    let load = produce(&cluster, Duration::from_secs_f64(minutes * 60.0));
    let elections = f64::from(epochs()? - before);
    if elections == 0.0 {
        load?; // The load ends at the first election it meets.
    }
    cluster.clear();
    Ok(vec![Measured { is_reduced: minutes < 30.0, ..Measured::one("steady", elections) }])
}
