//! What travels with a request until its answer has left: its times and its memory.

use net::Reservation;
use wire::ApiKey;

use crate::metrics::{Metrics, Stamps};

/// See the module's text.
pub(super) struct Ticket {
    pub stamps: Stamps,
    pub key: ApiKey,
    pub _memory: Reservation,
    /// The bytes of its frame, as long as nobody has them in a reservation.
    pub uncounted: usize,
}

impl Ticket {
    /// Counts the request; its answer has left, or there is none.
    pub fn close(mut self, metrics: &Metrics) {
        self.stamps.sent();
        if let Some(api) = metrics.api(self.key) {
            api.count(&self.stamps);
        }
    }
}
