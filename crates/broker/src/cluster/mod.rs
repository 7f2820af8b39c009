//! The other nodes: how this one reaches them, and what they send.
//!
//! Nodes talk over the controllers' listeners in Kafka's frames, under two keys outside Kafka's range, which stand for a magic; a
//! version that is not known closes the connection:
//!
//! ```text
//! key int16 │ version int16 (0) │ correlation id int32 │ client id int16 (-1) │ body
//! 20000: a message of the quorum      20001: a command for the active controller (`forward.rs`)
//! ```

mod at_leader;
mod forward;
mod heartbeat;
mod leave;
mod links;
mod thread;

use bytes::Bytes;
use quorum::Raft;
use wire::{ApiKey, Decoder, Encoder, Rope};

use crate::dispatch::{Answer, Later, Outcome, Row};
use crate::request::{Need, Operation, RequestContext, ResourceType};

pub(crate) use forward::{Decided, ask};
pub(crate) use heartbeat::{Membership, keep};
pub(crate) use links::{Links, Purpose, QuorumTransport, refuses};
pub(crate) use thread::Thread;

/// The key of the quorum's messages.
const QUORUM: i16 = 20_000;
/// The key of commands for the active controller.
const FORWARD: i16 = 20_001;
/// What stands before the body.
const HEAD_BYTES: usize = 10;

/// Served like any other API, and counted as Kafka's API between brokers and controllers.
static QUORUM_ROW: Row = own_row(|ctx, decoder| {
    later(ctx, decoder, |ctx, body| Box::pin(async move { quorum_message(&ctx, body).await }))
});
static FORWARD_ROW: Row = own_row(|ctx, decoder| {
    later(ctx, decoder, |ctx, body| {
        // One that takes long keeps none waiting that came behind it: each runs by itself, only answers keep their order.
        let running = tokio::spawn(async move { forward::serve(&ctx, body).await });
        Box::pin(async move { running.await.ok() })
    })
});

const fn own_row(run: fn(RequestContext, Decoder) -> Later) -> Row {
    const NEEDS: &[Need] = &[(ResourceType::Cluster, Operation::ClusterAction)];
    Row { key: ApiKey::Envelope, versions: 0..=0, needs: NEEDS, staged: true, run }
}

type Answering = std::pin::Pin<Box<dyn Future<Output = Option<Bytes>> + Send>>;

/// What follows on the connection need not wait for the answer.
fn later(ctx: RequestContext, decoder: Decoder, answer: fn(RequestContext, Bytes) -> Answering) -> Later {
    if !ctx.authorize(Operation::ClusterAction, ResourceType::Cluster, "kafka-cluster") {
        let refused = "only brokers and controllers may ask this".to_owned();
        return Box::pin(async move { Outcome::Close(refused) });
    }
    let correlation_id = ctx.correlation_id;
    let answer = answer(ctx, decoder.rest());
    let framed: Later = Box::pin(async move {
        match answer.await {
            Some(body) => Outcome::Answer(Answer::free(frame(correlation_id, &body))),
            None => Outcome::Close("this node takes no part in the quorum yet".to_owned()),
        }
    });
    Box::pin(async move { Outcome::Later(framed) })
}

fn frame(correlation_id: i32, body: &Bytes) -> Rope {
    let mut encoder = Encoder::with_capacity(16);
    encoder.put(&i32::try_from(body.len() + 4).unwrap_or(i32::MAX).to_be_bytes());
    encoder.put(&correlation_id.to_be_bytes());
    encoder.put_shared(body);
    encoder.finish()
}

async fn quorum_message(ctx: &RequestContext, body: Bytes) -> Option<Bytes> {
    let raft = ctx.broker().metadata.raft()?;
    if let Some(sender) = Raft::sender(&body) {
        // Repeats on one connection change nothing.
        let _ = ctx.connection.node.set(sender);
    }
    Some(raft.receive(body).await)
}

fn key_of(frame: &[u8]) -> i16 {
    frame.first_chunk().map_or(-1, |key| i16::from_be_bytes(*key))
}

/// Whether a frame is one between nodes.
pub(crate) fn is_own(frame: &[u8]) -> bool {
    matches!(key_of(frame), QUORUM | FORWARD)
}

/// How such a frame is served; none if its version is not known.
pub(crate) fn row(frame: &[u8]) -> Option<&'static Row> {
    if frame.len() < HEAD_BYTES || frame.get(2..4) != Some(&[0, 0]) {
        return None;
    }
    match key_of(frame) {
        QUORUM => Some(&QUORUM_ROW),
        FORWARD => Some(&FORWARD_ROW),
        _ => None,
    }
}

/// What comes back in the answer to such a frame.
pub(crate) fn correlation_id(frame: &[u8]) -> i32 {
    frame.get(4..).and_then(|rest| rest.first_chunk()).map_or(0, |id| i32::from_be_bytes(*id))
}

/// The body of such a frame.
pub(crate) fn body(frame: Bytes) -> Bytes {
    frame.slice(HEAD_BYTES.min(frame.len())..)
}
