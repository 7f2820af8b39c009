//! Commands for the active controller, from whichever node took them.
//!
//! ```text
//! body   := version (u8, 1) node id (i32) principal (u16, text) client id (u16, text) request, as Kafka frames it
//! answer := version (u8, 1) error code (i16) offset (u64) response, as Kafka frames it
//! ```
//!
//! The offset says how far the sender must have followed the metadata to see what it asked for.

use std::time::Duration;

use bytes::Bytes;
use quorum::Peer;
use wire::messages::*;
use wire::{ErrorCode, Request, frame};

use super::at_leader::AtLeader;
use super::{Links, Purpose};
use crate::Broker;
use crate::request::RequestContext;

const VERSION: u8 = 1;

/// What the controller answered, and the offset from which it is true.
pub(crate) type Decided<A> = Result<(A, u64), ErrorCode>;

/// Asks the controller on another node.
pub(crate) async fn ask<R: Request>(
    links: &Links,
    own: i32,
    to: &Peer,
    request: &R,
    purpose: Purpose,
    within: Duration,
) -> Decided<R::Response> {
    let version = R::KEY.versions().max;
    let unreadable = |_| ErrorCode::UNKNOWN_SERVER_ERROR;
    let rope =
        frame::encode_request(0, None, version, request).map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?;
    let framed = rope.read().map_err(unreadable)?;
    let mut body = vec![VERSION];
    body.extend_from_slice(&own.to_be_bytes());
    put_text("User:ANONYMOUS", &mut body);
    put_text("", &mut body);
    body.extend_from_slice(framed.get(frame::SIZE_BYTES..).unwrap_or_default());
    let answer = links.command(to, purpose, &body.into(), within).await.map_err(|error| {
        tracing::debug!(%error, "the active controller did not answer");
        ErrorCode::NOT_CONTROLLER
    })?;
    let (code, offset) = read_answer(&answer).ok_or(ErrorCode::UNKNOWN_SERVER_ERROR)?;
    if code.is_error() {
        return Err(code);
    }
    let response = frame::decode_response::<R>(answer.slice(ANSWER_HEAD..), version);
    Ok((response.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?.1, offset))
}

const ANSWER_HEAD: usize = 11;

fn read_answer(answer: &[u8]) -> Option<(ErrorCode, u64)> {
    let (version, rest) = answer.split_first()?;
    let (code, rest) = rest.split_first_chunk()?;
    let (offset, _) = rest.split_first_chunk()?;
    (*version == VERSION).then_some((ErrorCode::from(i16::from_be_bytes(*code)), u64::from_be_bytes(*offset)))
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    let text = text.get(..text.len().min(usize::from(u16::MAX))).unwrap_or_default();
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn get_text<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = from.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *from = rest;
    Some(text)
}

/// Answers a command that another node sent, if this node is the active controller.
pub(super) async fn serve(ctx: &RequestContext, body: Bytes) -> Bytes {
    let decided = match read(&body) {
        Some((node, request)) => {
            // Repeats on one connection change nothing.
            let _ = ctx.connection.node.set(node);
            decide(ctx.broker(), request).await
        }
        None => Err(ErrorCode::INVALID_REQUEST),
    };
    let (code, offset, response) = match decided {
        Ok((response, offset)) => (ErrorCode::NONE, offset, response),
        Err(code) => (code, 0, Bytes::new()),
    };
    let mut out = vec![VERSION];
    out.extend_from_slice(&code.code().to_be_bytes());
    out.extend_from_slice(&offset.to_be_bytes());
    out.extend_from_slice(&response);
    out.into()
}

/// Whose command it is, and the request itself.
fn read(body: &Bytes) -> Option<(i32, Bytes)> {
    let mut from = &**body;
    let (version, rest) = from.split_first()?;
    let (node, rest) = rest.split_first_chunk()?;
    from = rest;
    get_text(&mut from)?;
    get_text(&mut from)?;
    (*version == VERSION).then(|| (i32::from_be_bytes(*node), body.slice_ref(from)))
}

macro_rules! commands {
    ($($request:ty),*; $($at_leader:ty),* $(,)?) => {
        /// Has the controller on this node decide.
        async fn decide(broker: &Broker, request: Bytes) -> Decided<Bytes> {
            let bad = |_| ErrorCode::INVALID_REQUEST;
            let (header, key, mut decoder) = frame::decode_request_header(request).map_err(bad)?;
            let version = header.request_api_version;
            match key {
                $(key if key == <$request as Request>::KEY => {
                    let request = <$request as wire::Message>::decode(&mut decoder, version).map_err(bad)?;
                    let (response, offset) = broker.decide(request).await?;
                    let framed = frame::encode_response(key, version, header.correlation_id, &response);
                    let framed = framed.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?;
                    let bytes = framed.read().map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?;
                    Ok((bytes.slice(frame::SIZE_BYTES.min(bytes.len())..), offset))
                })*
                $(key if key == <$at_leader as Request>::KEY => {
                    let request = <$at_leader as wire::Message>::decode(&mut decoder, version).map_err(bad)?;
                    if broker.other_leader()?.is_some() {
                        return Err(ErrorCode::NOT_CONTROLLER);
                    }
                    let response = request.act(broker).await?;
                    let framed = frame::encode_response(key, version, header.correlation_id, &response);
                    let framed = framed.map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?;
                    let bytes = framed.read().map_err(|_| ErrorCode::UNKNOWN_SERVER_ERROR)?;
                    Ok((bytes.slice(frame::SIZE_BYTES.min(bytes.len())..), 0))
                })*
                _ => Err(ErrorCode::UNSUPPORTED_VERSION),
            }
        }
    };
}

commands! {
    CreateTopicsRequest,
    DeleteTopicsRequest,
    CreatePartitionsRequest,
    AlterConfigsRequest,
    IncrementalAlterConfigsRequest,
    ElectLeadersRequest,
    AlterPartitionReassignmentsRequest,
    AlterPartitionRequest,
    UpdateFeaturesRequest,
    BrokerRegistrationRequest,
    BrokerHeartbeatRequest,
    UnregisterBrokerRequest,
    AllocateProducerIdsRequest,
    AssignReplicasToDirsRequest;
    DescribeQuorumRequest,
    AddRaftVoterRequest,
    RemoveRaftVoterRequest,
    UpdateRaftVoterRequest,
}
