//! `max.connection.creation.rate`.

use std::time::{Duration, Instant};

/// Spreads connections over time: as many as a second allows may come at once, after that one each time its share has passed.
#[derive(Default, Debug)]
pub(super) struct Pace {
    /// When those taken in so far would have come if they had come evenly.
    even: Option<Instant>,
}

impl Pace {
    /// How long the next one has to wait at `rate` per second.
    pub fn next(&mut self, rate: u32, now: Instant) -> Duration {
        let share = Duration::from_secs(1) / rate.max(1);
        let burst = Duration::from_secs(1).saturating_sub(share);
        let earliest = now.checked_sub(burst).unwrap_or(now);
        let even = self.even.map_or(earliest, |even| (even + share).max(earliest));
        self.even = Some(even);
        even.saturating_duration_since(now)
    }
}
