//! What requests in flight may hold in memory, all connections together.
//!
//! Every connection has a first read for free; what a frame needs beyond that is reserved here as its bytes arrive, and given back
//! when the request is answered. Waiting is fair: first asked, first served.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes per permit; the semaphore counts in `u32`.
const UNIT_BYTES: usize = 4096;

/// A bound on bytes, shared by all connections.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    units: Arc<Semaphore>,
    total_units: usize,
}

/// Bytes taken from a budget; dropping it gives them back.
#[derive(Default, Debug)]
pub struct Reservation {
    permit: Option<OwnedSemaphorePermit>,
}

impl MemoryBudget {
    /// A budget of this many bytes.
    pub fn new(bytes: u64) -> Self {
        let total_units =
            usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(UNIT_BYTES).clamp(1, u32::MAX as usize / 2);
        Self { units: Arc::new(Semaphore::new(total_units)), total_units }
    }

    /// Grows `reservation` to cover `bytes`, waiting until others give back. More than the whole budget counts as the whole.
    pub async fn grow(&self, reservation: &mut Reservation, bytes: usize) {
        let missing = self.missing(reservation, bytes);
        if missing == 0 {
            return;
        }
        if let Ok(permit) = Arc::clone(&self.units).acquire_many_owned(missing).await {
            reservation.add(permit);
        }
    }

    /// As [`grow`](Self::grow), or `false` at once if others hold too much.
    pub fn try_grow(&self, reservation: &mut Reservation, bytes: usize) -> bool {
        let missing = self.missing(reservation, bytes);
        if missing == 0 {
            return true;
        }
        Arc::clone(&self.units).try_acquire_many_owned(missing).map(|permit| reservation.add(permit)).is_ok()
    }

    fn missing(&self, reservation: &Reservation, bytes: usize) -> u32 {
        let wanted = bytes.div_ceil(UNIT_BYTES).min(self.total_units);
        u32::try_from(wanted.saturating_sub(reservation.units())).unwrap_or(u32::MAX)
    }
}

impl Reservation {
    /// Gives back all but what covers `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        let surplus = self.units().saturating_sub(bytes.div_ceil(UNIT_BYTES));
        if let Some(permit) = &mut self.permit {
            drop(permit.split(surplus));
        }
    }

    /// Whether it covers nothing.
    pub fn is_empty(&self) -> bool {
        self.units() == 0
    }

    fn units(&self) -> usize {
        self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    fn add(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_one_gives_back_another_may_take() {
        let budget = MemoryBudget::new(10 * UNIT_BYTES as u64);
        let (mut one, mut two) = (Reservation::default(), Reservation::default());
        budget.grow(&mut one, 6 * UNIT_BYTES).await;
        assert!(budget.try_grow(&mut two, 4 * UNIT_BYTES));
        assert!(!budget.try_grow(&mut two, 5 * UNIT_BYTES));
        one.shrink(5 * UNIT_BYTES);
        assert!(budget.try_grow(&mut two, 5 * UNIT_BYTES));
        drop(one);
        assert!(budget.try_grow(&mut two, usize::MAX), "more than all counts as all");
    }
}
