//! Counters of the request path, as handles that sit where they are counted; nothing here looks anything up by label.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use wire::ApiKey;

/// The moments of one request, and the size of its answer.
///
/// ```text
/// received ─ queue ─ started ─ local ─ ordered ─ remote ─ committed ─ send ─ sent
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamps {
    received: Instant,
    started: Instant,
    ordered: Instant,
    committed: Instant,
    sent: Instant,
    pub(crate) bytes_out: usize,
}

impl Stamps {
    pub(crate) fn received(at: Instant) -> Self {
        Self { received: at, started: at, ordered: at, committed: at, sent: at, bytes_out: 0 }
    }

    pub(crate) fn started(&mut self, at: Instant) {
        self.started = at;
    }

    /// The handler was done, or began to wait, at this moment.
    pub(crate) fn ordered(&mut self, at: Instant) {
        self.ordered = at;
    }

    pub(crate) fn committed(&mut self) {
        self.committed = Instant::now();
    }

    pub(crate) fn sent(&mut self) {
        self.sent = Instant::now();
    }
}

/// The counters of one API.
#[derive(Debug, Default)]
pub struct ApiMetrics {
    /// Requests answered.
    pub requests: AtomicU64,
    /// Nanoseconds between the last byte received and the handler's start.
    pub queue_ns: AtomicU64,
    /// Nanoseconds in the handler until it was done, or waited for the first time.
    pub local_ns: AtomicU64,
    /// Nanoseconds from there on: waiting for records, commits, replicas, members, the disk, earlier answers.
    pub remote_ns: AtomicU64,
    /// Nanoseconds from the answer's being ready until its last byte was written.
    pub send_ns: AtomicU64,
    /// Bytes of the answers.
    pub bytes_out: AtomicU64,
}

/// APIs are numbered 0 to 94 so far.
const APIS: usize = 128;

/// The counters of a broker.
#[derive(Debug)]
pub struct Metrics {
    apis: Vec<ApiMetrics>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { apis: (0..APIS).map(|_| ApiMetrics::default()).collect() }
    }
}

impl Metrics {
    /// The counters of one API.
    pub fn api(&self, key: ApiKey) -> Option<&ApiMetrics> {
        self.apis.get(usize::try_from(key.code()).ok()?)
    }
}

impl ApiMetrics {
    /// Counts one request.
    pub(crate) fn count(&self, stamps: &Stamps) {
        let add = |counter: &AtomicU64, from: Instant, to: Instant| {
            let span = to.saturating_duration_since(from).as_nanos();
            counter.fetch_add(u64::try_from(span).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        add(&self.queue_ns, stamps.received, stamps.started);
        add(&self.local_ns, stamps.started, stamps.ordered);
        add(&self.remote_ns, stamps.ordered, stamps.committed);
        add(&self.send_ns, stamps.committed, stamps.sent);
        self.bytes_out.fetch_add(stamps.bytes_out as u64, Ordering::Relaxed);
    }
}
