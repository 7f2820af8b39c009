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
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
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
    with(folder, id, port, &[others]).await
}

async fn with(folder: &str, id: usize, port: u16, properties: &[(&str, &str)]) -> Handle {
    let listeners = format!("PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:{port}");
    let id = id.to_string();
    let own = [
        ("node.id", id.as_str()),
        ("process.roles", "broker,controller"),
        ("listeners", &listeners),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
    ];
    broker_in(folder, &[&own, properties].concat()).await
}

fn voters(ports: &[u16]) -> String {
    let voters: Vec<_> =
        ports.iter().enumerate().map(|(place, port)| format!("{}@127.0.0.1:{port}", place + 1)).collect();
    voters.join(",")
}

async fn node(folder: &str, id: usize, ports: &[u16]) -> Handle {
    told(folder, id, ports[id - 1], ("controller.quorum.voters", &voters(ports))).await
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
    create_many(node, name, replicas, 6).await
}

async fn create_many(node: &Handle, name: &'static str, replicas: i16, num_partitions: i32) -> ErrorCode {
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions,
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
    let request = add_voter(4, directory, four);
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
    // Its broker goes on as an observer.
    assert_eq!(create(&nodes[0], "after", 3).await, ErrorCode::NONE);
    until(&nodes[2], |metadata| metadata.topics.iter().any(|one| one.name.as_deref() == Some("after"))).await;
    let unreached = raw(&nodes[1]).await.call(1, &add_voter(9, directory, 9)).await;
    assert_eq!(unreached.error_code, ErrorCode::REQUEST_TIMED_OUT, "{:?}", unreached.error_message);
    assert_eq!(quorum(&nodes[0]).await.observers.len(), 1, "who was never reached is no member");
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
    let voters = format!("1@127.0.0.1:{},2@127.0.0.1:{}", ports[0], ports[1]);
    let refused = refusal(&folder, 1, ports[0], ("controller.quorum.voters", &voters)).await;
    assert!(refused.contains("a node that is alone"), "{refused}");
    assert!(!std::path::Path::new(&*folder).join("metadata/quorum").exists(), "nothing was begun");
}

/// Why a node does not start.
async fn refusal(folder: &str, id: i32, port: u16, others: (&str, &str)) -> String {
    let listeners = format!("PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:{port}");
    let mut all = Properties::default();
    for (key, value) in [
        ("log.dirs", folder),
        ("process.roles", "broker,controller"),
        ("listeners", &listeners),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        ("node.id", &id.to_string()),
        others,
        ("initial.broker.registration.timeout.ms", "2000"),
    ] {
        all.set(key, value, Origin::Embedder);
    }
    broker::serve(Config::new(all).unwrap()).await.err().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_alone_takes_its_topics_into_a_quorum_that_others_join() {
    let (folders, ports) = ([folder(), folder()], ports::<2>());
    let alone = broker_in(&folders[0], &[]).await;
    assert_eq!(create(&alone, "kept", 1).await, ErrorCode::NONE);
    let cluster = metadata(&alone).await.cluster_id;
    alone.stop().await;
    let servers = format!("127.0.0.1:{}", ports[0]);
    let others = ("controller.quorum.bootstrap.servers", servers.as_str());
    let mut first = told(&folders[0], 1, ports[0], others).await;
    for _ in 0..2 {
        let now = until(&first, |metadata| metadata.topics.len() == 1).await;
        assert_eq!(now.cluster_id, cluster);
        assert_eq!(leaders(&now, "kept"), [1; 6]);
        first.stop().await;
        first = told(&folders[0], 1, ports[0], others).await;
    }
    let second = told(&folders[1], 2, ports[1], others).await;
    let known = until(&second, |metadata| metadata.brokers.len() == 2).await;
    assert_eq!((known.cluster_id.as_ref(), leaders(&known, "kept")), (cluster.as_ref(), vec![1; 6]));
    assert_eq!(create(&second, "spread", 2).await, ErrorCode::NONE);
    give_vote(&first, 2, ports[1]).await;
    assert_eq!(quorum(&second).await.current_voters.len(), 2);
    for node in [first, second] {
        node.stop().await;
    }
}

/// Gives the only observer a vote.
async fn give_vote(node: &Handle, id: i32, port: u16) {
    let observers = quorum(node).await.observers;
    let directory = observers.iter().find(|observer| observer.replica_id == id).unwrap().replica_directory_id;
    let answer = raw(node).await.call(1, &add_voter(id, directory, port)).await;
    assert_eq!(answer.error_code, ErrorCode::NONE, "{:?}", answer.error_message);
}

fn add_voter(voter_id: i32, voter_directory_id: base::Uuid, port: u16) -> AddRaftVoterRequest {
    let listeners = vec![Listener { name: "CONTROLLER".into(), host: "127.0.0.1".into(), port }];
    let (cluster_id, timeout_ms) = (None, 10_000);
    AddRaftVoterRequest {
        cluster_id,
        voter_id,
        voter_directory_id,
        listeners,
        timeout_ms,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_point_at_each_other_never_become_two_clusters() {
    for by_voters in [false, true] {
        // A start that failed holds its folder until the process ends.
        let (folders, [one, two]) = ([folder(), folder()], ports::<2>());
        let (first, second) = match by_voters {
            false => (format!("127.0.0.1:{two}"), format!("127.0.0.1:{one}")),
            // They do not agree on who votes.
            true => {
                (format!("1@127.0.0.1:{one},2@127.0.0.1:{two}"), format!("2@127.0.0.1:{two},3@127.0.0.1:1"))
            }
        };
        let key = if by_voters { "controller.quorum.voters" } else { "controller.quorum.bootstrap.servers" };
        let (first, second) = tokio::join!(
            refusal(&folders[0], 1, one, (key, &first)),
            refusal(&folders[1], 2, two, (key, &second))
        );
        assert!(first.contains("no quorum") && second.contains("no quorum"), "{first} {second}");
        for folder in &folders {
            let log = std::path::Path::new(&**folder).join("metadata/quorum");
            assert!(!quorum::holds_log(&env::RealDisk, &log).unwrap(), "nothing was founded");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_id_with_other_directories_is_refused_while_its_broker_lives() {
    let (folders, ports) = ([folder(), folder()], ports::<2>());
    let servers = format!("127.0.0.1:{}", ports[0]);
    let first = told(&folders[0], 1, ports[0], ("controller.quorum.bootstrap.servers", &servers)).await;
    let refused = refusal(&folders[1], 1, ports[1], ("controller.quorum.bootstrap.servers", &servers)).await;
    assert!(refused.contains("another live broker has this node.id"), "{refused}");
    assert_eq!(create(&first, "a", 1).await, ErrorCode::NONE);
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_voter_and_a_killed_one_lose_no_metadata() {
    let (folders, ports) = ([folder(), folder(), folder()], ports::<3>());
    let mut nodes = three(&folders, &ports).await;
    assert_eq!(create(&nodes[0], "a", 3).await, ErrorCode::NONE);
    nodes.remove(0).stop().await;
    std::fs::remove_dir_all(&*folders[0]).unwrap();
    assert_eq!(create(&nodes[0], "b", 2).await, ErrorCode::NONE, "two of three go on");
    nodes.remove(0).stop().await;
    // The wiped one has no vote: with the third alone nothing is decided, and it waits.
    let begun = Instant::now();
    let late = async {
        sleep(Duration::from_secs(3)).await;
        node(&folders[1], 2, &ports).await
    };
    let early = async { (node(&folders[0], 1, &ports).await, begun.elapsed()) };
    let ((wiped, waited), back) = tokio::join!(early, late);
    assert!(waited > Duration::from_secs(3), "{waited:?}");
    for node in [&wiped, &back, &nodes[0]] {
        let known = until(node, |metadata| metadata.brokers.len() == 3).await;
        assert_eq!(known.topics.len(), 2);
    }
    let found = quorum(&back).await;
    assert_eq!(
        (found.current_voters.len(), found.observers.len()),
        (3, 1),
        "the old directory's vote stands"
    );
    for node in [wiped, back].into_iter().chain(nodes) {
        node.stop().await;
    }
}

/// The voters refused it again and again, and nothing was decided any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_clients_may_send_bounds_no_entry_of_the_metadata() {
    let folders = [folder(), folder(), folder()];
    let ports = ports::<3>();
    let voters = voters(&ports);
    let small = [("controller.quorum.voters", voters.as_str()), ("socket.request.max.bytes", "20000")];
    let start = |place: usize| with(&folders[place], place + 1, ports[place], &small);
    let (one, two, three) = tokio::join!(start(0), start(1), start(2));
    // Some ninety bytes a partition.
    assert_eq!(create_many(&one, "many", 3, 1000).await, ErrorCode::NONE);
    for node in [&one, &two, &three] {
        let is_whole =
            |metadata: &MetadataResponse| metadata.topics.iter().any(|topic| topic.partitions.len() == 1000);
        until(node, is_whole).await;
    }
    for node in [one, two, three] {
        node.stop().await;
    }
}
