//! Which fetcher copies which partition.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base::TopicIdPartition;
use metadata::config::BrokerConfigs;
use tokio::sync::watch;

use super::fetcher::Fetcher;
use super::inbox::{Inbox, News};
use crate::Broker;

/// A fetcher: the leader it asks, and its number among those of that leader.
type Place = (i32, u64);

/// All fetchers of a node.
#[derive(Debug, Default)]
pub(crate) struct Fetchers {
    table: Mutex<Table>,
    stop: OnceLock<watch::Receiver<bool>>,
}

#[derive(Debug, Default)]
struct Table {
    fetchers: HashMap<Place, Arc<Inbox>>,
    followed: HashMap<TopicIdPartition, Place>,
}

impl Fetchers {
    /// From now on fetchers may run, until `stop` says so.
    pub(super) fn start(&self, stop: watch::Receiver<bool>) {
        // Started once; a second start would find the first one's.
        let _ = self.stop.set(stop);
    }

    /// Has a partition copied from `leader`, and no longer from another. Must run inside the runtime.
    pub fn follow(&self, broker: &Arc<Broker>, partition: TopicIdPartition, leader: i32) {
        let Some(stop) = self.stop.get() else { return };
        let place = place(partition, leader, &broker.broker_configs(&broker.image()));
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = table.followed.insert(partition, place).filter(|before| *before != place) {
            table.tell(before, News::Leave(partition));
        }
        table.fetchers.entry(place).or_insert_with(|| {
            let inbox = Arc::<Inbox>::default();
            let fetcher = Fetcher::new(Arc::downgrade(broker), leader, place.1, Arc::clone(&inbox));
            let mut stop = stop.clone();
            broker.need("copying from a leader", &tokio::runtime::Handle::current(), async move {
                tokio::select! {
                    () = fetcher.run() => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            });
            inbox
        });
        table.tell(place, News::Follow(partition));
    }

    /// A partition is led here, or by nobody, or gone.
    pub fn leave(&self, partition: TopicIdPartition) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = table.followed.remove(&partition) {
            table.tell(place, News::Leave(partition));
        }
    }
}

/// Which of the fetchers of a leader copies a partition; there are `num.replica.fetchers` of them.
fn place(partition: TopicIdPartition, leader: i32, configs: &BrokerConfigs<'_>) -> Place {
    let count = u64::try_from(configs.number("num.replica.fetchers")).unwrap_or(1).max(1);
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(partition);
    (leader, hash % count)
}

impl Table {
    fn tell(&self, place: Place, news: News) {
        if let Some(inbox) = self.fetchers.get(&place) {
            inbox.tell(news);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base::TopicId;
    use metadata::MetadataImage;
    use metadata::config::StaticConfigs;

    use super::*;

    #[test]
    fn partitions_are_copied_by_as_many_fetchers_as_are_asked_for() {
        let image = MetadataImage::default();
        for (count, fetchers) in [("1", 1), ("3", 3)] {
            let statics = StaticConfigs::from([("num.replica.fetchers".to_owned(), count.to_owned())]);
            let configs = BrokerConfigs { node_id: 1, statics: &statics, image: &image };
            let of = |partition| {
                place(TopicIdPartition { topic: TopicId(base::Uuid([7; 16])), partition }, 2, &configs)
            };
            let places: BTreeSet<Place> = (0..100).map(of).collect();
            assert_eq!(places.len(), fetchers, "{count}");
        }
    }
}
