//! Voters in one process, over a transport that can lose nodes: they found one quorum, survive deaths, and a voter without its
//! disk has no vote.

use std::collections::HashMap;
use std::path::Path;
use std::sync::PoisonError;

use env::{OsRandom, RealDisk};
use metadata::record::FeatureLevelRecord;
use tokio::time::{Instant, sleep, timeout};

use super::*;

/// Nodes by id; one that is not there is gone, one that is cut off neither hears nor is heard.
#[derive(Debug, Default)]
struct Switch(Mutex<HashMap<i32, Arc<Raft>>>, Mutex<Option<i32>>);

impl Switch {
    fn get(&self, id: i32) -> Option<Arc<Raft>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn cut_off(&self, id: Option<i32>) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = id;
    }

    fn reaches(&self, from: i32, to: i32) -> bool {
        let cut = *self.1.lock().unwrap_or_else(PoisonError::into_inner);
        cut != Some(from) && cut != Some(to)
    }

    fn set(&self, id: i32, node: Option<Arc<Raft>>) {
        let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match node {
            Some(node) => nodes.insert(id, node),
            None => nodes.remove(&id),
        };
    }
}

#[derive(Debug)]
struct Wire(Arc<Switch>, i32);

impl Transport for Wire {
    fn exchange(
        &self,
        to: Peer,
        _lane: Lane,
        message: Bytes,
        within: Duration,
    ) -> Pending<'static, Result<Bytes, TransportError>> {
        let node = self.0.get(to.id);
        let reaches = self.0.reaches(self.1, to.id);
        Box::pin(async move {
            if !reaches {
                sleep(within.min(Duration::from_millis(200))).await;
                return Err(TransportError("cut off".into()));
            }
            let node = node.ok_or_else(|| TransportError("refused".into()))?;
            timeout(within, node.receive(message)).await.map_err(|_| TransportError("late".into()))
        })
    }

    fn is_gone(&self, peer: Peer) -> Pending<'static, bool> {
        let gone = self.0.get(peer.id).is_none();
        Box::pin(async move { gone })
    }
}

struct Cluster {
    switch: Arc<Switch>,
    dir: PathBuf,
    voters: i32,
}

impl Cluster {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("mekong-raft-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Self { switch: Arc::default(), dir, voters: 3 }
    }

    fn folder(&self, id: i32) -> PathBuf {
        self.dir.join(id.to_string())
    }

    async fn start(&self, id: i32) -> Arc<Raft> {
        let peer = |id| Peer { id, host: "node".into(), port: 1 };
        let options = Options {
            disk: Arc::new(RealDisk),
            dir: self.folder(id),
            random: Arc::new(OsRandom),
            own: peer(id),
            voters: (1..=self.voters).map(peer).collect(),
            bootstrap: Vec::new(),
            cluster: String::new(),
            transport: Arc::new(Wire(self.switch.clone(), id)),
            timing: Timing { election_ms: 1000, heartbeat_ms: 100 },
        };
        let raft = Raft::start(options).await.unwrap();
        self.switch.set(id, Some(raft.clone()));
        raft
    }

    async fn stop(&self, id: i32) {
        let node = self.switch.get(id).unwrap();
        self.switch.set(id, None);
        node.stop().await;
    }

    fn wipe(&self, id: i32) {
        std::fs::remove_dir_all(self.folder(id)).unwrap();
    }

    /// The leader that a node knows of, once it is none of the `dead`.
    async fn leader(&self, node: &Raft, dead: &[i32]) -> i32 {
        let wait = async {
            let mut leadership = node.leadership();
            let known = leadership.wait_for(|now| now.leader.is_some_and(|id| !dead.contains(&id))).await;
            known.unwrap().leader.unwrap()
        };
        timeout(Duration::from_secs(10), wait).await.unwrap()
    }

    async fn propose(&self, level: i16) -> Result<u64, ProposeError> {
        let nodes: Vec<_> = (1..=3).filter_map(|id| self.switch.get(id)).collect();
        let leader = nodes.into_iter().find(|node| node.leadership.borrow().is_own);
        let Some(leader) = leader else { return Err(ProposeError::NotLeader(None)) };
        leader.confirm().await?;
        let epoch = leader.leadership.borrow().epoch;
        leader.propose(epoch, vec![record(level)]).await
    }

    fn remove(self) {
        std::fs::remove_dir_all(&self.dir).unwrap();
    }
}

fn record(level: i16) -> Record {
    FeatureLevelRecord { name: "f".into(), level }.into()
}

/// Follows a node from the beginning to an offset.
async fn followed(node: &Raft, to: u64) -> Vec<Record> {
    let (mut records, mut from) = (Vec::new(), 0);
    while from < to {
        from = match timeout(Duration::from_secs(10), node.next(from)).await.unwrap().unwrap() {
            Committed::Batch { end_offset, batch } => {
                records.extend(batch.records.clone());
                end_offset
            }
            Committed::Snapshot { end_offset, records: all } => {
                records = all.to_vec();
                end_offset
            }
        };
    }
    records
}

fn levels(to: i16) -> Vec<Record> {
    (1..=to).map(record).collect()
}

#[tokio::test]
async fn a_quorum_is_founded_commits_and_goes_on_without_its_leader() {
    let cluster = Cluster::new("leader");
    let one = cluster.start(1).await;
    assert_eq!(one.leadership.borrow().leader, None, "it waits for the others");
    let (two, three) = (cluster.start(2).await, cluster.start(3).await);
    let leader = cluster.leader(&three, &[]).await;
    cluster.leader(&one, &[]).await;
    let led = cluster.switch.get(leader).unwrap();
    cluster.leader(&led, &[]).await;
    let mut end = 0;
    for level in 1..=20 {
        end = cluster.propose(level).await.unwrap();
    }
    for node in [&one, &two, &three] {
        assert_eq!(followed(node, end).await, levels(20));
        assert_eq!(node.voters().voters.len(), 3);
    }
    assert!(led.confirm().await.unwrap() >= end);
    assert_eq!(
        led.propose(led.leadership.borrow().epoch - 1, vec![record(0)]).await,
        Err(ProposeError::NotLeader(Some(leader)))
    );

    cluster.stop(leader).await;
    let begun = Instant::now();
    let left: Vec<_> = [one, two, three].into_iter().filter(|node| node.own.id != leader).collect();
    left.iter().for_each(|node| {
        let node = node.clone();
        tokio::spawn(async move { node.lost(leader).await });
    });
    let next = cluster.leader(&left[0], &[leader]).await;
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    cluster.leader(&cluster.switch.get(next).unwrap(), &[leader]).await;
    let end = cluster.propose(21).await.unwrap();
    let back = cluster.start(leader).await;
    assert_eq!(followed(&back, end).await, levels(21));
    for id in 1..=3 {
        cluster.stop(id).await;
    }
    cluster.remove();
}

#[tokio::test]
async fn a_voter_without_its_disk_has_no_vote() {
    let cluster = Cluster::new("wiped");
    for id in 1..=3 {
        cluster.start(id).await;
    }
    let two = cluster.switch.get(2).unwrap();
    let leader = cluster.leader(&two, &[]).await;
    cluster.leader(&cluster.switch.get(leader).unwrap(), &[]).await;
    let end = cluster.propose(1).await.unwrap();
    let (wiped, killed) = (leader, if leader == 3 { 1 } else { 3 });
    cluster.stop(wiped).await;
    cluster.wipe(wiped);
    cluster.stop(killed).await;
    let left = (1..=3).find(|id| *id != wiped && *id != killed).unwrap();
    let left = cluster.switch.get(left).unwrap();
    let empty = cluster.start(wiped).await;
    sleep(Duration::from_secs(3)).await;
    assert!(!left.leadership.borrow().is_own && !empty.leadership.borrow().is_own, "nobody may lead");
    assert!(empty.tail.read(0).is_none());

    let back = cluster.start(killed).await;
    let leader = cluster.leader(&back, &[wiped]).await;
    assert_ne!(leader, wiped);
    assert_eq!(followed(&back, end).await, levels(1));
    for id in 1..=3 {
        cluster.stop(id).await;
    }
    cluster.remove();
}

#[tokio::test]
async fn snapshots_take_the_place_of_entries_and_reach_those_who_come_late() {
    let cluster = Cluster::new("snapshot");
    for id in 1..=3 {
        cluster.start(id).await;
    }
    let one = cluster.switch.get(1).unwrap();
    let leader = cluster.leader(&one, &[]).await;
    let led = cluster.switch.get(leader).unwrap();
    cluster.leader(&led, &[]).await;
    let late = if leader == 3 { 2 } else { 3 };
    cluster.stop(late).await;
    let mut end = 0;
    for level in 1..=1500 {
        end = cluster.propose(level).await.unwrap();
    }
    led.snapshot(end, vec![record(1500)]);
    sleep(Duration::from_millis(500)).await;
    let snapshots = |dir: &Path| {
        let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("snapshot-")).count()
    };
    assert_eq!(snapshots(&cluster.folder(leader)), 1);
    let back = cluster.start(late).await;
    assert_eq!(followed(&back, end).await.last(), Some(&record(1500)));
    let end = cluster.propose(1501).await.unwrap();
    assert_eq!(followed(&back, end).await.last(), Some(&record(1501)));
    cluster.stop(leader).await;
    let again = cluster.start(leader).await;
    assert_eq!(followed(&again, end).await, [record(1500), record(1501)]);
    for id in 1..=3 {
        cluster.stop(id).await;
    }
    cluster.remove();
}

#[tokio::test]
async fn large_entries_that_are_kept_do_not_have_a_snapshot_made_of_every_change() {
    let cluster = Cluster { voters: 1, ..Cluster::new("large") };
    let led = cluster.start(1).await;
    led.leadership().wait_for(|now| now.is_own).await.unwrap();
    let epoch = led.leadership.borrow().epoch;
    let large: Record = FeatureLevelRecord { name: "f".repeat(300_000).into(), level: 1 }.into();
    let mut made = Vec::new();
    for place in 0..60 {
        let records = if place < 20 { vec![large.clone()] } else { vec![record(place)] };
        let end = led.propose(epoch, records).await.unwrap();
        if led.wants_snapshot() {
            led.snapshot(end, vec![record(place)]);
            made.push(place);
        }
    }
    assert_eq!(made, [13]);
    cluster.stop(1).await;
    cluster.remove();
}

#[tokio::test]
async fn a_leader_that_is_cut_off_steps_down_and_its_last_proposal_is_of_unknown_outcome() {
    let cluster = Cluster::new("cut");
    let nodes = [cluster.start(1).await, cluster.start(2).await, cluster.start(3).await];
    let first = cluster.leader(&nodes[0], &[]).await;
    let old = cluster.switch.get(first).unwrap();
    old.leadership().wait_for(|now| now.is_own).await.unwrap();
    cluster.propose(1).await.unwrap();
    cluster.switch.cut_off(Some(first));
    let epoch = old.leadership.borrow().epoch;
    let lost = tokio::spawn({
        let old = old.clone();
        async move { old.propose(epoch, vec![record(9)]).await }
    });
    let mut leadership = old.leadership();
    let stepped_down = leadership.wait_for(|now| !now.is_own && now.leader.is_none());
    timeout(Duration::from_secs(3), stepped_down).await.unwrap().unwrap();
    assert_eq!(old.voters().leader, None);
    assert_eq!(old.propose(epoch, vec![record(8)]).await, Err(ProposeError::NotLeader(None)));
    let other = nodes.iter().find(|node| node.own.id != first).unwrap();
    let second = cluster.switch.get(cluster.leader(other, &[first]).await).unwrap();
    second.leadership().wait_for(|now| now.is_own).await.unwrap();
    assert!(second.silence_ms() >= 900, "nobody heard of the leader before for {} ms", second.silence_ms());
    let epoch = second.leadership.borrow().epoch;
    let end = second.propose(epoch, vec![record(2)]).await.unwrap();
    cluster.switch.cut_off(None);
    assert_eq!(timeout(Duration::from_secs(10), lost).await.unwrap().unwrap(), Err(ProposeError::Unknown));
    for node in &nodes {
        assert_eq!(followed(node, end).await, levels(2));
    }
    for id in 1..=3 {
        cluster.stop(id).await;
    }
    cluster.remove();
}
