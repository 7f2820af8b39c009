//! Replicas whose logs could not be opened: each is tried again, ever more seldom.

use std::collections::BTreeMap;
use std::time::Duration;

use base::TopicIdPartition;
use tokio::time::Instant;

/// The first pause; doubled with each failure …
const PAUSE: Duration = Duration::from_millis(500);
/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What is to be tried again, and when. Empty unless something is wrong, so it may be looked through.
#[derive(Debug, Default)]
pub(super) struct Unopened(BTreeMap<TopicIdPartition, (Instant, Duration)>);

impl Unopened {
    /// It could not be opened now; says how long it is left alone.
    pub fn put_off(&mut self, partition: TopicIdPartition, now: Instant) -> Duration {
        let pause = self.0.get(&partition).map_or(PAUSE, |(_, pause)| (*pause * 2).min(PAUSE_MAX));
        self.0.insert(partition, (now + pause, pause));
        pause
    }

    /// It was opened, or is no more to be.
    pub fn forget(&mut self, partition: TopicIdPartition) {
        self.0.remove(&partition);
    }

    /// When the first is due.
    pub fn next(&self) -> Option<Instant> {
        self.0.values().map(|(at, _)| *at).min()
    }

    /// Those that are due. Each is to be put off again, or forgotten.
    pub fn due(&self, now: Instant) -> Vec<TopicIdPartition> {
        self.0.iter().filter(|(_, (at, _))| *at <= now).map(|(partition, _)| *partition).collect()
    }
}

#[cfg(test)]
mod tests {
    use base::TopicId;

    use super::*;

    #[test]
    fn is_tried_again_ever_more_seldom() {
        let (mut unopened, mut now) = (Unopened::default(), Instant::now());
        let key = TopicIdPartition { topic: TopicId::ZERO, partition: 0 };
        for seconds in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let pause = unopened.put_off(key, now);
            assert_eq!(pause, Duration::from_secs_f64(seconds));
            assert_eq!(unopened.due(now), []);
            now += pause;
            assert_eq!(unopened.next(), Some(now));
            assert_eq!(unopened.due(now), [key]);
        }
        unopened.forget(key);
        assert_eq!(unopened.next(), None);
    }
}
