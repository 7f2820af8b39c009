//! CreateTopics: names, counts, assignments and configs are checked topic by topic; a bad one does not stop the others.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use base::{Str, TopicId, Uuid};
use wire::ErrorCode;
use wire::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};

use super::topic_name::check_topic_name;
use super::{ApiError, Command, Controller, Draws, Moment, Outcome, owned};
use crate::config::topic_config_entries;
use crate::image::{ResourceType, metric_name};
use crate::map::Map;
use crate::record::{ConfigRecord, PartitionRecord, Record, TopicRecord};

/// No more partitions than this are created by one request, as in Kafka.
const PARTITIONS_PER_REQUEST_MAX: i64 = 10_000;

impl Command for CreateTopicsRequest {
    type Answer = CreateTopicsResponse;

    fn decide(&self, controller: &Controller, at: Moment) -> Outcome<CreateTopicsResponse> {
        let mut draws = Draws::new(at.seed);
        let mut taken = Taken::default();
        let (mut records, mut topics) = (Vec::new(), Vec::new());
        let repeated = repeated(self.topics.iter().map(|topic| &topic.name));
        let too_many = controller.too_many(self.topics.iter().map(partitions_asked));
        for topic in self.topics.iter().filter(|topic| !repeated.contains(&topic.name)) {
            let created = match &too_many {
                Some(error) => Err(error.clone()),
                None => controller.create_topic(topic, &mut taken, &mut draws),
            };
            topics.push(match created {
                Ok((new, result)) => {
                    records.extend(new);
                    result
                }
                Err(error) => failed(&topic.name, error),
            });
        }
        let twice = ApiError::fixed(ErrorCode::INVALID_REQUEST, "Duplicate topic name.");
        topics.extend(repeated.iter().map(|name| failed(name, twice.clone())));
        if self.validate_only {
            records.clear();
        }
        Outcome { records, answer: CreateTopicsResponse { topics, ..Default::default() } }
    }
}

/// What earlier topics of the same request took.
#[derive(Default)]
struct Taken {
    names: BTreeMap<String, Str>,
}

/// How many partitions a topic asks for; 0 stands for the default.
fn partitions_asked(topic: &CreatableTopic) -> i64 {
    if topic.assignments.is_empty() {
        i64::from(topic.num_partitions.max(0))
    } else {
        topic.assignments.len() as i64
    }
}

fn failed(name: &Str, error: ApiError) -> CreatableTopicResult {
    let (error_code, error_message) = (error.code, error.message);
    CreatableTopicResult { name: name.clone(), error_code, error_message, ..Default::default() }
}

/// The names that stand there more than once.
pub(super) fn repeated<'a>(names: impl Iterator<Item = &'a Str>) -> BTreeSet<Str> {
    let (mut seen, mut repeated) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        if !seen.insert(name) {
            repeated.insert(name.clone());
        }
    }
    repeated
}

impl Controller {
    /// The error for a request that adds too many partitions at once.
    pub(super) fn too_many(&self, counts: impl Iterator<Item = i64>) -> Option<ApiError> {
        let default = self.setting("num.partitions");
        let all: i64 =
            counts.map(|count| if count == 0 { default } else { count }).fold(0, i64::saturating_add);
        let error = "Excessively large number of partitions per request.";
        (all > PARTITIONS_PER_REQUEST_MAX).then(|| ApiError::fixed(ErrorCode::POLICY_VIOLATION, error))
    }

    fn create_topic(
        &self,
        topic: &CreatableTopic,
        taken: &mut Taken,
        draws: &mut Draws,
    ) -> Result<(Vec<Record>, CreatableTopicResult), ApiError> {
        self.check_new_name(&topic.name, taken)?;
        let configs = self.check_new_configs(topic)?;
        let replicas = self.replicas_of(topic, draws)?;
        let (mut records, topic_id) = (Vec::new(), self.unused_topic_id(draws));
        let name = topic.name.detached();
        records.push(TopicRecord { name: name.clone(), topic_id }.into());
        for (partition, replicas) in replicas.iter().enumerate() {
            records.push(self.new_partition(topic_id, partition as i32, replicas).into());
        }
        records.extend(configs.iter().map(|(config, value)| topic_config(&name, config, value)));
        let result = CreatableTopicResult {
            topic_id: topic_id.0,
            error_message: None,
            num_partitions: replicas.len() as i32,
            replication_factor: replicas.first().map_or(-1, |replicas| replicas.len() as i16),
            configs: Some(self.told_configs(&configs)),
            name,
            ..Default::default()
        };
        Ok((records, result))
    }

    fn check_new_name(&self, name: &Str, taken: &mut Taken) -> Result<(), ApiError> {
        if *name == *"__cluster_metadata" {
            let message = "Creation of internal topic __cluster_metadata is prohibited.";
            return Err(ApiError::fixed(ErrorCode::INVALID_REQUEST, message));
        }
        check_topic_name(name)?;
        if self.image.topic_named(name).is_some() {
            let message = format!("Topic '{name}' already exists.");
            return Err(ApiError::new(ErrorCode::TOPIC_ALREADY_EXISTS, message));
        }
        let Some(form) = metric_name(name) else { return Ok(()) };
        let colliding = taken.names.get(&form).or_else(|| self.image.colliding_topic(name));
        if let Some(existing) = colliding {
            let message = format!("Topic '{name}' collides with existing topic: {existing}");
            return Err(ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, message));
        }
        taken.names.insert(form, name.clone());
        Ok(())
    }

    fn check_new_configs(&self, topic: &CreatableTopic) -> Result<Map<Str, Str>, ApiError> {
        let mut configs = Map::new();
        let nulls: Vec<&str> = topic
            .configs
            .iter()
            .filter(|config| config.value.is_none())
            .map(|config| &*config.name)
            .collect();
        if !nulls.is_empty() {
            let message = format!("Null value not supported for topic configs: {}", nulls.join(","));
            return Err(ApiError::invalid_config(message));
        }
        for CreatableTopicConfig { name, value } in &topic.configs {
            configs.insert(name.detached(), value.as_ref().map(Str::detached).unwrap_or_default());
        }
        self.check_topic_configs(&configs, &Map::new())?;
        Ok(configs)
    }

    /// The replicas of each partition, as demanded or as placed.
    fn replicas_of(&self, topic: &CreatableTopic, draws: &mut Draws) -> Result<Vec<Vec<i32>>, ApiError> {
        if !topic.assignments.is_empty() {
            return self.check_assignments(topic);
        }
        if topic.replication_factor < -1 || topic.replication_factor == 0 {
            let message = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(ApiError::fixed(ErrorCode::INVALID_REPLICATION_FACTOR, message));
        }
        if topic.num_partitions < -1 || topic.num_partitions == 0 {
            let message = "Number of partitions was set to an invalid non-positive value.";
            return Err(ApiError::fixed(ErrorCode::INVALID_PARTITIONS, message));
        }
        let or_default = |asked: i64, name: &str| if asked == -1 { self.setting(name) } else { asked };
        let partitions = or_default(i64::from(topic.num_partitions), "num.partitions");
        let factor = or_default(i64::from(topic.replication_factor), "default.replication.factor");
        let factor = i16::try_from(factor).unwrap_or(i16::MAX);
        self.place(usize::try_from(partitions).unwrap_or(0), factor, draws)
    }

    fn check_assignments(&self, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, ApiError> {
        if topic.replication_factor != -1 {
            let message =
                "A manual partition assignment was specified, but replication factor was not set to -1.";
            return Err(ApiError::invalid_request(message));
        }
        if topic.num_partitions != -1 {
            let message = "A manual partition assignment was specified, but numPartitions was not set to -1.";
            return Err(ApiError::invalid_request(message));
        }
        let mut replicas: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        let mut factor = None;
        for assignment in &topic.assignments {
            let index = assignment.partition_index;
            if replicas.contains_key(&index) {
                let message = format!("Found multiple manual partition assignments for partition {index}");
                return Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
            }
            self.check_assignment(&assignment.broker_ids, factor)?;
            self.check_someone_lives(index, &assignment.broker_ids)?;
            factor = Some(assignment.broker_ids.len());
            replicas.insert(index, assignment.broker_ids.clone());
        }
        if !replicas.keys().copied().eq(0..replicas.len() as i32) {
            let message = "partitions should be a consecutive 0-based integer sequence";
            return Err(ApiError::fixed(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        }
        Ok(replicas.into_values().collect())
    }

    /// Whether a demanded list of replicas makes sense.
    pub(super) fn check_assignment(&self, brokers: &[i32], factor: Option<usize>) -> Result<(), ApiError> {
        let refuse = |message: String| Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
        if brokers.is_empty() {
            return refuse("The manual partition assignment includes an empty replica list.".into());
        }
        let mut seen = BTreeSet::new();
        let mut sorted = brokers.to_vec();
        sorted.sort_unstable();
        for broker in sorted {
            if !self.image.brokers().contains_key(&broker) {
                return refuse(format!(
                    "The manual partition assignment includes broker {broker}, but no such broker is registered."
                ));
            }
            if !seen.insert(broker) {
                return refuse(format!(
                    "The manual partition assignment includes the broker {broker} more than once."
                ));
            }
        }
        match factor {
            Some(factor) if factor != brokers.len() => refuse(format!(
                "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with previous partitions, which have {factor} replica(s).",
                brokers.len()
            )),
            _ => Ok(()),
        }
    }

    /// Whether one of the brokers could lead.
    pub(super) fn check_someone_lives(&self, partition: i32, brokers: &[i32]) -> Result<(), ApiError> {
        if brokers.iter().any(|broker| self.is_active(*broker)) {
            return Ok(());
        }
        let message = format!(
            "All brokers specified in the manual partition assignment for partition {partition} are fenced or in controlled shutdown."
        );
        Err(ApiError::new(ErrorCode::INVALID_REPLICA_ASSIGNMENT, message))
    }

    /// Whether the broker may lead and hold new replicas.
    pub(super) fn is_active(&self, broker: i32) -> bool {
        self.image.brokers().get(&broker).is_some_and(|broker| broker.is_active())
    }

    /// A new partition, led by the first of its replicas that lives.
    pub(super) fn new_partition(
        &self,
        topic_id: TopicId,
        partition: i32,
        replicas: &[i32],
    ) -> PartitionRecord {
        let isr: Vec<i32> = replicas.iter().copied().filter(|broker| self.is_active(*broker)).collect();
        PartitionRecord {
            topic_id,
            partition,
            replicas: replicas.into(),
            directories: vec![Uuid::ZERO; replicas.len()],
            leader: isr.first().copied().unwrap_or(-1),
            isr,
            ..Default::default()
        }
    }

    fn unused_topic_id(&self, draws: &mut Draws) -> TopicId {
        loop {
            let id = TopicId(draws.uuid());
            if self.image.topic(id).is_none() {
                return id;
            }
        }
    }

    fn told_configs(&self, configs: &Map<Str, Str>) -> Vec<CreatableTopicConfigs> {
        let entries = topic_config_entries(&self.broker_configs(), configs);
        entries
            .into_iter()
            .map(|entry| CreatableTopicConfigs {
                name: Str::from_static(entry.config.name),
                value: entry.value,
                read_only: false,
                config_source: entry.source.code(),
                is_sensitive: entry.config.is_sensitive(),
            })
            .collect()
    }
}

fn topic_config(topic: &Str, name: &Str, value: &Str) -> Record {
    ConfigRecord {
        resource_type: ResourceType::TOPIC.0,
        resource_name: topic.clone(),
        name: owned(name),
        value: Some(value.clone()),
    }
    .into()
}
