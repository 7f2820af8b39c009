//! DeleteTopics: by name or by identity, never by both.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use base::{Str, TopicId};
use wire::ErrorCode;
use wire::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

use super::{ApiError, Command, Controller, Moment, Outcome};
use crate::record::{Record, RemoveTopicRecord};

impl Command for DeleteTopicsRequest {
    type Answer = DeleteTopicsResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<DeleteTopicsResponse> {
        let (mut records, mut responses) = (Vec::new(), Vec::new());
        let by_name = self.topic_names.iter();
        let by_name = by_name.map(|name| DeleteTopicState { name: Some(name.clone()), ..Default::default() });
        let asked: Vec<_> = by_name.chain(self.topics.iter().cloned()).collect();
        let found: Vec<_> = asked.iter().map(|topic| controller.topic_to_delete(topic)).collect();
        let mut times: BTreeMap<TopicId, usize> = BTreeMap::new();
        for id in found.iter().flatten() {
            *times.entry(*id).or_default() += 1;
        }
        for (topic, found) in asked.into_iter().zip(found) {
            let found = found.and_then(|id| controller.check_deletion(&topic, id, times.get(&id).copied()));
            if let Ok(id) = found {
                records.push(Record::from(RemoveTopicRecord { topic_id: id }));
            }
            responses.push(controller.told(topic, found));
        }
        Outcome { records, answer: DeleteTopicsResponse { responses, ..Default::default() } }
    }
}

impl Controller {
    fn topic_to_delete(&self, topic: &DeleteTopicState) -> Result<TopicId, ApiError> {
        let id = TopicId(topic.topic_id);
        match &topic.name {
            Some(_) if id != TopicId::ZERO => {
                Err(ApiError::invalid_request("You may not specify both topic name and topic id."))
            }
            Some(name) => self.image.topic_named(name).map(|topic| topic.id()).ok_or(ApiError::fixed(
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                "This server does not host this topic-partition.",
            )),
            None if id == TopicId::ZERO => {
                Err(ApiError::invalid_request("Neither topic name nor id were specified."))
            }
            None if self.image.topic(id).is_none() => {
                Err(ApiError::fixed(ErrorCode::UNKNOWN_TOPIC_ID, "This server does not host this topic ID."))
            }
            None => Ok(id),
        }
    }

    fn check_deletion(
        &self,
        topic: &DeleteTopicState,
        id: TopicId,
        times: Option<usize>,
    ) -> Result<TopicId, ApiError> {
        if !self.broker_configs().flag("delete.topic.enable") {
            return Err(ApiError::fixed(ErrorCode::TOPIC_DELETION_DISABLED, "Topic deletion is disabled."));
        }
        match (times, &topic.name) {
            (Some(0 | 1) | None, _) => Ok(id),
            (_, Some(_)) => Err(ApiError::invalid_request("Duplicate topic name.")),
            (_, None) => Err(ApiError::invalid_request("Duplicate topic id.")),
        }
    }

    fn told(&self, asked: DeleteTopicState, found: Result<TopicId, ApiError>) -> DeletableTopicResult {
        match found {
            Ok(id) => DeletableTopicResult {
                name: self.image.topic(id).map(|topic| topic.name().clone()),
                topic_id: id.0,
                ..Default::default()
            },
            Err(error) => DeletableTopicResult {
                name: asked.name.as_ref().map(Str::detached),
                topic_id: asked.topic_id,
                error_code: error.code,
                error_message: error.message,
            },
        }
    }
}
