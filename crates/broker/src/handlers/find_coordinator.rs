//! FindCoordinator (10), versions 0–6: which broker keeps a group.
//!
//! - Version 4 asks for many keys at once (KIP-699); before, there is one, and the error comes with its message.
//! - Asked for a group while there is no `__consumer_offsets` yet, it makes it. The answer waits until it is there, where Kafka
//!   answers COORDINATOR_NOT_AVAILABLE and lets the client ask again.
//! - Transactions are not served: the answer is TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which every producer takes as final. Share
//!   groups (version 6) are INVALID_REQUEST, as is any other type.

use base::Str;
use wire::ErrorCode;
use wire::messages::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse};

use crate::coordinators::OFFSETS_TOPIC;
use crate::request::{Operation, RequestContext, ResourceType};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// The first version that asks for many keys.
const MANY_KEYS_SINCE: i16 = 4;

/// Tells where each key's coordinator is.
pub(crate) async fn handle(ctx: &RequestContext, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    if ctx.version >= MANY_KEYS_SINCE {
        let mut coordinators = Vec::with_capacity(request.coordinator_keys.len());
        for key in &request.coordinator_keys {
            coordinators.push(find(ctx, request.key_type, key).await);
        }
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let found = find(ctx, request.key_type, &request.key).await;
    FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: Some(Str::from_static(message(found.error_code))),
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..Default::default()
    }
}

async fn find(ctx: &RequestContext, key_type: i8, key: &Str) -> Coordinator {
    match key_type {
        GROUP if ctx.authorize(Operation::Describe, ResourceType::Group, key) => {
            match find_group(ctx, key).await {
                Ok(found) => found,
                Err(error) => nowhere(key, error),
            }
        }
        GROUP => nowhere(key, ErrorCode::GROUP_AUTHORIZATION_FAILED),
        TRANSACTION => nowhere(key, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
        _ => {
            let error = ErrorCode::INVALID_REQUEST;
            Coordinator { error_message: Some(Str::from_static(message(error))), ..nowhere(key, error) }
        }
    }
}

async fn find_group(ctx: &RequestContext, group: &Str) -> Result<Coordinator, ErrorCode> {
    let broker = ctx.broker();
    if broker.image().topic_named(OFFSETS_TOPIC).is_none() {
        let made = broker.auto_create(&Str::from_static(OFFSETS_TOPIC)).await;
        made.map_err(|_| ErrorCode::COORDINATOR_NOT_AVAILABLE)?;
    }
    let image = broker.image();
    let topic = image.topic_named(OFFSETS_TOPIC).ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)?;
    let count = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
    let state = topic.partitions().get(&coordinator::partition_of(group, count));
    let leader = state.map_or(-1, |state| state.leader);
    let node = broker.endpoints_for(&ctx.connection).into_iter().find(|node| node.id == leader);
    let node = node.ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)?;
    Ok(Coordinator {
        key: group.clone(),
        node_id: node.id,
        host: node.host,
        port: node.port,
        ..Default::default()
    })
}

/// What Kafka says of a code; of none it says its name.
fn message(error: ErrorCode) -> &'static str {
    if error.is_error() { error.message() } else { error.name() }
}

fn nowhere(key: &Str, error_code: ErrorCode) -> Coordinator {
    Coordinator { key: key.clone(), node_id: -1, port: -1, error_code, ..Default::default() }
}
