//! Large answers: all that wait to be read together are bounded. One that finds no room is put aside and made again when there is.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base::limits::REGISTRY_ANSWERS_BYTES_MAX;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::RestError;

/// Answers above this take room.
const LARGE: usize = 64 * 1024;

/// What the room is counted in.
const UNIT: usize = 1024;

/// What is given to a connection at a time: it keeps copies of some of it.
const PIECE: usize = 64 * 1024;

/// How long an answer waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

/// The room that all large answers share until they are sent.
pub(crate) struct Answers(Arc<Semaphore>);

impl Default for Answers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(units(REGISTRY_ANSWERS_BYTES_MAX))))
    }
}

fn units(bytes: usize) -> usize {
    bytes.min(REGISTRY_ANSWERS_BYTES_MAX).div_ceil(UNIT)
}

/// An answer's place in the room; none for a small one.
pub(super) struct Place(
    #[expect(dead_code, reason = "it is given back when dropped")] Option<OwnedSemaphorePermit>,
);

impl Answers {
    /// A place for an answer of so many bytes, if there is room now.
    pub(super) fn place(&self, bytes: usize) -> Option<Place> {
        if bytes <= LARGE {
            return Some(Place(None));
        }
        let units = u32::try_from(units(bytes)).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(units).ok().map(|permit| Place(Some(permit)))
    }

    /// The same, once there is.
    pub(super) async fn wait(&self, bytes: usize) -> Result<Place, RestError> {
        let units = u32::try_from(units(bytes)).unwrap_or(u32::MAX);
        match timeout(PATIENCE, Arc::clone(&self.0).acquire_many_owned(units)).await {
            Ok(Ok(permit)) => Ok(Place(Some(permit))),
            _ => Err(RestError::http(503, "Service Unavailable")),
        }
    }
}

struct Held {
    text: String,
    _place: Place,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// A body that keeps its place until the last of it is sent.
pub(super) fn body(text: String, place: Place) -> Body {
    if text.len() <= LARGE {
        return Body::from(text);
    }
    Body::new(Pieces(Bytes::from_owner(Held { text, _place: place })))
}

struct Pieces(Bytes);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
