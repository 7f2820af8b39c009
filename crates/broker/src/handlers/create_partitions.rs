//! CreatePartitions (37), versions 0–3: the controller decides; see `metadata::controller`.

use base::Str;
use wire::ErrorCode;
use wire::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopicResult,
};

use crate::request::{Operation, RequestContext, ResourceType};

/// Adds partitions where that is allowed.
pub(crate) async fn handle(
    ctx: &RequestContext,
    mut request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let may = |name: &Str| ctx.authorize(Operation::Alter, ResourceType::Topic, name);
    let (asked, refused): (Vec<_>, Vec<_>) = request.topics.into_iter().partition(|topic| may(&topic.name));
    let names: Vec<Str> = asked.iter().map(|topic| topic.name.clone()).collect();
    request.topics = asked;
    let mut response = match ctx.broker().submit(request).await {
        Ok(response) => response,
        Err(code) => {
            let results = names.into_iter().map(|name| failed(name, code)).collect();
            CreatePartitionsResponse { results, ..Default::default() }
        }
    };
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    response.results.extend(refused.into_iter().map(|topic| failed(topic.name, code)));
    response
}

fn failed(name: Str, error_code: ErrorCode) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult { name, error_code, error_message: None }
}
