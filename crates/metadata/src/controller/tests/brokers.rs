//! Registrations, heartbeats, features and producer ids.

use wire::messages::allocate_producer_ids::AllocateProducerIdsRequest;
use wire::messages::assign_replicas_to_dirs::{
    AssignReplicasToDirsRequest, DirectoryData, PartitionData, TopicData,
};
use wire::messages::create_topics::CreatableTopicConfig;
use wire::messages::unregister_broker::UnregisterBrokerRequest;
use wire::messages::update_features::{FeatureUpdateKey, UpdateFeaturesRequest};

use super::*;

#[test]
fn an_incarnation_is_replaced_by_its_own_node_alone() {
    let mut cluster = Cluster::of(1);
    let first = cluster.controller.image().brokers().get(&1).unwrap().epoch;
    let again = cluster.handle(&registration(1, 1, 1));
    assert_eq!((again.error_code, again.broker_epoch), (ErrorCode::NONE, first));
    let other_machine = cluster.handle(&registration(1, 9, 9));
    assert_eq!(other_machine.error_code, ErrorCode::DUPLICATE_BROKER_REGISTRATION);
    let stolen_directory = cluster.handle(&registration(2, 1, 9));
    assert_eq!(stolen_directory.error_code, ErrorCode::DUPLICATE_BROKER_REGISTRATION);
    let restarted = cluster.handle(&registration(1, 1, 2));
    assert_eq!((restarted.error_code, restarted.broker_epoch), (ErrorCode::NONE, first + 1));
    cluster.now_ms += 9000;
    assert_eq!(cluster.handle(&registration(1, 9, 9)).error_code, ErrorCode::NONE);
}

#[test]
fn a_restart_of_the_only_broker_raises_the_leader_epoch() {
    let mut cluster = Cluster::of(1);
    cluster.create(topic("t", 1, 1)).unwrap();
    cluster.start(1, 2);
    let partition = cluster.partition("t", 0);
    assert_eq!((partition.leader, &*partition.isr), (1, &[1][..]));
    assert!(partition.leader_epoch > 0);
}

#[test]
fn a_failed_directory_takes_leadership_from_what_lies_there_alone() {
    let mut cluster = Cluster::of(2);
    let both = vec![Uuid([2; 16]), Uuid([3; 16])];
    let with = |log_dirs: Vec<Uuid>, incarnation| BrokerRegistrationRequest {
        log_dirs,
        ..registration(2, 2, incarnation)
    };
    let epoch = cluster.handle(&with(both.clone(), 7)).broker_epoch;
    cluster.handle(&heartbeat(2, epoch));
    let topic_id = cluster.create(topic("t", 4, 2)).unwrap();
    let led = |cluster: &Cluster| -> Vec<i32> {
        (0..4).filter(|index| cluster.partition("t", *index).leader == 2).collect()
    };
    let before = led(&cluster);
    let there = *before.first().expect("2 leads something");
    let assign = |epoch| AssignReplicasToDirsRequest {
        broker_id: 2,
        broker_epoch: epoch,
        directories: vec![DirectoryData {
            id: both[1],
            topics: vec![TopicData {
                topic_id: topic_id.0,
                partitions: vec![PartitionData { partition_index: there }],
            }],
        }],
    };
    assert_eq!(
        cluster.handle(&assign(epoch)).directories[0].topics[0].partitions[0].error_code,
        ErrorCode::NONE
    );
    assert_eq!(led(&cluster), before, "a directory that works changes no leader");
    cluster.handle(&BrokerHeartbeatRequest { offline_log_dirs: vec![both[1]], ..heartbeat(2, epoch) });
    cluster.handle(&assign(epoch));
    assert_eq!((cluster.partition("t", there).leader, &*cluster.partition("t", there).isr), (1, &[1][..]));
    assert_eq!(led(&cluster).len(), before.len() - 1, "the others stay");
    assert_eq!(cluster.handle(&assign(epoch - 1)).error_code, ErrorCode::STALE_BROKER_EPOCH);

    // 1 goes as well: what is left in the failed directory does not lead.
    cluster.now_ms = 9000;
    cluster.controller.contacted(2, epoch, 9000);
    assert_eq!(cluster.handle(&FenceExpired), [1]);
    assert_eq!(cluster.partition("t", there).leader, -1);
    let place = cluster.partition("t", there).replicas.iter().position(|id| *id == 2).unwrap();
    let again = cluster.handle(&with(vec![both[0], Uuid([4; 16])], 8)).broker_epoch;
    assert_eq!(cluster.partition("t", there).directories[place], Uuid::ZERO, "it may lie anywhere now");
    assert!(again > epoch);
}

#[test]
fn what_an_earlier_incarnation_says_does_not_fence_the_later_one() {
    let mut cluster = Cluster::of(2);
    let before = cluster.controller.image().brokers().get(&2).unwrap().epoch;
    let now = cluster.start(2, 9);
    cluster.handle(&heartbeat(2, before));
    cluster.controller.contacted(2, before, cluster.now_ms);
    assert_eq!(cluster.handle(&FenceExpired), []);
    assert!(now > before);
}

#[test]
fn a_new_machine_with_the_id_of_a_forgotten_one_does_not_lead_what_that_one_had() {
    let mut cluster = Cluster::of(3);
    let mut replicated = topic("t", 1, 3);
    replicated
        .configs
        .push(CreatableTopicConfig { name: "min.insync.replicas".into(), value: Some("3".into()) });
    cluster.create(replicated).unwrap();
    let leader = cluster.partition("t", 0).leader;
    let gone = (1..=3).find(|id| *id != leader).unwrap();
    cluster.controller.forget(gone);
    assert_eq!(cluster.handle(&FenceExpired), [gone]);
    assert_eq!(*cluster.partition("t", 0).elr, [gone]);
    let forgotten = UnregisterBrokerRequest { broker_id: gone };
    assert_eq!(cluster.handle(&forgotten).error_code, ErrorCode::NONE);
    let other_disk = BrokerRegistrationRequest { log_dirs: vec![Uuid([7; 16])], ..registration(gone, 7, 7) };
    let epoch = cluster.handle(&other_disk).broker_epoch;
    cluster.handle(&heartbeat(gone, epoch));
    assert_eq!(*cluster.partition("t", 0).elr, []);
}

#[test]
fn a_silent_broker_is_fenced_and_others_lead() {
    let mut cluster = Cluster::of(2);
    cluster.create(topic("t", 4, 2)).unwrap();
    cluster.now_ms = 8999;
    assert_eq!(cluster.handle(&FenceExpired), []);
    let epoch = cluster.controller.image().brokers().get(&1).unwrap().epoch;
    cluster.controller.contacted(1, epoch, cluster.now_ms);
    cluster.now_ms = 9000;
    assert_eq!(cluster.handle(&FenceExpired), [2]);
    assert_eq!(cluster.handle(&FenceExpired), [], "once is enough");
    for index in 0..4 {
        let partition = cluster.partition("t", index);
        assert_eq!((partition.leader, &*partition.isr), (1, &[1][..]));
    }
    cluster.now_ms = 20_000;
    assert_eq!(cluster.handle(&FenceExpired), [1]);
    let orphan = cluster.partition("t", 0);
    assert_eq!(
        (orphan.leader, &*orphan.isr, &*orphan.elr),
        (-1, &[][..], &[1][..]),
        "the last one may lead again"
    );
    cluster.handle(&heartbeat(2, cluster.controller.image().brokers().get(&2).unwrap().epoch));
    assert_eq!(cluster.partition("t", 0).leader, -1, "a replica that misses records does not lead");
    cluster.handle(&heartbeat(1, epoch));
    assert_eq!(cluster.partition("t", 0).leader, 1);
}

#[test]
fn a_broker_that_stops_hands_on_what_it_leads() {
    let mut cluster = Cluster::of(2);
    cluster.create(topic("t", 4, 2)).unwrap();
    let epoch = |cluster: &Cluster, id| cluster.controller.image().brokers().get(&id).unwrap().epoch;
    let stop = |epoch, id| BrokerHeartbeatRequest { want_shut_down: true, ..heartbeat(id, epoch) };
    let two = epoch(&cluster, 2);
    cluster.handle(&stop(two, 2));
    assert!((0..4).all(|index| cluster.partition("t", index).leader == 1));
    assert!(cluster.handle(&stop(two, 2)).should_shut_down);
    let one = epoch(&cluster, 1);
    assert!(cluster.handle(&stop(one, 1)).should_shut_down, "nobody is left to wait for");
    let stale = cluster.handle(&heartbeat(1, one - 1));
    assert_eq!(stale.error_code, ErrorCode::STALE_BROKER_EPOCH);
}

#[test]
fn unknown_brokers_cannot_be_removed() {
    let mut cluster = Cluster::of(2);
    let gone = |cluster: &mut Cluster, broker_id| {
        let answer = cluster.handle(&UnregisterBrokerRequest { broker_id });
        told(answer.error_code, answer.error_message.as_deref())
    };
    assert_eq!(gone(&mut cluster, 7), "BROKER_ID_NOT_REGISTERED: Broker ID 7 is not currently registered");
    assert_eq!(gone(&mut cluster, 2), "NONE");
    assert_eq!(cluster.controller.image().brokers().len(), 1);
}

#[test]
fn no_producer_id_is_given_twice() {
    let mut cluster = Cluster::of(1);
    let broker_epoch = cluster.controller.image().brokers().get(&1).unwrap().epoch;
    let ask = AllocateProducerIdsRequest { broker_id: 1, broker_epoch };
    for start in [0, 1000, 2000] {
        let block = cluster.handle(&ask);
        assert_eq!((block.producer_id_start, block.producer_id_len), (start, 1000));
    }
    let stale = AllocateProducerIdsRequest { broker_id: 1, broker_epoch: broker_epoch - 1 };
    assert_eq!(cluster.handle(&stale).error_code, ErrorCode::STALE_BROKER_EPOCH);
}

#[test]
fn features_change_within_what_everybody_supports() {
    let mut cluster = Cluster::of(1);
    let update = |cluster: &mut Cluster, feature: &str, level, upgrade_type| {
        let update = FeatureUpdateKey {
            feature: feature.into(),
            max_version_level: level,
            upgrade_type,
            ..Default::default()
        };
        let request = UpdateFeaturesRequest { feature_updates: vec![update], ..Default::default() };
        let answer = cluster.handle(&request);
        told(answer.error_code, answer.error_message.as_deref())
    };
    let failed = "INVALID_UPDATE_VERSION: The update failed for all features since the following feature had an error: Invalid update version";
    let cases = [
        ("nosuch", 1, 1, "1 for feature nosuch. Local controller 1 does not support this feature."),
        (
            "group.version",
            100,
            1,
            "100 for feature group.version. Local controller 1 only supports versions 0-1",
        ),
        ("group.version", 1, 1, "1 for feature group.version. Broker 1 does not support this feature."),
        (
            "metadata.version",
            29,
            1,
            "29 for feature metadata.version. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
        ),
    ];
    for (feature, level, kind, wanted) in cases {
        assert_eq!(update(&mut cluster, feature, level, kind), [failed, wanted].join(" "));
    }
    assert_eq!(update(&mut cluster, "metadata.version", 29, 2), "NONE");
    assert_eq!(cluster.controller.image().feature("metadata.version"), 29);
}
