//! Topics: list, describe, delete, more partitions.

use std::time::Instant;

use base::Str;
use wire::ApiKey;
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};

use super::{Admin, AdminError, CreateTopic};
use crate::cluster::{ClusterView, Target, TopicView};
use crate::{CallError, ErrorCode};

impl Admin {
    /// A topic to be created.
    pub fn create_topic(&self, name: &str) -> CreateTopic {
        CreateTopic::new(self.clone(), name)
    }

    /// Every topic, by name.
    pub async fn list_topics(&self) -> Result<Vec<TopicView>, AdminError> {
        let request = |_| MetadataRequest {
            topics: None,
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let view = self.cluster.call(Target::Any, request, |response| picture(&response)).await?;
        let mut topics: Vec<TopicView> = view.topics.into_values().collect();
        topics.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(topics)
    }

    /// One topic as it is now.
    pub async fn describe_topic(&self, name: &str) -> Result<TopicView, AdminError> {
        let name = Str::from(name);
        let request = |_| MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(name.clone()),
                ..MetadataRequestTopic::default()
            }]),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let check = |response: MetadataResponse| {
            let code = response
                .topics
                .first()
                .map_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, |topic| topic.error_code);
            // "Unknown" is an answer here, not a reason to ask again.
            if code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION {
                return Ok(None);
            }
            CallError::check(ApiKey::Metadata, code, None)?;
            Ok(picture(&response)?.topics.remove(&name))
        };
        let found = self.cluster.call(Target::Any, request, check).await;
        let unknown = || CallError::refused(ApiKey::Metadata, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, None);
        found
            .and_then(|topic| topic.ok_or_else(unknown))
            .map_err(|error| AdminError::new(format!("topic `{name}`"), error))
    }

    /// Deletes a topic with all its records.
    pub async fn delete_topic(&self, name: &str) -> Result<(), AdminError> {
        let name = Str::from(name);
        let timeout_ms = self.timeout_ms();
        let request = |version| match version {
            0..=5 => DeleteTopicsRequest {
                topic_names: vec![name.clone()],
                timeout_ms,
                ..DeleteTopicsRequest::default()
            },
            _ => {
                let topic = DeleteTopicState { name: Some(name.clone()), ..DeleteTopicState::default() };
                DeleteTopicsRequest { topics: vec![topic], timeout_ms, ..DeleteTopicsRequest::default() }
            }
        };
        let outcome = self.cluster.call(Target::Controller, request, |response| {
            let Some(topic) = response.responses.into_iter().next() else { return Ok(Ok(())) };
            let result = CallError::check(ApiKey::DeleteTopics, topic.error_code, topic.error_message);
            // "Unknown" counts as retriable elsewhere; here asking again brings nothing.
            if topic.error_code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION {
                Ok(result)
            } else {
                result.map(Ok)
            }
        });
        outcome.await.flatten().map_err(|error| AdminError::new(format!("topic `{name}`"), error))
    }

    /// Gives a topic more partitions: `count` is the new total. The partition of a key may change by that.
    pub async fn create_partitions(
        &self,
        topic: &str,
        count: i32,
        validate_only: bool,
    ) -> Result<(), AdminError> {
        let topic = CreatePartitionsTopic { name: Str::from(topic), count, assignments: None };
        let subject = format!("topic `{}`", topic.name);
        let request =
            CreatePartitionsRequest { topics: vec![topic], timeout_ms: self.timeout_ms(), validate_only };
        let attempt = self.cluster.call(
            Target::Controller,
            |_| request.clone(),
            |response| {
                let Some(topic) = response.results.into_iter().next() else { return Ok(()) };
                CallError::check(ApiKey::CreatePartitions, topic.error_code, topic.error_message)
            },
        );
        attempt.await.map_err(|error| AdminError::new(subject, error))
    }
}

fn picture(response: &MetadataResponse) -> Result<ClusterView, CallError> {
    CallError::check(ApiKey::Metadata, response.error_code, None)?;
    let mut view = ClusterView::default();
    view.merge(response, true, Instant::now());
    Ok(view)
}
