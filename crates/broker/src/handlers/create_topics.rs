//! CreateTopics (19), versions 2–7: the controller decides; see `metadata::controller`.
//!
//! Without the right to create in the cluster each topic asks for its own; whoever may not describe configs is not told them.

use base::Str;
use wire::ErrorCode;
use wire::messages::create_topics::{CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse};

use crate::request::{Operation, RequestContext, ResourceType};

/// Creates what may be created.
pub(crate) async fn handle(ctx: &RequestContext, mut request: CreateTopicsRequest) -> CreateTopicsResponse {
    let everywhere = ctx.authorize(Operation::Create, ResourceType::Cluster, "kafka-cluster");
    let may = |name: &Str| everywhere || ctx.authorize(Operation::Create, ResourceType::Topic, name);
    let (asked, refused): (Vec<_>, Vec<_>) = request.topics.into_iter().partition(|topic| may(&topic.name));
    let names: Vec<Str> = asked.iter().map(|topic| topic.name.clone()).collect();
    request.topics = asked;
    let mut response = match ctx.broker().submit(request).await {
        Ok(response) => response,
        Err(code) => {
            let topics = names.into_iter().map(|name| failed(name, code)).collect();
            CreateTopicsResponse { topics, ..Default::default() }
        }
    };
    for topic in response.topics.iter_mut().filter(|topic| topic.error_code == ErrorCode::NONE) {
        if !ctx.authorize(Operation::DescribeConfigs, ResourceType::Topic, &topic.name) {
            topic.topic_config_error_code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
            (topic.num_partitions, topic.replication_factor, topic.configs) = (-1, -1, None);
        }
    }
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    response.topics.extend(refused.into_iter().map(|topic| failed(topic.name, code)));
    response
}

fn failed(name: Str, error_code: ErrorCode) -> CreatableTopicResult {
    CreatableTopicResult { name, error_code, error_message: None, ..Default::default() }
}
