//! The topics this node has, by id; names resolve through the metadata image.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use base::{Str, TopicId};

use super::Partition;

/// Topics whose records only Mekong writes.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// One topic with those of its partitions that this node leads.
#[derive(Debug)]
pub struct Topic {
    id: TopicId,
    name: Str,
    partitions: ArcSwap<Vec<Option<Arc<Partition>>>>,
}

/// Whether a topic of this name is internal.
pub(crate) fn is_internal(name: &str) -> bool {
    INTERNAL.contains(&name)
}

impl Topic {
    pub(crate) fn new(id: TopicId, name: Str) -> Self {
        Self { id, name, partitions: ArcSwap::default() }
    }

    /// Its identity.
    pub fn id(&self) -> TopicId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &Str {
        &self.name
    }

    /// Whether only Mekong writes to it.
    pub fn is_internal(&self) -> bool {
        is_internal(&self.name)
    }

    /// One partition, if this node leads it.
    pub fn partition(&self, index: i32) -> Option<Arc<Partition>> {
        self.partitions.load().get(usize::try_from(index).ok()?)?.clone()
    }

    /// All partitions that this node leads.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.partitions.load().iter().flatten().cloned().collect()
    }

    pub(crate) fn add(&self, partitions: Vec<Arc<Partition>>) {
        let mut all = Vec::clone(&self.partitions.load());
        for partition in partitions {
            let Ok(index) = usize::try_from(partition.key().partition) else { continue };
            if all.len() <= index {
                all.resize(index + 1, None);
            }
            if let Some(place) = all.get_mut(index) {
                *place = Some(partition);
            }
        }
        self.partitions.store(Arc::new(all));
    }
}

/// All topics of this node.
#[derive(Debug, Default)]
pub struct Topics {
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    by_id: HashMap<TopicId, Arc<Topic>>,
    by_name: HashMap<Str, Arc<Topic>>,
}

impl Topics {
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The topic with this identity.
    pub fn by_id(&self, id: TopicId) -> Option<Arc<Topic>> {
        self.read().by_id.get(&id).cloned()
    }

    /// The topic that has this name now.
    pub fn by_name(&self, name: &str) -> Option<Arc<Topic>> {
        self.read().by_name.get(name).cloned()
    }

    /// All topics.
    pub fn all(&self) -> Vec<Arc<Topic>> {
        self.read().by_id.values().cloned().collect()
    }

    /// The topic, made if it is not there.
    pub(crate) fn get_or_add(&self, id: TopicId, name: &Str) -> Arc<Topic> {
        let mut table = self.write();
        if let Some(topic) = table.by_id.get(&id) {
            return Arc::clone(topic);
        }
        let topic = Arc::new(Topic::new(id, name.detached()));
        table.by_id.insert(id, Arc::clone(&topic));
        table.by_name.insert(topic.name.clone(), Arc::clone(&topic));
        topic
    }

    /// Takes a topic out.
    pub(crate) fn remove(&self, id: TopicId) -> Option<Arc<Topic>> {
        let mut table = self.write();
        let topic = table.by_id.remove(&id)?;
        if table.by_name.get(&topic.name).is_some_and(|named| named.id == id) {
            table.by_name.remove(&topic.name);
        }
        Some(topic)
    }
}
