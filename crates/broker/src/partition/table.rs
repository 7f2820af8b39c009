//! The topics this node has, by id and by name, and which of their partitions it holds a replica of.
//!
//! A replica costs a few bytes until it is first used, by a client or by its fetcher: only then its log is opened (and, after a
//! crash, recovered).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use base::{Str, TopicId};
use metadata::image::Partition as State;
use wire::ErrorCode;

use super::{Partition, state_of};
use crate::blocking;

/// Topics whose records only Mekong writes.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// Whether a topic of this name is internal.
pub(crate) fn is_internal(name: &str) -> bool {
    INTERNAL.contains(&name)
}

/// Opens a partition's log; blocks as long as the disk does.
pub(crate) type Opener = dyn Fn(&Topic, i32, &State) -> Result<Arc<Partition>, ErrorCode> + Send + Sync;

/// What this node has of a partition.
#[derive(Clone, Debug, Default)]
enum Place {
    /// Nothing: all replicas are elsewhere.
    #[default]
    Elsewhere,
    /// A replica, as the metadata have it; the log has not been used yet.
    Closed(Arc<State>),
    /// A replica, and its log.
    Open(Arc<Partition>),
}

/// One topic with those of its partitions that this node holds.
pub struct Topic {
    id: TopicId,
    name: Str,
    me: i32,
    places: RwLock<Vec<Place>>,
    /// Held while a log is opened, so that none is opened twice.
    opening: Mutex<()>,
    opener: Arc<OnceLock<Box<Opener>>>,
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({})", self.name)
    }
}

impl Topic {
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

    /// One partition that this node leads; its first use opens its log. Blocks then.
    pub fn find(&self, index: i32) -> Result<Arc<Partition>, ErrorCode> {
        match self.place(index) {
            Some(Place::Open(partition)) if partition.leads() => Ok(partition),
            Some(Place::Closed(state)) if state.leader == self.me => self.open(index),
            Some(_) => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
            None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        }
    }

    /// One partition that this node has a replica of, whoever leads; its first use opens its log. Blocks then.
    pub fn replica(&self, index: i32) -> Result<Arc<Partition>, ErrorCode> {
        match self.place(index) {
            Some(Place::Open(partition)) => Ok(partition),
            Some(Place::Closed(_)) => self.open(index),
            Some(Place::Elsewhere) => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
            None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        }
    }

    /// One partition, if its log is open.
    pub fn opened(&self, index: i32) -> Option<Arc<Partition>> {
        match self.place(index)? {
            Place::Open(partition) => Some(partition),
            _ => None,
        }
    }

    /// All partitions whose logs are open.
    pub fn all_opened(&self) -> Vec<Arc<Partition>> {
        let places = self.read();
        let open =
            places.iter().filter_map(|place| if let Place::Open(one) = place { Some(one) } else { None });
        open.cloned().collect()
    }

    /// The same, and one whose log is being opened now: waits for that.
    pub(crate) fn all_opened_or_opening(&self) -> Vec<Arc<Partition>> {
        let _one_at_a_time = self.opening();
        self.all_opened()
    }

    /// All partitions that this node has replicas of. Opens their logs: may block.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.partitions_where(|_| true)
    }

    /// All partitions that this node leads, as of now. Opens their logs: may block.
    pub fn led(&self) -> Vec<Arc<Partition>> {
        (0..self.count()).filter_map(|index| self.find(index).ok()).collect()
    }

    fn count(&self) -> i32 {
        i32::try_from(self.read().len()).unwrap_or(i32::MAX)
    }

    /// Those replicas of this node whose logs are open or `wanted`. Opens the latter: may block.
    pub fn partitions_where(&self, wanted: impl Fn(i32) -> bool) -> Vec<Arc<Partition>> {
        let open =
            |index| self.opened(index).or_else(|| wanted(index).then(|| self.replica(index).ok()).flatten());
        (0..self.count()).filter_map(open).collect()
    }

    fn place(&self, index: i32) -> Option<Place> {
        self.read().get(usize::try_from(index).ok()?).cloned()
    }

    fn open(&self, index: i32) -> Result<Arc<Partition>, ErrorCode> {
        // A log may have to be recovered.
        blocking::in_place(|| self.open_here(index))
    }

    fn open_here(&self, index: i32) -> Result<Arc<Partition>, ErrorCode> {
        let _one_at_a_time = self.opening();
        let state = match self.place(index) {
            Some(Place::Open(partition)) => return Ok(partition),
            Some(Place::Closed(state)) => state,
            Some(Place::Elsewhere) => return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
            None => return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        };
        let opener = self.opener.get().ok_or(ErrorCode::BROKER_NOT_AVAILABLE)?;
        let partition = opener(self, index, &state)?;
        partition.on_metadata(&state_of(&state));
        self.put(index, Place::Open(Arc::clone(&partition)));
        Ok(partition)
    }

    fn opening(&self) -> MutexGuard<'_, ()> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metadata's word on a partition that this node has a replica of.
    pub(crate) fn hold(&self, index: i32, state: &Arc<State>) {
        let _one_at_a_time = self.opening();
        match self.place(index) {
            Some(Place::Open(partition)) => partition.on_metadata(&state_of(state)),
            _ => self.put(index, Place::Closed(Arc::clone(state))),
        }
    }

    /// Notes a partition whose replicas are all elsewhere; gives the log that was here, if it is open.
    pub(crate) fn leave(&self, index: i32) -> Option<Arc<Partition>> {
        let _one_at_a_time = self.opening();
        let left = self.opened(index);
        self.put(index, Place::Elsewhere);
        if let Some(partition) = &left {
            partition.close();
        }
        left
    }

    fn put(&self, index: i32, place: Place) {
        let Ok(index) = usize::try_from(index) else { return };
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        if places.len() <= index {
            places.resize(index + 1, Place::Elsewhere);
        }
        if let Some(slot) = places.get_mut(index) {
            *slot = place;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Place>> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All topics of this node.
pub struct Topics {
    me: i32,
    table: RwLock<Table>,
    opener: Arc<OnceLock<Box<Opener>>>,
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topics").field("count", &self.read().by_id.len()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Table {
    by_id: HashMap<TopicId, Arc<Topic>>,
    by_name: HashMap<Str, Arc<Topic>>,
}

impl Topics {
    /// None yet, of the node of this id.
    pub(crate) fn new(me: i32) -> Self {
        Self { me, table: RwLock::default(), opener: Arc::default() }
    }

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

    /// Says how logs are opened; once, at the start.
    pub(crate) fn open_with(&self, opener: Box<Opener>) {
        assert!(self.opener.set(opener).is_ok(), "how logs are opened is said once");
    }

    /// The topic, made if it is not there.
    pub(crate) fn get_or_add(&self, id: TopicId, name: &Str) -> Arc<Topic> {
        let mut table = self.write();
        if let Some(topic) = table.by_id.get(&id) {
            return Arc::clone(topic);
        }
        let opener = Arc::clone(&self.opener);
        let (places, opening) = (RwLock::default(), Mutex::default());
        let topic = Arc::new(Topic { id, name: name.detached(), me: self.me, places, opening, opener });
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
