//! How long to wait before trying again: doubling, with jitter, up to a bound (KIP-580).

use std::time::Duration;

use crate::random::Random;

/// Waits that grow from attempt to attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Default for Backoff {
    /// `retry.backoff.ms` and `retry.backoff.max.ms` of Kafka.
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(1) }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row, 20 % more or less.
    pub(crate) fn after(&self, failures: u32, random: &Random) -> Duration {
        let doubled =
            self.first.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.mul_f64(0.8 + 0.4 * random.unit()).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_their_jitter_and_stop_growing() {
        let random = Random::seeded(7);
        for (failures, center) in [(1, 100), (2, 200), (3, 400), (4, 800)] {
            let wait = Backoff::default().after(failures, &random).as_millis();
            assert!((center * 8 / 10..=center * 12 / 10).contains(&wait), "{failures}: {wait}");
        }
        assert_eq!(Backoff::default().after(60, &random), Duration::from_secs(1));
    }
}
