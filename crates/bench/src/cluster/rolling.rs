//! A rolling restart of all nodes under load with an idempotent producer: the longest pause, and whether each record is there once.

use std::collections::BTreeMap;
use std::time::Duration;

use records::Batches;

use super::admin::partitions_at;
use super::nodes::{Cluster, NODES};
use super::producer::{Producer, Said, now_ms};
use super::report::Measured;
use crate::connection::Connection;
use crate::load;
use crate::settings::Settings;
use crate::subject::Kind;

const TOPIC: &str = "rolling";
/// More than any batch of the tool inflates to.
const INFLATED_MAX: usize = 64 << 20;

/// A tenth of the runs; each node in turn is stopped in order and started, then waited for.
pub fn run(settings: &Settings, kind: Kind, runs: usize) -> Result<Vec<Measured>, String> {
    let mut cluster = Cluster::prepare(kind, "rolling", settings)?;
    cluster.launch_all()?;
    cluster.create(TOPIC, &[(1..=NODES).collect()], &[])?;
    cluster.wait_whole(TOPIC, None)?;
    let producer =
        Producer::start(&cluster, settings, TOPIC, &["retries=2147483647", "enable.idempotence=true"])?;
    let mut gaps = Measured::of("rolling");
    for _ in 0..runs.div_ceil(10) {
        let at = now_ms();
        for id in 1..=NODES {
            cluster.stop(id)?;
            cluster.launch(id)?;
            cluster.wait_whole(TOPIC, None)?;
        }
        gaps.add(producer.gap_since(at, Duration::from_secs(5))?);
    }
    let said = producer.stop()?;
    let (lost, doubled) = compare(&said, &read(&cluster)?);
    cluster.clear();
    let (lost, doubled) =
        (Measured::one("rolling-lost", lost as f64), Measured::one("rolling-doubled", doubled as f64));
    Ok(vec![gaps, lost, doubled])
}

/// How often each value stands in the topic.
fn read(cluster: &Cluster) -> Result<BTreeMap<u64, usize>, String> {
    cluster.wait_whole(TOPIC, None)?;
    let known = partitions_at(&cluster.address(1)?, &[TOPIC])?;
    let leader = known.first().ok_or("no partition")?.leader_id;
    let mut connection = Connection::open(&cluster.address(leader)?)?;
    let (end, mut offset) = (load::log_end(&mut connection, TOPIC, 0)?, 0);
    let mut found = BTreeMap::new();
    while offset < end {
        let fetched = load::fetch(&mut connection, TOPIC, 0, offset)?;
        for batch in Batches::new(&fetched.records).filter_map(Result::ok) {
            let body = batch.decompress(INFLATED_MAX).map_err(|error| error.to_string())?;
            for record in batch.records(&body) {
                let record = record.map_err(|error| error.to_string())?;
                let text = record.value.and_then(|value| std::str::from_utf8(value).ok());
                let value = text.and_then(|text| text.parse().ok()).ok_or("a value that nobody wrote")?;
                *found.entry(value).or_default() += 1;
            }
        }
        offset = fetched.next;
    }
    Ok(found)
}

/// How many acknowledged records are not there, and how many records are there more than once.
fn compare(said: &Said, found: &BTreeMap<u64, usize>) -> (usize, usize) {
    let lost = said.acknowledged.iter().filter(|(_, value)| !found.contains_key(value)).count();
    (lost, found.values().filter(|count| **count > 1).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_must_be_there_and_nothing_twice() {
        let said = Said { acknowledged: vec![(0, 0), (1, 1), (2, 2)], failed: vec![] };
        for (found, expected) in [
            (vec![(0, 1), (1, 1), (2, 1), (3, 1)], (0, 0)),
            (vec![(0, 1), (2, 1)], (1, 0)),
            (vec![(0, 1), (1, 2), (2, 1), (3, 2)], (0, 2)),
        ] {
            assert_eq!(compare(&said, &found.into_iter().collect()), expected);
        }
    }
}
