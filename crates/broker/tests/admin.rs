//! Administration over a bare socket: what the controller decides is committed, told, and there again after a restart.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use base::Uuid;
use broker::config::{Config, Origin, Properties};
use common::{Raw, broker};
use wire::ErrorCode;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::describe_cluster::DescribeClusterRequest;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResult,
};
use wire::messages::describe_log_dirs::DescribeLogDirsRequest;
use wire::messages::describe_topic_partitions::{Cursor, DescribeTopicPartitionsRequest};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::list_config_resources::ListConfigResourcesRequest;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const GROUP: i8 = 32;

async fn create(
    raw: &mut Raw,
    name: &'static str,
    partitions: i32,
    configs: &[(&'static str, &'static str)],
) -> Uuid {
    let configs = configs.iter();
    let configs = configs
        .map(|(name, value)| CreatableTopicConfig { name: (*name).into(), value: Some((*value).into()) });
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: 1,
        configs: configs.collect(),
        ..Default::default()
    };
    let answer = raw.call(7, &CreateTopicsRequest { topics: vec![topic], ..Default::default() }).await;
    assert_eq!(answer.topics[0].error_code, ErrorCode::NONE, "{:?}", answer.topics[0].error_message);
    answer.topics[0].topic_id
}

async fn describe(raw: &mut Raw, kind: i8, name: &'static str) -> DescribeConfigsResult {
    let resource =
        DescribeConfigsResource { resource_type: kind, resource_name: name.into(), configuration_keys: None };
    let request = DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: true,
        include_documentation: true,
    };
    raw.call(4, &request).await.results.remove(0)
}

fn value(result: &DescribeConfigsResult, name: &str) -> (Option<String>, i8) {
    let config = result.configs.iter().find(|config| config.name == *name).unwrap();
    (config.value.as_ref().map(ToString::to_string), config.config_source)
}

async fn set(
    raw: &mut Raw,
    kind: i8,
    resource: &'static str,
    name: &'static str,
    value: &'static str,
) -> ErrorCode {
    let config = AlterableConfig { name: name.into(), config_operation: 0, value: Some(value.into()) };
    let resource =
        AlterConfigsResource { resource_type: kind, resource_name: resource.into(), configs: vec![config] };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    raw.call(1, &request).await.responses.remove(0).error_code
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_come_and_go() {
    let handle = broker(&[]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    let id = create(&mut raw, "orders", 3, &[]).await;
    let answer = raw.call(12, &MetadataRequest { topics: None, ..Default::default() }).await;
    let orders = &answer.topics[0];
    assert_eq!((orders.topic_id, orders.partitions.len()), (id, 3));
    assert!(orders.partitions.iter().all(|partition| partition.leader_id == 1));
    let state = DeleteTopicState { name: None, topic_id: id };
    let deleted = raw.call(6, &DeleteTopicsRequest { topics: vec![state], ..Default::default() }).await;
    assert_eq!(deleted.responses[0].name.as_deref(), Some("orders"));
    let answer = raw.call(12, &MetadataRequest { topics: None, ..Default::default() }).await;
    assert_eq!(answer.topics, []);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_is_there_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("mekong-admin-restart-{}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    let start = || async {
        let mut all = Properties::default();
        all.set("log.dirs", folder.to_str().unwrap(), Origin::Embedder);
        all.set("listeners", "PLAINTEXT://127.0.0.1:0", Origin::Embedder);
        broker::serve(Config::new(all).unwrap()).await.unwrap()
    };
    let mut cluster = None;
    let mut producers = Vec::new();
    for round in 0..3 {
        let handle = start().await;
        let mut raw = Raw::connect(handle.address().unwrap()).await;
        if round == 0 {
            create(&mut raw, "kept", 2, &[("retention.ms", "7")]).await;
        }
        let told = raw.call(2, &DescribeClusterRequest { endpoint_type: 1, ..Default::default() }).await;
        assert_eq!(told.brokers.len(), 1);
        assert_eq!(*cluster.get_or_insert(told.cluster_id.clone()), told.cluster_id);
        let configs = describe(&mut raw, TOPIC, "kept").await;
        assert_eq!(value(&configs, "retention.ms"), (Some("7".into()), 1));
        let request = InitProducerIdRequest { transactional_id: None, ..Default::default() };
        for _ in 0..2 {
            producers.push(raw.call(4, &request).await.producer_id);
        }
        handle.stop().await;
    }
    assert_eq!(producers, [0, 1, 1000, 1001, 2000, 2001], "no identity is given twice");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn configs_are_told_with_their_sources() {
    let handle = broker(&[("log.retention.ms", "5000")]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    create(&mut raw, "t", 1, &[]).await;
    let topic = describe(&mut raw, TOPIC, "t").await;
    assert_eq!(topic.configs.len(), 33);
    assert_eq!(value(&topic, "retention.ms"), (Some("5000".into()), 4));
    assert_eq!(set(&mut raw, BROKER, "", "log.retention.ms", "6000").await, ErrorCode::NONE);
    assert_eq!(value(&describe(&mut raw, TOPIC, "t").await, "retention.ms"), (Some("6000".into()), 3));
    assert_eq!(describe(&mut raw, BROKER, "").await.configs.len(), 1);
    let own = describe(&mut raw, BROKER, "1").await;
    assert_eq!(own.configs.len(), 340);
    assert!(own.configs.iter().all(|config| config.documentation.is_some() && config.config_type > 0));
    assert_eq!(value(&own, "node.id"), (Some("1".into()), 4));
    assert_eq!(set(&mut raw, BROKER, "1", "node.id", "2").await, ErrorCode::INVALID_REQUEST);
    assert_eq!(describe(&mut raw, BROKER, "7").await.error_code, ErrorCode::INVALID_REQUEST);
    assert_eq!(describe(&mut raw, TOPIC, "nosuch").await.error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let all = raw.call(1, &ListConfigResourcesRequest::default()).await;
    let names: Vec<_> =
        all.config_resources.iter().map(|one| (one.resource_type, one.resource_name.to_string())).collect();
    assert_eq!(names, [(2, "t".into()), (4, "1".into()), (8, "1".into())]);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_levels_change_while_running() {
    let handle = broker(&[]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    assert_eq!(value(&describe(&mut raw, BROKER_LOGGER, "1").await, "log"), (Some("INFO".into()), 6));
    for (name, level, code) in [
        ("log", "DEBUG", ErrorCode::NONE),
        ("log", "LOUD", ErrorCode::INVALID_CONFIG),
        ("no.such", "DEBUG", ErrorCode::INVALID_CONFIG),
    ] {
        assert_eq!(set(&mut raw, BROKER_LOGGER, "1", name, level).await, code, "{name}={level}");
    }
    let told = describe(&mut raw, BROKER_LOGGER, "1").await;
    assert_eq!((value(&told, "log").0, value(&told, "net").0), (Some("DEBUG".into()), Some("INFO".into())));
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_told_page_by_page() {
    // A page is as long as the client asks, and never longer than the broker allows.
    for (limit, properties) in [(2, &[][..]), (2000, &[("max.request.partition.size.limit", "2")])] {
        let handle = broker(properties).await;
        let mut raw = Raw::connect(handle.address().unwrap()).await;
        for (name, partitions) in [("a", 2), ("b", 3), ("c", 1)] {
            create(&mut raw, name, partitions, &[]).await;
        }
        let page = |topics: &[(&str, usize)]| {
            topics.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let wanted: Vec<Vec<_>> = vec![page(&[("a", 2)]), page(&[("b", 2)]), page(&[("b", 1), ("c", 1)])];
        assert_eq!(pages(&mut raw, limit).await, wanted, "{limit}");
        handle.stop().await;
    }
}

/// All partitions by page, as topics with how many of each the page has.
async fn pages(raw: &mut Raw, response_partition_limit: i32) -> Vec<Vec<(String, usize)>> {
    let (mut cursor, mut pages) = (None::<Cursor>, Vec::new());
    loop {
        let request =
            DescribeTopicPartitionsRequest { response_partition_limit, cursor, ..Default::default() };
        let answer = raw.call(0, &request).await;
        let topics = answer.topics.iter();
        let page =
            topics.map(|topic| (topic.name.clone().unwrap().to_string(), topic.partitions.len())).collect();
        pages.push(page);
        let Some(next) = answer.next_cursor else { return pages };
        cursor = Some(Cursor { topic_name: next.topic_name, partition_index: next.partition_index });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_told_with_their_room() {
    let handle = broker(&[]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    create(&mut raw, "t", 2, &[]).await;
    let told = raw.call(5, &DescribeLogDirsRequest { topics: None }).await.results;
    assert_eq!(told.len(), 1);
    assert!(told[0].total_bytes > 0 && told[0].usable_bytes > 0 && told[0].log_dir.starts_with('/'));
    assert_eq!(told[0].topics[0].partitions.len(), 2);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cordoned_folder_takes_nothing_new() {
    let handle = broker(&[]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    create(&mut raw, "before", 1, &[]).await;
    assert_eq!(set(&mut raw, BROKER, "1", "cordoned.log.dirs", "*").await, ErrorCode::NONE);
    let topic = CreatableTopic {
        name: "after".into(),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    let mut code = ErrorCode::NONE;
    for _ in 0..100 {
        let validate = CreateTopicsRequest { validate_only: true, ..request.clone() };
        code = raw.call(7, &validate).await.topics[0].error_code;
        if code.is_error() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(code, ErrorCode::INVALID_REPLICATION_FACTOR);
    assert!(raw.call(5, &DescribeLogDirsRequest { topics: None }).await.results[0].is_cordoned);
    assert_eq!(set(&mut raw, BROKER, "1", "cordoned.log.dirs", "").await, ErrorCode::NONE);
    for _ in 0..100 {
        code = raw.call(7, &request).await.topics[0].error_code;
        if !code.is_error() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(code, ErrorCode::NONE);
    handle.stop().await;
}

/// A few bytes asked for again and again would have been answered with as many whole answers.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_again_and_again_is_answered_once() {
    let handle = broker(&[]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    create(&mut raw, "t", 2, &[]).await;
    let topic = MetadataRequestTopic { name: Some("t".into()), ..Default::default() };
    let request = MetadataRequest { topics: Some(vec![topic; 1000]), ..Default::default() };
    let told = raw.call(12, &request).await.topics;
    assert_eq!(told.len(), 1);
    // An id is answered whatever name stands beside it; before version 12 there are none.
    let by_id = |number: i32| MetadataRequestTopic {
        topic_id: told[0].topic_id,
        name: Some(number.to_string().into()),
    };
    let request = MetadataRequest { topics: Some((0..1000).map(by_id).collect()), ..Default::default() };
    assert_eq!(raw.call(12, &request).await.topics.len(), 1);
    let refused = raw.call(10, &request).await.topics;
    assert!(refused.iter().all(|topic| topic.error_code == ErrorCode::INVALID_REQUEST));
    assert!(refused.iter().all(|topic| topic.partitions.is_empty()));
    let request = ListConfigResourcesRequest { resource_types: vec![TOPIC; 1000] };
    assert_eq!(raw.call(1, &request).await.config_resources.len(), 1);
    let resource = |resource_type, name: String| DescribeConfigsResource {
        resource_type,
        resource_name: name.into(),
        ..Default::default()
    };
    let request =
        DescribeConfigsRequest { resources: vec![resource(TOPIC, "t".into()); 1000], ..Default::default() };
    assert_eq!(raw.call(4, &request).await.results.len(), 1);
    // Groups have configs whether they are there or not.
    let groups = (0..80_000).map(|number| resource(GROUP, number.to_string())).collect();
    let told = raw.call(4, &DescribeConfigsRequest { resources: groups, ..Default::default() }).await.results;
    let entries: usize = told.iter().map(|one| one.configs.len()).sum();
    assert!((500_000..501_000).contains(&entries), "{entries}");
    assert_eq!(told.last().unwrap().error_code, ErrorCode::INVALID_REQUEST);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_not_there_are_made_together() {
    let handle = broker(&[]).await;
    let mut raw = Raw::connect(handle.address().unwrap()).await;
    create(&mut raw, "old", 1, &[]).await;
    let named = |name: String| MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
    let names = ["old", "no/name", "__transaction_state"].map(str::to_owned).into_iter();
    let asked: Vec<_> = names.chain((0..250).map(|number| format!("t{number}"))).map(named).collect();
    let request =
        MetadataRequest { topics: Some(asked), allow_auto_topic_creation: true, ..Default::default() };
    let told = raw.call(12, &request).await.topics;
    let refused = |topic: &&wire::messages::metadata::MetadataResponseTopic| topic.error_code.is_error();
    let errors: Vec<_> =
        told.iter().filter(refused).map(|topic| (topic.name.as_deref(), topic.error_code)).collect();
    let invalid = ErrorCode::INVALID_TOPIC_EXCEPTION;
    assert_eq!(errors, [(Some("no/name"), invalid), (Some("__transaction_state"), invalid)]);
    assert_eq!(told.iter().filter(|topic| topic.partitions.len() == 1).count(), 251);
    handle.stop().await;
}
