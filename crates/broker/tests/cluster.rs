//! Three nodes in one process: they found a cluster, know each other, decide whoever is asked, and go on without one of them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use broker::Handle;
use broker::config::{Config, Origin, Properties};
use common::{Folder, Raw, broker_in, folder};
use tokio::time::{Instant, sleep};
use wire::ErrorCode;
use wire::messages::add_raft_voter::{AddRaftVoterRequest, Listener};
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::describe_cluster::DescribeClusterRequest;
use wire::messages::describe_quorum::{
    DescribeQuorumRequest, PartitionData, PartitionDataResponse, TopicData,
};
use wire::messages::metadata::{MetadataRequest, MetadataResponse};
use wire::messages::remove_raft_voter::RemoveRaftVoterRequest;

/// Ports that were free a moment ago.
fn ports<const N: usize>() -> [u16; N] {
    // Below the ports that systems give to outgoing connections: one of those would take a port between now and its use.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() % 300) as u16 * 64;
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut free = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed)).filter(is_free);
    [(); N].map(|()| free.next().expect("ports do not end"))
}

/// A node that is told of others in its own words.
async fn told(folder: &str, id: usize, port: u16, others: (&str, &str)) -> Handle {
    let listeners = format!("PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:{port}");
    broker_in(
        folder,
        &[
            ("node.id", &id.to_string()),
            ("process.roles", "broker,controller"),
            ("listeners", &listeners),
            ("controller.listener.names", "CONTROLLER"),
            ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
            others,
        ],
    )
    .await
}

async fn node(folder: &str, id: usize, ports: &[u16]) -> Handle {
    let voters: Vec<_> =
        ports.iter().enumerate().map(|(place, port)| format!("{}@127.0.0.1:{port}", place + 1)).collect();
    told(folder, id, ports[id - 1], ("controller.quorum.voters", &voters.join(","))).await
}

async fn three(folders: &[Folder], ports: &[u16]) -> Vec<Handle> {
    let (one, two, three) =
        tokio::join!(node(&folders[0], 1, ports), node(&folders[1], 2, ports), node(&folders[2], 3, ports));
    vec![one, two, three]
}

async fn raw(node: &Handle) -> Raw {
    Raw::connect(node.address().unwrap()).await
}

async fn create(node: &Handle, name: &'static str, replicas: i16) -> ErrorCode {
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions: 6,
        replication_factor: replicas,
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() };
    raw(node).await.call(7, &request).await.topics[0].error_code
}

async fn metadata(node: &Handle) -> MetadataResponse {
    raw(node).await.call(12, &MetadataRequest { topics: None, ..Default::default() }).await
}

/// Waits until the metadata of a node is as wished.
async fn until(node: &Handle, wish: impl Fn(&MetadataResponse) -> bool) -> MetadataResponse {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let metadata = metadata(node).await;
        if wish(&metadata) {
            return metadata;
        }
        assert!(Instant::now() < end, "{metadata:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn leaders(metadata: &MetadataResponse, topic: &str) -> Vec<i32> {
    let topic = metadata.topics.iter().find(|one| one.name.as_deref() == Some(topic)).unwrap();
    topic.partitions.iter().map(|partition| partition.leader_id).collect()
}

async fn quorum(node: &Handle) -> PartitionDataResponse {
    let partitions = vec![PartitionData { partition_index: 0 }];
    let topics = vec![TopicData { topic_name: "__cluster_metadata".into(), partitions }];
    let mut answer = raw(node).await.call(2, &DescribeQuorumRequest { topics }).await;
    answer.topics.remove(0).partitions.remove(0)
}

async fn quorum_leader(node: &Handle) -> i32 {
    let quorum = quorum(node).await;
    assert_eq!(quorum.current_voters.len(), 3);
    quorum.leader_id
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_one_cluster_and_go_on_without_their_leader() {
    let folders = [folder(), folder(), folder()];
    let ports = ports::<3>();
    let mut nodes = three(&folders, &ports).await;
    let mut ids = Vec::new();
    for node in &nodes {
        let known = until(node, |metadata| metadata.brokers.len() == 3).await;
        ids.push(known.cluster_id.unwrap());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for (place, name) in ["a", "b", "c"].into_iter().enumerate() {
        assert_eq!(create(&nodes[place], name, 3).await, ErrorCode::NONE);
        let mut led = leaders(&metadata(&nodes[place]).await, name);
        led.sort_unstable();
        led.dedup();
        assert_eq!(led, [1, 2, 3], "who is asked knows at once, and leaders are spread");
    }
    assert_eq!(create(&nodes[0], "a", 3).await, ErrorCode::TOPIC_ALREADY_EXISTS);

    let leader = quorum_leader(&nodes[0]).await;
    let place = usize::try_from(leader - 1).unwrap();
    nodes.remove(place).stop().await;
    let begun = Instant::now();
    for node in &nodes {
        until(node, |metadata| {
            metadata.brokers.len() == 2
                && !leaders(metadata, "a").iter().any(|led| *led == leader || *led < 0)
        })
        .await;
    }
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_ne!(quorum_leader(&nodes[0]).await, leader);
    assert_eq!(create(&nodes[1], "d", 2).await, ErrorCode::NONE);

    let id = usize::try_from(leader).unwrap();
    nodes.push(node(&folders[place], id, &ports).await);
    let back = until(&nodes[2], |metadata| metadata.brokers.len() == 3).await;
    assert_eq!(back.cluster_id.as_ref(), Some(&ids[0]));
    assert_eq!(back.topics.len(), 4);
    let described = raw(&nodes[2])
        .await
        .call(1, &DescribeClusterRequest { endpoint_type: 1, ..Default::default() })
        .await;
    assert_eq!(described.brokers.len(), 3);
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_by_bootstrap_servers_and_is_given_a_vote() {
    let folders = [folder(), folder(), folder(), folder()];
    let [one, two, three_, four] = ports::<4>();
    let mut nodes = three(&folders[..3], &[one, two, three_]).await;
    let servers = format!("127.0.0.1:{one},127.0.0.1:{two}");
    nodes.push(told(&folders[3], 4, four, ("controller.quorum.bootstrap.servers", &servers)).await);
    let known = until(&nodes[3], |metadata| metadata.brokers.len() == 4).await;
    assert_eq!(known.cluster_id, metadata(&nodes[0]).await.cluster_id);
    assert_eq!(create(&nodes[3], "a", 3).await, ErrorCode::NONE);

    let before = quorum(&nodes[3]).await;
    assert_eq!((before.current_voters.len(), before.observers.len()), (3, 1));
    let directory = before.observers[0].replica_directory_id;
    let listeners = vec![Listener { name: "CONTROLLER".into(), host: "127.0.0.1".into(), port: four }];
    let request = AddRaftVoterRequest {
        cluster_id: None,
        voter_id: 4,
        voter_directory_id: directory,
        listeners,
        timeout_ms: 10_000,
        ..Default::default()
    };
    let answer = raw(&nodes[1]).await.call(1, &request).await;
    assert_eq!(answer.error_code, ErrorCode::NONE, "{:?}", answer.error_message);
    assert_eq!(quorum(&nodes[0]).await.current_voters.len(), 4);
    let again = raw(&nodes[1]).await.call(1, &request).await;
    assert_eq!(again.error_code, ErrorCode::DUPLICATE_VOTER);

    let voters = quorum(&nodes[0]).await;
    let third = voters.current_voters.iter().find(|voter| voter.replica_id == 3).unwrap();
    let remove =
        |voter_directory_id| RemoveRaftVoterRequest { cluster_id: None, voter_id: 3, voter_directory_id };
    let answer = raw(&nodes[3]).await.call(0, &remove(directory)).await;
    assert_eq!(answer.error_code, ErrorCode::VOTER_NOT_FOUND);
    let answer = raw(&nodes[3]).await.call(0, &remove(third.replica_directory_id)).await;
    assert_eq!(answer.error_code, ErrorCode::NONE, "{:?}", answer.error_message);
    let left: Vec<i32> =
        quorum(&nodes[0]).await.current_voters.iter().map(|voter| voter.replica_id).collect();
    assert_eq!(left, [1, 2, 4]);
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_alone_does_not_begin_anew_in_a_quorum() {
    let (folder, ports) = (folder(), ports::<2>());
    let alone = broker_in(&folder, &[]).await;
    assert_eq!(create(&alone, "kept", 1).await, ErrorCode::NONE);
    alone.stop().await;
    let listeners = format!("PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:{}", ports[0]);
    let mut all = Properties::default();
    for (key, value) in [
        ("log.dirs", &*folder),
        ("process.roles", "broker,controller"),
        ("listeners", &listeners),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        ("node.id", "1"),
        ("controller.quorum.voters", &format!("1@127.0.0.1:{},2@127.0.0.1:{}", ports[0], ports[1])),
        ("initial.broker.registration.timeout.ms", "1000"),
    ] {
        all.set(key, value, Origin::Embedder);
    }
    let refused = broker::serve(Config::new(all).unwrap()).await.err().unwrap().to_string();
    assert!(refused.contains("a node that is alone"), "{refused}");
    assert!(!std::path::Path::new(&*folder).join("metadata/quorum").exists(), "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_stop_of_all_leaves_a_relaxed_topic_with_its_leaders() {
    let folders = [folder(), folder(), folder()];
    let ports = ports::<3>();
    let nodes = three(&folders, &ports).await;
    until(&nodes[0], |metadata| metadata.brokers.len() == 3).await;
    let relaxed = CreatableTopicConfig { name: "flush.messages".into(), value: Some("1000".into()) };
    let topic = CreatableTopic {
        name: "relaxed".into(),
        num_partitions: 3,
        replication_factor: 3,
        configs: vec![relaxed],
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() };
    assert_eq!(raw(&nodes[0]).await.call(7, &request).await.topics[0].error_code, ErrorCode::NONE);
    for node in nodes {
        node.stop().await;
    }
    let nodes = three(&folders, &ports).await;
    let known = until(&nodes[0], |metadata| leaders(metadata, "relaxed").iter().all(|id| *id > 0)).await;
    let in_sync = &known.topics.iter().find(|one| one.name.as_deref() == Some("relaxed")).unwrap().partitions;
    assert!(in_sync.iter().all(|one| one.isr_nodes.contains(&one.leader_id)), "{in_sync:?}");
    for node in nodes {
        let image = node.broker().image();
        let epochs: Vec<_> = image.brokers().values().map(|broker| broker.epoch).collect();
        let topic = image.topic_named("relaxed").unwrap();
        let uncleanly = topic.partitions().values().filter(|one| one.leader_recovery_state != 0);
        assert_eq!(uncleanly.count(), 0, "nobody lost anything: {epochs:?}");
        node.stop().await;
    }
}
