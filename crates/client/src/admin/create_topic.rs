//! Creating a topic.

use std::pin::Pin;

use base::{Str, Uuid};
use wire::ApiKey;
use wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
    CreateTopicsResponse,
};

use super::{Admin, AdminError};
use crate::CallError;
use crate::cluster::Target;

/// A topic to be created; await it to do so.
#[derive(Clone, Debug)]
#[must_use = "nothing is created until this is awaited"]
pub struct CreateTopic {
    admin: Admin,
    topic: CreatableTopic,
    validate_only: bool,
}

/// A topic that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its name.
    pub name: Str,
    /// Its id; zero from brokers that give none.
    pub id: Uuid,
    /// How many partitions it has; -1 from brokers that do not say.
    pub partitions: i32,
    /// How many replicas each has; -1 from brokers that do not say.
    pub replication_factor: i16,
}

impl CreateTopic {
    pub(super) fn new(admin: Admin, name: &str) -> Self {
        let topic = CreatableTopic {
            name: Str::from(name),
            num_partitions: -1,
            replication_factor: -1,
            ..CreatableTopic::default()
        };
        Self { admin, topic, validate_only: false }
    }

    /// How many partitions; the broker's `num.partitions` otherwise.
    pub fn partitions(mut self, count: i32) -> Self {
        self.topic.num_partitions = count;
        self
    }

    /// How many replicas; the broker's `default.replication.factor` otherwise.
    pub fn replication_factor(mut self, factor: i16) -> Self {
        self.topic.replication_factor = factor;
        self
    }

    /// The brokers of partition `partition`, the preferred leader first. Excludes counts.
    pub fn replicas(mut self, partition: i32, brokers: impl Into<Vec<i32>>) -> Self {
        let broker_ids = brokers.into();
        self.topic.assignments.push(CreatableReplicaAssignment { partition_index: partition, broker_ids });
        self
    }

    /// A config of the topic.
    pub fn config(mut self, name: impl Into<Str>, value: impl Into<Str>) -> Self {
        self.topic.configs.push(CreatableTopicConfig { name: name.into(), value: Some(value.into()) });
        self
    }

    /// Only checks whether it could be created.
    pub fn validate_only(mut self, on: bool) -> Self {
        self.validate_only = on;
        self
    }

    async fn run(self) -> Result<CreatedTopic, AdminError> {
        let subject = format!("topic `{}`", self.topic.name);
        let request = CreateTopicsRequest {
            topics: vec![self.topic],
            timeout_ms: self.admin.timeout_ms(),
            validate_only: self.validate_only,
        };
        let created = self.admin.cluster.call(Target::Controller, |_| request.clone(), created).await;
        created.map_err(|error| AdminError::new(subject, error))
    }
}

fn created(response: CreateTopicsResponse) -> Result<CreatedTopic, CallError> {
    let Some(topic) = response.topics.into_iter().next() else {
        return Err(CallError::NoLeader("the answer leaves the topic out".to_owned()));
    };
    CallError::check(ApiKey::CreateTopics, topic.error_code, topic.error_message)?;
    Ok(CreatedTopic {
        name: topic.name.detached(),
        id: topic.topic_id,
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
    })
}

impl IntoFuture for CreateTopic {
    type Output = Result<CreatedTopic, AdminError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
