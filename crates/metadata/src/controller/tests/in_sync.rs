//! In-sync and eligible leader replicas: AlterPartition, fences, lost disks.

use wire::messages::alter_partition::{AlterPartitionRequest, BrokerState, PartitionData, TopicData};
use wire::messages::create_topics::CreatableTopicConfig;
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::*;
use crate::image::ConfigResource;
use crate::record::ConfigRecord;

impl Cluster {
    /// Three brokers, and a partition `t-0` on all of them, led by the first of its replicas.
    fn replicated(configs: &[(&str, &str)]) -> Self {
        let mut cluster = Self::of(3);
        let configs = configs
            .iter()
            .map(|(name, value)| CreatableTopicConfig { name: (*name).into(), value: Some((*value).into()) });
        cluster.create(CreatableTopic { configs: configs.collect(), ..topic("t", 1, 3) }).unwrap();
        cluster
    }

    fn epoch(&self, broker: i32) -> i64 {
        self.controller.image().brokers().get(&broker).unwrap().epoch
    }

    fn replicas(&self) -> Vec<i32> {
        self.partition("t", 0).replicas.clone()
    }

    /// Leader, ISR and eligible replicas, by the place of the broker in the list of replicas.
    fn state(&self) -> (i32, Vec<usize>, Vec<usize>) {
        let partition = self.partition("t", 0);
        let place = |id: &i32| partition.replicas.iter().position(|replica| replica == id).unwrap();
        let places = |ids: &[i32]| ids.iter().map(place).collect();
        let leader = partition.replicas.iter().position(|replica| *replica == partition.leader);
        (leader.map_or(-1, |place| place as i32), places(&partition.isr), places(&partition.elr))
    }

    fn question(&self, isr: &[i32]) -> AlterPartitionRequest {
        let partition = self.partition("t", 0);
        let member = |id: &i32| BrokerState { broker_id: *id, broker_epoch: self.epoch(*id) };
        let data = PartitionData {
            partition_index: 0,
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            new_isr_with_epochs: isr.iter().map(member).collect(),
            ..Default::default()
        };
        let topic_id = self.controller.image().topic_named("t").unwrap().id().0;
        AlterPartitionRequest {
            broker_id: partition.leader,
            broker_epoch: self.epoch(partition.leader),
            topics: vec![TopicData { topic_id, partitions: vec![data] }],
        }
    }

    fn ask(&mut self, request: &AlterPartitionRequest) -> ErrorCode {
        let answer = self.handle(request);
        let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
        partition.map_or(answer.error_code, |partition| partition.error_code)
    }

    fn fence(&mut self, place: usize) {
        let id = self.replicas()[place];
        let beat = BrokerHeartbeatRequest { want_fence: true, ..heartbeat(id, self.epoch(id)) };
        self.handle(&beat);
    }

    fn unfence(&mut self, place: usize) {
        let id = self.replicas()[place];
        self.handle(&heartbeat(id, self.epoch(id)));
    }

    /// A new incarnation, over the same directory or an empty one, that says how the last one ended.
    fn restart(&mut self, place: usize, same_dir: bool, previous_broker_epoch: i64) {
        let id = self.replicas()[place];
        let dir = if same_dir { id as u8 } else { 100 + id as u8 };
        self.controller.forget(id);
        let asked =
            BrokerRegistrationRequest { previous_broker_epoch, ..registration(id, dir, 50 + id as u8) };
        let answer = self.handle(&asked);
        assert_eq!(answer.error_code, ErrorCode::NONE);
        self.controller.contacted(id, answer.broker_epoch, self.now_ms);
    }
}

type Edit = fn(&mut AlterPartitionRequest);

#[test]
fn leaders_alter_their_isr_within_the_epochs_they_know() {
    let mut cluster = Cluster::replicated(&[]);
    let replicas = cluster.replicas();
    let smaller = cluster.question(&replicas[..2]);
    assert_eq!(cluster.ask(&smaller), ErrorCode::NONE);
    assert_eq!(cluster.state(), (0, vec![0, 1], vec![]));
    assert_eq!(cluster.ask(&smaller), ErrorCode::INVALID_UPDATE_VERSION, "granted once");
    let whole = cluster.question(&replicas);
    let edits: [(Edit, ErrorCode); 6] = [
        (|asked| asked.broker_epoch += 1, ErrorCode::STALE_BROKER_EPOCH),
        (|asked| asked.topics[0].partitions[0].leader_epoch -= 1, ErrorCode::FENCED_LEADER_EPOCH),
        (|asked| asked.topics[0].partitions[0].leader_epoch += 1, ErrorCode::NOT_CONTROLLER),
        (|asked| asked.topics[0].topic_id = Uuid([9; 16]), ErrorCode::UNKNOWN_TOPIC_ID),
        (
            |asked| {
                asked.topics[0].partitions[0].new_isr_with_epochs.remove(0);
            },
            ErrorCode::INVALID_REQUEST,
        ),
        (
            |asked| asked.topics[0].partitions[0].new_isr_with_epochs[2].broker_epoch -= 1,
            ErrorCode::INELIGIBLE_REPLICA,
        ),
    ];
    for (edit, expected) in edits {
        let mut asked = whole.clone();
        edit(&mut asked);
        assert_eq!(cluster.ask(&asked), expected);
    }
    cluster.fence(2);
    let whole = cluster.question(&replicas);
    assert_eq!(cluster.ask(&whole), ErrorCode::INELIGIBLE_REPLICA, "a fenced broker is not in sync");
    let before = cluster.partition("t", 0).partition_epoch;
    let same = cluster.question(&replicas[..2]);
    assert_eq!(cluster.ask(&same), ErrorCode::NONE);
    assert_eq!(cluster.partition("t", 0).partition_epoch, before + 1, "earlier questions are void now");
}

#[test]
fn below_min_isr_who_leaves_stays_eligible() {
    let mut cluster = Cluster::replicated(&[("min.insync.replicas", "2")]);
    for (fence, expected) in
        [(2, (0, vec![0, 1], vec![])), (1, (0, vec![0], vec![1])), (0, (-1, vec![], vec![1, 0]))]
    {
        cluster.fence(fence);
        assert_eq!(cluster.state(), expected, "without {fence}");
    }
    cluster.unfence(2);
    assert_eq!(cluster.state().0, -1, "it may lack what was committed");
    cluster.unfence(1);
    assert_eq!(cluster.state(), (1, vec![1], vec![0]));
    let replicas = cluster.replicas();
    let larger = cluster.question(&replicas[1..]);
    assert_eq!(cluster.ask(&larger), ErrorCode::NONE);
    assert_eq!(cluster.state(), (1, vec![1, 2], vec![]), "enough are in sync again");
}

#[test]
fn whoever_comes_back_without_its_data_is_not_eligible() {
    for (configs, same_dir, previous, expected) in [
        (&[][..], true, -1, (0, vec![0], vec![1])),
        (&[][..], false, -1, (1, vec![1], vec![])),
        (&[("flush.messages", "1000")][..], true, -1, (1, vec![1], vec![])),
        (&[("flush.messages", "1")][..], true, -1, (0, vec![0], vec![1])),
        (&[("flush.messages", "1000")][..], true, 0, (0, vec![0], vec![1])),
    ] {
        let mut cluster = Cluster::replicated(&[&[("min.insync.replicas", "2")], configs].concat());
        cluster.fence(2);
        cluster.fence(1);
        cluster.fence(0);
        let previous = if previous == 0 { cluster.epoch(cluster.replicas()[0]) } else { previous };
        cluster.restart(0, same_dir, previous);
        cluster.unfence(0);
        if expected.0 == 1 {
            assert_eq!(cluster.state(), (-1, vec![], vec![1]), "{configs:?} {same_dir}");
            cluster.unfence(1);
        }
        assert_eq!(cluster.state(), expected, "{configs:?} {same_dir} {previous}");
    }
}

#[test]
fn where_nobody_has_all_the_last_leader_leads_again() {
    for (same_dir, expected) in [(true, (0, vec![0], vec![])), (false, (-1, vec![], vec![]))] {
        let relaxed = [("min.insync.replicas", "2"), ("flush.messages", "1000")];
        let mut cluster = Cluster::replicated(&relaxed);
        [2, 1, 0].into_iter().for_each(|place| cluster.fence(place));
        assert_eq!(cluster.partition("t", 0).last_known_elr, [cluster.replicas()[0]]);
        for place in [0, 2] {
            cluster.restart(place, place == 2 || same_dir, -1);
            cluster.unfence(place);
            assert_eq!(cluster.state(), (-1, vec![], vec![1]), "one that has all may yet come");
        }
        cluster.restart(1, true, -1);
        cluster.unfence(1);
        assert_eq!(cluster.state(), expected, "an empty disk is waited for: {same_dir}");
        let partition = cluster.partition("t", 0);
        assert_eq!(partition.leader_recovery_state, i8::from(same_dir));
        assert_eq!(partition.last_known_elr, [], "known only while it may help");
    }
}

#[test]
fn the_only_replica_leads_again_even_with_an_empty_disk() {
    let mut cluster = Cluster::of(2);
    cluster.create(topic("t", 1, 1)).unwrap();
    cluster.fence(0);
    cluster.restart(0, false, -1);
    cluster.unfence(0);
    let partition = cluster.partition("t", 0);
    assert_eq!((partition.leader, partition.leader_recovery_state), (partition.replicas[0], 1));
}

#[test]
fn a_lower_min_isr_ends_eligibility() {
    let mut cluster = Cluster::replicated(&[("min.insync.replicas", "2")]);
    cluster.fence(2);
    cluster.fence(1);
    assert_eq!(cluster.state(), (0, vec![0], vec![1]));
    let config =
        AlterableConfig { name: "min.insync.replicas".into(), config_operation: 0, value: Some("1".into()) };
    let resource =
        AlterConfigsResource { resource_type: 2, resource_name: "t".into(), configs: vec![config] };
    cluster.handle(&IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() });
    assert_eq!(cluster.state(), (0, vec![0], vec![]), "from now on one alone commits");
}

#[test]
fn unclean_election_where_the_topic_allows_it() {
    let mut cluster = Cluster::replicated(&[("unclean.leader.election.enable", "true")]);
    cluster.fence(2);
    cluster.fence(1);
    cluster.fence(0);
    cluster.unfence(2);
    assert_eq!(cluster.state(), (2, vec![2], vec![]));
    assert_eq!(cluster.partition("t", 0).leader_recovery_state, 1);
}

#[test]
fn a_controller_that_takes_over_writes_its_min_isr_for_all_and_judges_by_it() {
    const MIN_ISR: &str = "min.insync.replicas";
    let mut cluster = Cluster::replicated(&[]);
    assert_eq!(cluster.controller.unify_min_isr(), [], "its properties have none");
    cluster.controller.settings.static_configs.insert(MIN_ISR.into(), "2".into());
    cluster.controller.settings.one_min_isr = false;
    assert_eq!(cluster.controller.unify_min_isr(), [], "alone");
    cluster.controller.settings.one_min_isr = true;
    let on_one = ConfigRecord {
        resource_type: 4,
        resource_name: "1".into(),
        name: MIN_ISR.into(),
        value: Some("3".into()),
    };
    cluster.replay(&[on_one.into()]);
    let records = cluster.controller.unify_min_isr();
    cluster.replay(&records);
    let image = cluster.controller.image();
    assert_eq!(image.config(&ConfigResource::all_brokers(), MIN_ISR).map(|text| text.as_str()), Some("2"));
    assert_eq!(image.config(&ConfigResource::broker(1), MIN_ISR), None);
    assert_eq!(cluster.controller.unify_min_isr(), [], "once");
    // Another one, with another file, judges by the same.
    cluster.controller.settings.static_configs.insert(MIN_ISR.into(), "1".into());
    assert_eq!(cluster.controller.unify_min_isr(), []);
    cluster.fence(2);
    cluster.fence(1);
    assert_eq!(cluster.state(), (0, vec![0], vec![1]), "two are asked for: the second is eligible");
    for (name, operation, refused) in [("1", 0, "Broker-level"), ("", 1, "Cluster-level"), ("", 0, "")] {
        let config =
            AlterableConfig { name: MIN_ISR.into(), config_operation: operation, value: Some("3".into()) };
        let resource =
            AlterConfigsResource { resource_type: 4, resource_name: name.into(), configs: vec![config] };
        let asked = IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() };
        let said = cluster.handle(&asked).responses[0].error_message.clone().unwrap_or_default();
        assert!(said.starts_with(refused) && said.is_empty() == refused.is_empty(), "{name:?}: {said}");
    }
}

#[test]
fn who_was_eligible_by_the_number_of_one_broker_is_not_once_all_judge_by_another() {
    const MIN_ISR: &str = "min.insync.replicas";
    let mut cluster = Cluster::replicated(&[]);
    let on = |broker: &str, value: &str| ConfigRecord {
        resource_type: 4,
        resource_name: broker.into(),
        name: MIN_ISR.into(),
        value: Some(value.into()),
    };
    cluster.replay(&[on("", "2").into(), on("1", "3").into()]);
    cluster.fence(2);
    assert_eq!(cluster.state(), (0, vec![0, 1], vec![2]), "eligible by the controller's own number");
    let records = cluster.controller.unify_min_isr();
    cluster.replay(&records);
    assert_eq!(cluster.state(), (0, vec![0, 1], vec![]));
    assert_eq!(cluster.controller.image().config(&ConfigResource::broker(1), MIN_ISR), None);
}
