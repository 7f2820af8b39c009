//! What travels with a request until its answer has left: its times, its account, its memory.

use std::sync::Arc;

use net::Reservation;
use wire::ApiKey;

use crate::accounting::Account;
use crate::metrics::{Metrics, Stamps};

/// See the module's text.
pub(super) struct Ticket {
    pub stamps: Stamps,
    pub key: ApiKey,
    pub account: Arc<Account>,
    pub bytes_in: usize,
    pub _memory: Reservation,
}

impl Ticket {
    /// Counts the request; its answer has left, or there is none.
    pub fn close(mut self, metrics: &Metrics) {
        self.stamps.sent();
        if let Some(api) = metrics.api(self.key) {
            api.count(&self.stamps);
        }
        self.account.count(self.bytes_in, self.stamps.bytes_out, self.stamps.handling());
    }
}
