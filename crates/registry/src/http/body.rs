//! Bodies of requests: each bounded, all of them together bounded, and large ones parsed apart from what serves connections.

use core::future::poll_fn;
use core::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base::limits::REGISTRY_BODIES_BYTES_MAX;
use bytes::{Bytes, BytesMut};
use hyper::body::Body as _;
use schema::json::{Json, parse};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::RestError;
use crate::jobs::Jobs;
use crate::service::Registry;

use super::held::Answers;

/// What the room is counted in.
const UNIT: usize = 1024;

/// How long a body waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a body may come to a halt: others wait for its room.
const HALT: Duration = Duration::from_secs(5);

/// The room of large bodies, and that of small ones, in bytes.
const HALF: usize = REGISTRY_BODIES_BYTES_MAX / 2;

/// Bodies above this are parsed on a thread of their own.
const LARGE: usize = 64 * 1024;

/// The room that all bodies share until what is done with them is; large ones have their own half, so that small ones do not
/// wait for them.
pub(crate) struct Room {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    pub(super) answers: Answers,
    /// The places of what takes time.
    pub jobs: Jobs,
}

impl Default for Room {
    fn default() -> Self {
        let half = || Arc::new(Semaphore::new(HALF / UNIT));
        Self { small: half(), large: half(), answers: Answers::default(), jobs: Jobs::default() }
    }
}

/// A body, and the room that it takes while it is kept.
pub(super) struct Received {
    pub bytes: Bytes,
    small: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
}

impl Received {
    /// No body.
    pub fn nothing() -> Self {
        Self { bytes: Bytes::new(), small: None, large: None }
    }

    /// Takes room for a body of at most that length. A large one takes it once: two that each had a part would wait for each other.
    async fn grow(&mut self, room: &Room, length: usize) -> Result<(), RestError> {
        let (room, place) = match length <= LARGE {
            true => (&room.small, &mut self.small),
            false => (&room.large, &mut self.large),
        };
        let taken = place.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = length.min(HALF).div_ceil(UNIT);
        let more = u32::try_from(wanted.saturating_sub(taken)).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let permit = timeout(PATIENCE, Arc::clone(room).acquire_many_owned(more)).await;
        let Ok(Ok(permit)) = permit else { return Err(RestError::http(503, "Service Unavailable")) };
        match place {
            Some(taken) => taken.merge(permit),
            None => *place = Some(permit),
        }
        Ok(())
    }
}

/// Reads a body to its end.
pub(super) async fn read(registry: &Registry, body: Body) -> Result<Received, RestError> {
    let limit = registry.settings().body_bytes_max;
    let reading = collect(registry.room(), body, limit);
    match timeout(registry.settings().idle_timeout, reading).await {
        Ok(Ok(received)) if received.bytes.is_empty() => {
            Err(RestError::unprocessable("The request body must not be empty"))
        }
        Ok(outcome) => outcome,
        Err(_) => Err(RestError::http(408, "Request Timeout")),
    }
}

async fn collect(room: &Room, mut body: Body, limit: usize) -> Result<Received, RestError> {
    let mut received = Received::nothing();
    let mut whole = BytesMut::new();
    // As announced, if it was.
    let announced = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(RestError::http(413, "Request Entity Too Large"));
    }
    // A small one takes what has come: what is announced only is nobody's.
    received.grow(room, announced.filter(|length| *length > LARGE).unwrap_or(0)).await?;
    loop {
        let frame = timeout(HALT, poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)));
        let frame = frame.await.map_err(|_| RestError::http(408, "Request Timeout"))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| RestError::bad_request(format!("The body broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = whole.len() + data.len();
        if length > limit {
            return Err(RestError::http(413, "Request Entity Too Large"));
        }
        if length <= LARGE || received.large.is_none() {
            received.grow(room, if length <= LARGE { length } else { announced.unwrap_or(limit) }).await?;
        }
        whole.extend_from_slice(&data);
    }
    received.bytes = whole.freeze();
    Ok(received)
}

/// The JSON in a body. It keeps its room until it is parsed, should the caller go away.
pub(super) async fn json(received: &Arc<Received>) -> Result<Json, RestError> {
    if received.bytes.len() <= LARGE {
        return parsed(&received.bytes);
    }
    let received = Arc::clone(received);
    let parsing = tokio::task::spawn_blocking(move || parsed(&received.bytes));
    parsing.await.unwrap_or_else(|error| Err(RestError::store(format!("parsing ended: {error}"))))
}

fn parsed(bytes: &Bytes) -> Result<Json, RestError> {
    let text =
        core::str::from_utf8(bytes).map_err(|_| RestError::bad_request("Invalid UTF-8 in the body"))?;
    parse(text).map_err(|error| RestError::bad_request(format!("Malformed JSON: {error}")))
}
