//! The memory that one fetch answer holds until it has left.
//!
//! Every answer's records are counted against a budget that all fetches share: what lies in a hot tail would otherwise be kept alive by
//! those who ask for it and do not read, and what was read from files is held for them alone. A fetch that has something already
//! goes without more when the budget is spent; one that has nothing waits, and while any waits, connections that have not taken a
//! byte for long are closed.

use std::time::Duration;

use net::Reservation;

use crate::Broker;

/// How long a waiting fetch is patient before it has stalled connections closed.
const PATIENCE: Duration = Duration::from_secs(1);
/// A connection that took nothing for this long is stalled.
const STALLED: Duration = Duration::from_secs(10);

/// What an answer in the making holds.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    broker: &'a Broker,
    reservation: Reservation,
    bytes: usize,
}

impl<'a> Held<'a> {
    pub fn nothing(broker: &'a Broker) -> Self {
        Self { broker, reservation: Reservation::default(), bytes: 0 }
    }

    /// Takes this many bytes more; waits for them only if it holds nothing. `false` if they are not to be had.
    pub async fn take(&mut self, bytes: usize) -> bool {
        let wanted = self.bytes.saturating_add(bytes);
        let budget = &self.broker.fetch_memory;
        if !budget.try_grow(&mut self.reservation, wanted) {
            if self.bytes > 0 {
                return false;
            }
            while tokio::time::timeout(PATIENCE, budget.grow(&mut self.reservation, wanted)).await.is_err() {
                self.broker.connections.close_stalled(STALLED);
            }
        }
        self.bytes = wanted;
        true
    }

    /// Gives back what was taken and not used.
    pub fn give_back(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.reservation.shrink(self.bytes);
    }

    /// What the answer takes along.
    pub fn into_reservation(self) -> Reservation {
        self.reservation
    }
}
