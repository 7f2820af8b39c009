//! Replication throttles (KIP-73): how many bytes a second this broker copies as a follower, or hands to followers as a leader, of the
//! partitions that are throttled.
//!
//! ```text
//! {leader,follower}.replication.throttled.rate       broker's config: bytes a second
//! {leader,follower}.replication.throttled.replicas   topic's config: partition:broker,… or *
//! ```
//!
//! Every byte of a throttled partition counts; held back is only who is not in sync. As in Kafka the rate is kept afterwards: an answer
//! is as large as it is, and then nothing is taken until its time is over. What was too much is
//! forgotten after eleven seconds, as Kafka's windows forget it: replicas in sync are not held back, and what they take must not hold
//! up the others for hours.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What was not used up lasts so long.
const SAVED_MAX: f64 = 1.0;

/// What was too much is paid back for so long at most.
const DEBT_MAX: f64 = 11.0;

/// One limit, and how much of it is used up.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Bytes per second; none while there is no limit.
    rate: Option<f64>,
    /// Bytes that were too many at `at`; less than nothing while some were saved.
    debt: f64,
    at: Instant,
}

impl Default for Throttle {
    fn default() -> Self {
        Self(Mutex::new(State { rate: None, debt: 0.0, at: Instant::now() }))
    }
}

impl Throttle {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limit from now on, in bytes per second; none takes it away, and what was too much is forgotten with it.
    pub fn set(&self, rate: Option<i64>) {
        let mut state = self.lock();
        state.pass_time(Instant::now());
        state.rate = rate.map(|rate| rate as f64);
        if state.rate.is_none() {
            state.debt = 0.0;
        }
        state.bound();
    }

    /// So many bytes of throttled partitions passed.
    pub fn record(&self, bytes: usize) {
        let mut state = self.lock();
        state.pass_time(Instant::now());
        if state.rate.is_some() {
            state.debt += bytes as f64;
        }
        state.bound();
    }

    /// How long nothing is to pass; nothing while there is room.
    pub fn exceeded_for(&self) -> Option<Duration> {
        let mut state = self.lock();
        state.pass_time(Instant::now());
        let rate = state.rate?;
        let seconds = if rate > 0.0 { state.debt / rate } else { f64::MAX };
        (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }
}

impl State {
    fn bound(&mut self) {
        self.debt = self.debt.min(self.rate.unwrap_or_default() * DEBT_MAX);
    }

    fn pass_time(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        let rate = self.rate.unwrap_or_default();
        self.debt = (self.debt - rate * passed).max(-rate * SAVED_MAX);
    }
}

/// Which replicas on this broker are throttled, of one topic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Throttled {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those of these partitions.
    Of(BTreeSet<i32>),
}

impl Throttled {
    /// What a topic's list says of this broker. What is no partition:broker pair, which the checks keep out, says nothing.
    pub fn of(items: &[String], node_id: i32) -> Self {
        if items.iter().any(|item| item == "*") {
            return Self::All;
        }
        let own = items.iter().filter_map(|item| {
            let (partition, broker) = item.split_once(':')?;
            let (partition, broker): (i32, i32) =
                (partition.trim().parse().ok()?, broker.trim().parse().ok()?);
            (broker == node_id).then_some(partition)
        });
        let own: BTreeSet<i32> = own.collect();
        if own.is_empty() { Self::None } else { Self::Of(own) }
    }

    /// Whether this partition's is one of them.
    pub fn has(&self, partition: i32) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Of(partitions) => partitions.contains(&partition),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topics_list_names_partitions_and_brokers() {
        for (list, expected) in [
            (&[][..], [false, false, false]),
            (&["*"][..], [true, true, true]),
            (&["0:7", "2:7", "1:8"][..], [true, false, true]),
            (&["0:8", "x:7", "1"][..], [false, false, false]),
        ] {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            let throttled = Throttled::of(&list, 7);
            assert_eq!([0, 1, 2].map(|partition| throttled.has(partition)), expected, "{list:?}");
        }
    }

    #[test]
    fn what_was_too_much_is_waited_for_and_a_new_limit_counts_at_once() {
        let throttle = Throttle::default();
        throttle.record(1 << 30);
        assert_eq!(throttle.exceeded_for(), None, "there is no limit");
        throttle.set(Some(1000));
        throttle.record(10_000);
        let wait = throttle.exceeded_for().unwrap();
        assert!(wait > Duration::from_millis(8500) && wait <= Duration::from_secs(10), "{wait:?}");
        throttle.set(Some(100_000));
        assert!(throttle.exceeded_for().unwrap() <= Duration::from_millis(100));
        std::thread::sleep(Duration::from_millis(110));
        assert_eq!(throttle.exceeded_for(), None);
        throttle.record(1 << 30);
        let wait = throttle.exceeded_for().unwrap();
        assert!(wait > Duration::from_secs(9) && wait <= Duration::from_secs(11), "{wait:?}");
        throttle.set(Some(1000));
        assert!(throttle.exceeded_for().unwrap() <= Duration::from_secs(11), "nor after a lower limit");
        throttle.set(Some(0));
        throttle.record(1);
        assert_eq!(throttle.exceeded_for(), Some(Duration::MAX));
        throttle.set(None);
        assert_eq!(throttle.exceeded_for(), None);
    }
}
