//! DeleteTopics (20), versions 1–6: by name, from version 6 on also by identity (KIP-516).
//!
//! Before version 4 nothing can say that deletion is switched off; such a request is INVALID_REQUEST, as in Kafka.

use base::Str;
use wire::ErrorCode;
use wire::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// Deletes what may be deleted.
pub(crate) async fn handle(ctx: &RequestContext, mut request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let names = std::mem::take(&mut request.topic_names);
    let by_name = names.into_iter().map(|name| DeleteTopicState { name: Some(name), ..Default::default() });
    let all = by_name.chain(std::mem::take(&mut request.topics));
    let (asked, refused): (Vec<_>, Vec<_>) = all.partition(|topic| may_delete(ctx, topic));
    request.topics.clone_from(&asked);
    let mut response = match ctx.broker().submit(request).await {
        Ok(response) => response,
        Err(code) => {
            let responses = asked.into_iter().map(|topic| failed(topic, code)).collect();
            DeleteTopicsResponse { responses, ..Default::default() }
        }
    };
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    response.responses.extend(refused.into_iter().map(|topic| failed(topic, code)));
    if ctx.version < 3 {
        let disabled = response.responses.iter_mut();
        let disabled = disabled.filter(|each| each.error_code == ErrorCode::TOPIC_DELETION_DISABLED);
        disabled.for_each(|each| each.error_code = ErrorCode::INVALID_REQUEST);
    }
    response
}

fn may_delete(ctx: &RequestContext, topic: &DeleteTopicState) -> bool {
    let image = ctx.broker().image();
    let by_id = || image.topic(topic.topic_id.into()).map(|found| found.name().clone());
    let name: Option<Str> = topic.name.clone().or_else(by_id);
    // What is neither named nor known is the controller's to refuse.
    name.is_none_or(|name| ctx.authorize(Operation::Delete, ResourceType::Topic, &name))
}

fn failed(topic: DeleteTopicState, error_code: ErrorCode) -> DeletableTopicResult {
    DeletableTopicResult { name: topic.name, topic_id: topic.topic_id, error_code, error_message: None }
}
