//! No more bytes in a second than asked (`log.cleaner.io.max.bytes.per.second`).

use std::time::{Duration, Instant};

/// A sleep is no longer than this, so that a stop is heard.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// The speed of one round.
#[derive(Debug)]
pub(crate) struct Throttle {
    bytes_per_second: f64,
    begun: Instant,
    passed: f64,
}

impl Throttle {
    pub fn new(bytes_per_second: f64) -> Self {
        Self { bytes_per_second, begun: Instant::now(), passed: 0.0 }
    }

    /// Lets so many bytes pass, once it is their time; `false` as soon as it is not to go on.
    pub fn pass(&mut self, bytes: u64, goes_on: &dyn Fn() -> bool) -> bool {
        let due = self.passed / self.bytes_per_second.max(1.0);
        self.passed += bytes as f64;
        while goes_on() {
            let ahead = due - self.begun.elapsed().as_secs_f64();
            if ahead <= 0.0 {
                return true;
            }
            std::thread::sleep(Duration::from_secs_f64(ahead.min(SLEEP_MAX.as_secs_f64())));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_wait_for_their_time_and_a_stop_ends_the_wait() {
        let mut free = Throttle::new(f64::MAX);
        assert!((0..1000).all(|_| free.pass(1 << 30, &|| true)));
        let mut slow = Throttle::new(10_000.0);
        let begun = Instant::now();
        assert!(slow.pass(1000, &|| true) && slow.pass(1_000_000, &|| true));
        assert!(begun.elapsed() >= Duration::from_millis(100));
        assert!(!slow.pass(1, &|| begun.elapsed() < Duration::from_millis(200)));
    }
}
