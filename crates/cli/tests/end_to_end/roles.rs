//! Nodes with one role each, as processes: three controllers and three brokers go on without the controller that leads and without a
//! broker, and everybody knows the same.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::server::free_port;

use ::client::admin::{ConfigChange, ConfigResource, OffsetSpec, QuorumDescription};
use ::client::{Acks, Address, Client, Connection, ProducerRecord, TopicPartition};
use wire::messages::describe_cluster::DescribeClusterRequest;
use wire::messages::describe_quorum::{DescribeQuorumRequest, PartitionData, TopicData};

struct Node {
    child: Child,
    /// What the line said when it was ready.
    ready: serde_json::Value,
}

impl Node {
    fn start(folder: &Path, id: i32, properties: &[(&str, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mekong"));
        command.args(["serve", "--json", "--no-registry"]);
        command.args(["--set", &format!("node.id={id}")]);
        command.args(["--set", &format!("log.dirs={}", folder.join(id.to_string()).display())]);
        for (key, value) in properties {
            command.args(["--set", &format!("{key}={value}")]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("node {id} did not start"));
        Self { child, ready }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn stop(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "a node stops in order");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Cluster {
    folder: PathBuf,
    controllers: Vec<u16>,
    brokers: Vec<u16>,
}

impl Cluster {
    fn new(name: &str) -> Self {
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let ports = || (0..3).map(|_| free_port()).collect();
        Self { folder, controllers: ports(), brokers: ports() }
    }

    fn common(&self) -> Vec<(&'static str, String)> {
        vec![
            ("controller.listener.names", "CONTROLLER".into()),
            ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".into()),
        ]
    }

    fn voters(&self) -> String {
        let named = self.controllers.iter().zip(101..).map(|(port, id)| format!("{id}@127.0.0.1:{port}"));
        named.collect::<Vec<_>>().join(",")
    }

    fn controller(&self, id: i32) -> Node {
        let port = self.controllers.get(usize::try_from(id - 101).unwrap()).unwrap();
        let mut properties = self.common();
        properties.push(("process.roles", "controller".into()));
        properties.push(("listeners", format!("CONTROLLER://127.0.0.1:{port}")));
        properties.push(("controller.quorum.voters", self.voters()));
        Node::start(&self.folder, id, &properties)
    }

    fn broker(&self, id: i32) -> Node {
        let port = self.brokers.get(usize::try_from(id - 1).unwrap()).unwrap();
        let mut properties = self.common();
        properties.push(("process.roles", "broker".into()));
        properties.push(("listeners", format!("PLAINTEXT://127.0.0.1:{port}")));
        properties.push(("min.insync.replicas", "2".into()));
        properties.push(match id {
            1 => ("controller.quorum.voters", self.voters()),
            _ => {
                let servers: Vec<_> =
                    self.controllers.iter().map(|port| format!("127.0.0.1:{port}")).collect();
                ("controller.quorum.bootstrap.servers", servers.join(","))
            }
        });
        Node::start(&self.folder, id, &properties)
    }

    async fn client(&self, broker: usize) -> Client {
        Client::connect(&format!("127.0.0.1:{}", self.brokers.get(broker - 1).unwrap())).await.unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn quorum(client: &Client, wish: impl Fn(&QuorumDescription) -> bool) -> QuorumDescription {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match client.admin().describe_quorum().await {
            Ok(quorum) if wish(&quorum) => return quorum,
            other => assert!(Instant::now() < until, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn ids(quorum: &QuorumDescription, votes: bool) -> Vec<i32> {
    let mut ids: Vec<i32> =
        quorum.members.iter().filter(|member| member.votes == votes).map(|member| member.id).collect();
    ids.sort_unstable();
    ids
}

/// Sends numbers until told to stop; returns how many were acknowledged, and the longest gap between two of them.
async fn produce(client: Client, topic: &str, stop: Arc<AtomicBool>) -> (u64, Duration) {
    let producer = client.producer().acks(Acks::All).build().unwrap();
    let (mut sent, mut gap, mut last) = (0, Duration::ZERO, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        producer.send(ProducerRecord::new(topic, sent.to_string())).await.unwrap();
        sent += 1;
        gap = gap.max(last.elapsed());
        last = Instant::now();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    producer.close().await;
    (sent, gap)
}

async fn count(client: &Client, topic: &str) -> u64 {
    let mut total = 0;
    for partition in client.admin().describe_topic(topic).await.unwrap().partitions.into_keys() {
        let key = TopicPartition::new(topic, partition);
        let spec = [(key.clone(), OffsetSpec::Latest)];
        let found = client.admin().list_offsets(spec).await.unwrap().remove(&key).unwrap().unwrap();
        total += u64::try_from(found.offset).unwrap();
    }
    total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controllers_and_brokers_apart_go_on_without_one_of_each() {
    let cluster = Cluster::new("roles");
    let (mut controllers, mut brokers) = std::thread::scope(|scope| {
        let controllers: Vec<_> = (101..=103)
            .map(|id| {
                scope.spawn({
                    let cluster = &cluster;
                    move || cluster.controller(id)
                })
            })
            .collect();
        let brokers: Vec<_> = (1..=3)
            .map(|id| {
                scope.spawn({
                    let cluster = &cluster;
                    move || cluster.broker(id)
                })
            })
            .collect();
        let nodes = |all: Vec<std::thread::ScopedJoinHandle<'_, Node>>| {
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        };
        (nodes(controllers), nodes(brokers))
    });
    let names = |node: &Node| node.ready.pointer("/listeners").unwrap().to_string();
    assert!(names(controllers.first().unwrap()).contains("CONTROLLER"));
    assert!(!names(brokers.first().unwrap()).contains("CONTROLLER"));

    let client = cluster.client(3).await;
    let known = quorum(&client, |quorum| ids(quorum, false) == [1, 2, 3]).await;
    assert_eq!(ids(&known, true), [101, 102, 103]);
    client.admin().create_topic("t").partitions(3).replication_factor(3).await.unwrap();
    let described = client.admin().describe_cluster().await.unwrap();
    let mut known_brokers: Vec<i32> = described.brokers.iter().map(|broker| broker.id).collect();
    known_brokers.sort_unstable();
    assert_eq!(known_brokers, [1, 2, 3], "controllers are no brokers");

    let stop = Arc::new(AtomicBool::new(false));
    let producing = tokio::spawn(produce(cluster.client(1).await, "t", Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let leader = known.leader.unwrap();
    controllers.get_mut(usize::try_from(leader - 101).unwrap()).unwrap().kill();
    let next = quorum(&client, |quorum| quorum.leader.is_some_and(|id| id != leader)).await;
    assert!(next.epoch > known.epoch);
    client.admin().create_topic("u").partitions(1).replication_factor(3).await.unwrap();

    tokio::time::sleep(Duration::from_millis(500)).await;
    brokers.get_mut(1).unwrap().kill();
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::Relaxed);
    let (sent, gap) = producing.await.unwrap();
    assert!(gap < Duration::from_secs(10), "{gap:?}");
    assert_eq!(count(&client, "t").await, sent, "each once");

    config_is_seen_everywhere(&cluster, &client).await;
    tools_ask_the_controllers(&cluster, leader).await;

    *brokers.get_mut(1).unwrap() = cluster.broker(2);
    *controllers.get_mut(usize::try_from(leader - 101).unwrap()).unwrap() = cluster.controller(leader);
    let again = cluster.client(2).await;
    assert_eq!(again.admin().describe_topic("u").await.unwrap().partitions.len(), 1);
    for node in brokers.into_iter().chain(controllers) {
        node.stop();
    }
}

async fn config_is_seen_everywhere(cluster: &Cluster, client: &Client) {
    let resource = ConfigResource::Topic("t".into());
    let change = ConfigChange::Set("retention.ms".into(), "12345".into());
    client.admin().alter_configs(&resource, [change], false).await.unwrap();
    for broker in [1, 3] {
        let client = cluster.client(broker).await;
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let configs = client.admin().describe_configs(&resource, false).await.unwrap();
            let found = configs.iter().find(|config| &*config.name == "retention.ms").unwrap();
            if found.value.as_deref() == Some("12345") {
                break;
            }
            assert!(Instant::now() < until, "broker {broker}: {found:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// As Kafka's tools do with `--bootstrap-controller`.
async fn tools_ask_the_controllers(cluster: &Cluster, dead: i32) {
    let living = (101..=103).find(|id| *id != dead).unwrap();
    let port = *cluster.controllers.get(usize::try_from(living - 101).unwrap()).unwrap();
    let (address, within) = (Address { host: "127.0.0.1".into(), port }, Duration::from_secs(10));
    let asked = Connection::open(address, "tool", within, within).await.unwrap();
    let request = DescribeClusterRequest { endpoint_type: 2, ..Default::default() };
    let controllers = asked.submit(&request, 1).unwrap().read::<DescribeClusterRequest>().await.unwrap();
    let ids: Vec<i32> = controllers.brokers.iter().map(|one| one.broker_id).collect();
    assert_eq!(ids, [101, 102, 103]);
    assert_ne!(controllers.controller_id, dead);
    let partitions = vec![PartitionData { partition_index: 0 }];
    let topics = vec![TopicData { topic_name: "__cluster_metadata".into(), partitions }];
    let request = DescribeQuorumRequest { topics };
    let mut quorum = asked.submit(&request, 2).unwrap().read::<DescribeQuorumRequest>().await.unwrap();
    let quorum = quorum.topics.remove(0).partitions.remove(0);
    assert_eq!((quorum.current_voters.len(), quorum.observers.len()), (3, 3));
    let late = |replica: i32| {
        let all = quorum.current_voters.iter().chain(&quorum.observers);
        let at =
            all.filter(|one| one.replica_id == replica).map(|one| one.last_fetch_timestamp).next().unwrap();
        let newest = quorum.observers.iter().map(|one| one.last_fetch_timestamp).max().unwrap();
        newest - at
    };
    assert!(late(1) < 2000 && late(3) < 2000 && late(2) > 2000 && late(dead) > 2000, "{quorum:?}");
}

#[test]
fn a_broker_whose_id_votes_or_whose_cluster_is_another_is_refused() {
    let cluster = Cluster::new("roles-refused");
    let refused = |arguments: &[String]| {
        let asked = Command::new(env!("CARGO_BIN_EXE_mekong"))
            .args(["serve", "--no-registry"])
            .args(arguments.iter().flat_map(|one| ["--set", one]))
            .output()
            .unwrap();
        assert!(!asked.status.success());
        String::from_utf8_lossy(&asked.stderr).into_owned()
    };
    let port = cluster.controllers.first().unwrap();
    let mut alone = cluster.common();
    alone.push(("process.roles", "controller".into()));
    alone.push(("listeners", format!("CONTROLLER://127.0.0.1:{port}")));
    alone.push(("controller.quorum.bootstrap.servers", format!("127.0.0.1:{port}")));
    let controller = Node::start(&cluster.folder, 101, &alone);
    let of_broker = |id: i32, folder: &str| {
        vec![
            format!("node.id={id}"),
            "process.roles=broker".into(),
            "listeners=PLAINTEXT://127.0.0.1:0".into(),
            "controller.listener.names=CONTROLLER".into(),
            format!("controller.quorum.bootstrap.servers=127.0.0.1:{port}"),
            format!("log.dirs={}", cluster.folder.join(folder).display()),
        ]
    };
    let said = refused(&of_broker(101, "same"));
    assert!(said.contains("node 101 votes in this quorum"), "{said}");

    let foreign = cluster.folder.join("foreign");
    let mut other = Command::new(env!("CARGO_BIN_EXE_mekong"))
        .args([
            "serve",
            "--json",
            "--no-registry",
            "--set",
            "node.id=7",
            "--set",
            "listeners=PLAINTEXT://127.0.0.1:0",
        ])
        .args(["--set", &format!("log.dirs={}", foreign.display())])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    std::fs::remove_dir_all(foreign.join("metadata")).unwrap();
    let said = refused(&of_broker(7, "foreign"));
    assert!(said.contains("of cluster"), "{said}");
    controller.stop();
}
