//! When partitions must be told of time: one queue for all leaders, no timer for any.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::TopicIdPartition;
use tokio::sync::{Notify, watch};

use crate::Broker;

/// The partitions by when they want to be told.
#[derive(Debug, Default)]
pub(crate) struct Ticks {
    due: Mutex<BTreeSet<(i64, TopicIdPartition)>>,
    earlier: Notify,
}

impl Ticks {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<(i64, TopicIdPartition)>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `partition` told at `at_ms`.
    pub fn arm(&self, at_ms: i64, partition: TopicIdPartition) {
        let mut due = self.lock();
        due.insert((at_ms, partition));
        let is_first = due.first() == Some(&(at_ms, partition));
        drop(due);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// Takes one that is due, or tells when one will be.
    fn take(&self, now_ms: i64) -> Result<TopicIdPartition, Option<Duration>> {
        let mut due = self.lock();
        match due.first() {
            None => Err(None),
            Some((at_ms, _)) if *at_ms > now_ms => {
                Err(Some(Duration::from_millis(u64::try_from(at_ms - now_ms).unwrap_or(1))))
            }
            Some(_) => due.pop_first().map(|(_, partition)| partition).ok_or(None),
        }
    }
}

/// Tells partitions of time, until `stop` says so.
pub(super) async fn run(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    tokio::select! {
        () = tell(broker) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn tell(broker: Arc<Broker>) {
    let shared = &broker.replication;
    loop {
        match shared.ticks.take(shared.now_ms()) {
            Ok(key) => {
                let topic = broker.topics.by_id(key.topic);
                if let Some(partition) = topic.and_then(|topic| topic.opened(key.partition)) {
                    partition.on_tick();
                }
            }
            Err(None) => shared.ticks.earlier.notified().await,
            Err(Some(wait)) => {
                let _ = tokio::time::timeout(wait, shared.ticks.earlier.notified()).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_told_in_the_order_of_time() {
        let ticks = Ticks::default();
        let key = |partition| TopicIdPartition { topic: base::TopicId::ZERO, partition };
        assert_eq!(ticks.take(0), Err(None));
        ticks.arm(20, key(1));
        ticks.arm(10, key(2));
        assert_eq!(ticks.take(5), Err(Some(Duration::from_millis(5))));
        assert_eq!(ticks.take(20), Ok(key(2)));
        assert_eq!(ticks.take(20), Ok(key(1)));
        assert_eq!(ticks.take(20), Err(None));
    }
}
