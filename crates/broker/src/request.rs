//! What a handler knows about the request it serves, and what it may ask.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use auth::{Need, Operation, ResourceType};
use base::Str;
use net::Reservation;
use tokio::sync::Notify;
use wire::ApiKey;

use crate::Broker;
use crate::accounting::Account;
use crate::blocking::Pace;
use crate::connections::Slot;
use crate::listener::Listener;

/// A connection as its requests see it.
#[derive(Debug)]
pub struct ConnectionInfo {
    /// The broker serving it.
    pub broker: Arc<Broker>,
    /// The listener it came in by.
    pub listener: Arc<Listener>,
    /// The peer's address.
    pub peer: SocketAddr,
    /// The address the peer reached us at.
    pub local: SocketAddr,
    /// Who the peer is.
    pub principal: Str,
    /// The client software's name and version, once ApiVersions has told (KIP-511).
    pub software: OnceLock<(Str, Str)>,
    /// The node of the cluster at the other end, once it has told.
    pub(crate) node: OnceLock<i32>,
    pub(crate) slot: Arc<Slot>,
    /// A follower's fetch that waits here, if one does.
    pub(crate) parked: Parked,
    /// How its batches are checked: small ones out of which much comes take long.
    pub(crate) checks: Pace,
}

/// A request that waits, and ends its wait when another one stands behind it.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    waits: AtomicBool,
    interrupted: Notify,
}

impl Parked {
    /// Waits until the peer sends more, or is gone.
    pub async fn until_interrupted(&self) {
        self.waits.store(true, Ordering::Release);
        self.interrupted.notified().await;
    }

    /// Whether a request waits.
    pub fn waits(&self) -> bool {
        self.waits.load(Ordering::Acquire)
    }

    /// The peer sent more.
    pub fn interrupt(&self) {
        if self.waits.swap(false, Ordering::AcqRel) {
            self.interrupted.notify_one();
        }
    }
}

/// One request: who asks, by which listener, in which version, since when.
#[derive(Debug)]
pub struct RequestContext {
    /// The connection it came by.
    pub connection: Arc<ConnectionInfo>,
    /// The API asked.
    pub key: ApiKey,
    /// Its version.
    pub version: i16,
    /// Comes back in the answer.
    pub correlation_id: i32,
    /// Who the client says it is; empty if it does not.
    pub client_id: Str,
    /// When its last byte was received.
    pub received: Instant,
    /// When its handler began.
    pub(crate) started: Instant,
    /// When its handler first waited.
    pub(crate) waited: OnceLock<Instant>,
    /// Who is charged for it, …
    pub(crate) account: Arc<Account>,
    /// … but not left waiting, if it is the cluster's own.
    pub(crate) is_exempt: AtomicBool,
    /// The bytes of its frame.
    pub bytes_in: usize,
    /// Memory that the answer holds until it has left.
    pub(crate) memory: Mutex<Reservation>,
    /// Whether the API's row serves the version; false for ApiVersions alone, which answers even then.
    pub(crate) version_is_served: bool,
    /// The operations its row names.
    pub(crate) needs: &'static [Need],
}

impl RequestContext {
    /// The broker.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.connection.broker
    }

    /// Notes that the handler waits from here on; only the first time counts.
    pub(crate) fn begins_to_wait(&self) {
        let _ = self.waited.set(Instant::now());
    }

    /// Does a handler's work, and notes when it first waits.
    pub(crate) async fn work<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let polled = work.as_mut().poll(cx);
            if polled.is_pending() {
                self.begins_to_wait();
            }
            polled
        })
        .await
    }

    /// Counts the request; returns how long the client is to be left waiting. What it waited is not charged.
    pub(crate) fn charge(&self, bytes_out: usize) -> Duration {
        let until = self.waited.get().copied().unwrap_or_else(Instant::now);
        let throttle =
            self.account.count(self.bytes_in, bytes_out, until.saturating_duration_since(self.started));
        if self.is_exempt.load(Ordering::Relaxed) { Duration::ZERO } else { throttle }
    }

    /// Keeps memory reserved until the answer has left.
    pub(crate) fn hold(&self, memory: Reservation) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = memory;
    }

    pub(crate) fn take_memory(&self) -> Reservation {
        std::mem::take(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the principal may do this to the resource of this name, as the broker's authorizer decides.
    ///
    /// What a handler asks for stands in its row of the dispatch table; asking for anything else is a bug.
    pub fn authorize(&self, operation: Operation, resource: ResourceType, name: &str) -> bool {
        assert!(
            self.needs.contains(&(resource, operation)),
            "{:?} asks for {operation:?} on {resource:?}, which its row of the dispatch table does not list",
            self.key
        );
        // The cluster's own traffic is not throttled with its clients' (KIP-13).
        if operation == Operation::ClusterAction {
            self.is_exempt.store(true, Ordering::Relaxed);
        }
        self.broker().authorizer.allows(&self.connection.principal, operation, resource, name)
    }

    /// All that the principal may do to the resource of this name, as bits (KIP-430).
    pub fn operations(&self, resource: ResourceType, name: &str) -> i32 {
        self.broker().authorizer.operations(&self.connection.principal, resource, name)
    }
}
