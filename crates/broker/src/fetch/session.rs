//! Incremental fetch sessions (KIP-227): what a consumer reads is remembered, so that a request costs by what changed.
//!
//! A session watches its partitions: each that moves is noted in a queue, and the next fetch looks at those alone. A fetch without a
//! session uses the same structure for the length of one request.
//!
//! Sessions live in slots, of which there is a fixed number. A new one takes the place of one that was not used for two minutes, or,
//! among those that had their two minutes, of a smaller one; followers' sessions give way to no consumer's.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use base::{Str, Uuid};
use wire::ErrorCode;

use crate::waiters::{Key, Registration, Waiter, Waiters};

/// A session that was not used for this long gives way to any new one (`MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
const EVICTABLE_AFTER_MS: u64 = 120_000;

/// A partition as requests name it: by topic id from version 13 on, by name before.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Name {
    pub topic: Str,
    pub topic_id: Uuid,
    pub partition: i32,
}

/// What is wanted from one partition.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub name: Name,
    pub fetch_offset: i64,
    pub current_leader_epoch: i32,
    pub last_fetched_epoch: i32,
    pub max_bytes: i32,
    /// Of a follower: where its log begins, and below which offset all of it is durable; -1 where it does not say.
    pub log_start: i64,
    pub durable_end: i64,
}

/// A partition in a session, and what its client was told last.
#[derive(Debug)]
pub(crate) struct Place {
    pub wanted: Wanted,
    pub high_watermark: i64,
    pub log_start: i64,
    /// With what wakes a waiting fetch, and with what only has the place looked at when there is an answer anyway.
    pub registration: Option<(Registration, Option<Registration>)>,
}

/// What a place listens to.
#[derive(Debug)]
pub(crate) struct Listen {
    /// Wakes a waiting fetch.
    pub wakes: Key,
    /// Does not: the next answer tells.
    pub quietly: Option<Key>,
}

/// Notes places without waking anyone.
#[derive(Debug)]
struct Quiet(Arc<Moved>);

impl Waiter for Quiet {
    fn moved(&self, place: usize) {
        self.0.note(place);
    }
}

/// The partitions of one fetch or of one session.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    places: Vec<Option<Place>>,
    free: Vec<usize>,
    by_name: HashMap<Name, usize>,
    /// Places that are not told of moves yet.
    unregistered: Vec<usize>,
    pub moved: Arc<Moved>,
}

/// The places that moved since they were looked at, in the order in which they did.
#[derive(Debug, Default)]
pub(crate) struct Moved(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    places: VecDeque<usize>,
    noted: Vec<bool>,
    waker: Option<Waker>,
}

impl Moved {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a place without waking anyone.
    pub fn note(&self, place: usize) {
        self.lock().note(place);
    }

    /// Takes all that moved.
    pub fn take(&self) -> VecDeque<usize> {
        let mut queue = self.lock();
        let places = std::mem::take(&mut queue.places);
        for place in &places {
            if let Some(noted) = queue.noted.get_mut(*place) {
                *noted = false;
            }
        }
        places
    }

    /// Ready when something moved.
    pub fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut queue = self.lock();
        if !queue.places.is_empty() {
            return Poll::Ready(());
        }
        queue.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Queue {
    fn note(&mut self, place: usize) {
        if self.noted.len() <= place {
            self.noted.resize(place + 1, false);
        }
        let Some(noted) = self.noted.get_mut(place) else { return };
        if !std::mem::replace(noted, true) {
            self.places.push_back(place);
        }
    }
}

impl Waiter for Moved {
    fn moved(&self, place: usize) {
        let mut queue = self.lock();
        queue.note(place);
        if let Some(waker) = queue.waker.take() {
            drop(queue);
            waker.wake();
        }
    }
}

impl Watch {
    /// Adds a partition or changes what is wanted of it; it is looked at next.
    pub fn want(&mut self, wanted: Wanted) {
        let place = match self.by_name.get(&wanted.name) {
            Some(place) => *place,
            None => self.add(wanted.name.clone()),
        };
        match self.places.get_mut(place) {
            Some(Some(known)) => known.wanted = wanted,
            Some(empty) => {
                *empty = Some(Place { wanted, high_watermark: -1, log_start: -1, registration: None });
                self.unregistered.push(place);
            }
            None => {}
        }
        self.moved.note(place);
    }

    fn add(&mut self, name: Name) -> usize {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.by_name.insert(name, place);
        place
    }

    /// Forgets a partition.
    pub fn forget(&mut self, name: &Name) {
        let Some(place) = self.by_name.remove(name) else { return };
        if let Some(gone) = self.places.get_mut(place) {
            *gone = None;
            self.free.push(place);
        }
    }

    pub fn get_mut(&mut self, place: usize) -> Option<&mut Place> {
        self.places.get_mut(place)?.as_mut()
    }

    /// What the partition of a place is called.
    pub fn name(&self, place: usize) -> Option<&Name> {
        Some(&self.places.get(place)?.as_ref()?.wanted.name)
    }

    /// How many partitions there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Has every place told of its moves, where `key` knows what to listen to; whether there was one to begin with. A place is looked
    /// at once more then, for what moved before it listened.
    pub fn register(&mut self, waiters: &Arc<Waiters>, key: impl Fn(&Name) -> Option<Listen>) -> bool {
        let mut any = false;
        for number in std::mem::take(&mut self.unregistered) {
            let Some(Some(place)) = self.places.get_mut(number) else { continue };
            match key(&place.wanted.name) {
                None => self.unregistered.push(number),
                Some(Listen { wakes, quietly }) => {
                    let waiter: Arc<dyn Waiter> = Arc::clone(&self.moved) as _;
                    let quiet = quietly.map(|key| {
                        waiters.register(key, Arc::new(Quiet(Arc::clone(&self.moved))) as _, number)
                    });
                    place.registration = Some((waiters.register(wakes, waiter, number), quiet));
                    self.moved.note(number);
                    any = true;
                }
            }
        }
        any
    }

    /// Stops listening for a place: what it listened to may be gone, and another be there by the same name.
    pub fn unregister(&mut self, number: usize) {
        let Some(Some(place)) = self.places.get_mut(number) else { return };
        if place.registration.take().is_some() {
            self.unregistered.push(number);
        }
    }
}

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub id: i32,
    uses_topic_ids: bool,
    privileged: bool,
    created_ms: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    epoch: i32,
    size: usize,
    used_ms: u64,
    /// Taken out while a fetch works with it.
    watch: Option<Watch>,
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the partitions back at the end of a fetch.
    pub fn put_back(&self, watch: Watch) {
        let mut state = self.lock();
        state.size = watch.len();
        state.watch = Some(watch);
    }
}

/// All sessions of a broker.
#[derive(Debug)]
pub(crate) struct Sessions {
    slots: usize,
    table: Mutex<Table>,
    random: RandomState,
}

#[derive(Debug, Default)]
struct Table {
    sessions: HashMap<i32, Arc<Session>>,
    /// Drawn so far, so that no two draws are equal.
    draws: u64,
}

/// What a request with a session id got.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The session, with its partitions taken out.
    Session(Arc<Session>, Watch),
    /// Nothing is left in it: it is gone, and the rest is a fetch of no partition without a session.
    Emptied,
}

impl Sessions {
    pub fn new(slots: usize) -> Self {
        Self { slots, table: Mutex::default(), random: RandomState::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Ends a session.
    pub fn remove(&self, id: i32) {
        let gone = self.lock().sessions.remove(&id);
        drop(gone);
    }

    /// Makes a session of a full fetch's partitions; `None` if no slot is free for it.
    pub fn create(&self, watch: Watch, privileged: bool, uses_topic_ids: bool, now_ms: u64) -> Option<i32> {
        let mut table = self.lock();
        let evicted = match table.sessions.len() >= self.slots {
            false => None,
            true => match table.victim(privileged, watch.len(), now_ms) {
                Some(victim) => table.sessions.remove(&victim),
                None => return None,
            },
        };
        let id = self.draw(&mut table);
        let state = State { epoch: 1, size: watch.len(), used_ms: now_ms, watch: Some(watch) };
        let session =
            Session { id, uses_topic_ids, privileged, created_ms: now_ms, state: Mutex::new(state) };
        table.sessions.insert(id, Arc::new(session));
        drop(table);
        drop(evicted);
        Some(id)
    }

    fn draw(&self, table: &mut Table) -> i32 {
        loop {
            table.draws += 1;
            let bits = self.random.hash_one(table.draws);
            let id = i32::try_from(bits & 0x7fff_ffff).unwrap_or_default();
            if id != 0 && !table.sessions.contains_key(&id) {
                return id;
            }
        }
    }

    /// Goes on with a session: its epoch must be the expected one.
    pub fn open(
        &self,
        id: i32,
        epoch: i32,
        uses_topic_ids: bool,
        now_ms: u64,
        change: impl FnOnce(&mut Watch),
    ) -> Result<Opened, ErrorCode> {
        let session = self.lock().sessions.get(&id).cloned().ok_or(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)?;
        let mut state = session.lock();
        if state.epoch != epoch {
            return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        if session.uses_topic_ids != uses_topic_ids {
            return Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        }
        // Another request of the same session is still at work: its epoch cannot be known to the client yet.
        let mut watch = state.watch.take().ok_or(ErrorCode::INVALID_FETCH_SESSION_EPOCH)?;
        change(&mut watch);
        state.epoch = next_epoch(epoch);
        state.used_ms = now_ms;
        state.size = watch.len();
        drop(state);
        if watch.len() == 0 {
            self.remove(id);
            return Ok(Opened::Emptied);
        }
        Ok(Opened::Session(session, watch))
    }
}

impl Table {
    /// The session that a new one may replace.
    fn victim(&self, privileged: bool, size: usize, now_ms: u64) -> Option<i32> {
        let mut oldest: Option<(u64, i32)> = None;
        let mut smallest = BTreeSet::new();
        for (id, session) in &self.sessions {
            let state = session.lock();
            let used = (state.used_ms, *id);
            oldest = Some(oldest.map_or(used, |oldest| oldest.min(used)));
            if now_ms.saturating_sub(session.created_ms) > EVICTABLE_AFTER_MS
                || (privileged && !session.privileged)
            {
                smallest.insert((session.privileged, state.size, *id));
            }
        }
        let (used_ms, id) = oldest?;
        if now_ms.saturating_sub(used_ms) > EVICTABLE_AFTER_MS {
            return Some(id);
        }
        let (other_privileged, other_size, id) = *smallest.first()?;
        ((privileged, size) > (other_privileged, other_size)).then_some(id)
    }
}

/// Epochs count from 1 and wrap back to 1: 0 and -1 say something else.
fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(topic: &'static str) -> Wanted {
        let name = Name { topic: Str::from_static(topic), topic_id: Uuid::ZERO, partition: 0 };
        Wanted {
            name,
            fetch_offset: 0,
            current_leader_epoch: -1,
            last_fetched_epoch: -1,
            max_bytes: 1,
            log_start: -1,
            durable_end: -1,
        }
    }

    fn watch(topics: &[&'static str]) -> Watch {
        let mut watch = Watch::default();
        topics.iter().for_each(|topic| watch.want(wanted(topic)));
        watch
    }

    #[test]
    fn a_session_goes_on_by_its_epoch_alone() {
        let sessions = Sessions::new(10);
        let id = sessions.create(watch(&["a"]), false, true, 0).unwrap();
        let open = |epoch, ids| sessions.open(id, epoch, ids, 0, |_| ());
        assert_eq!(open(2, true).unwrap_err(), ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        assert_eq!(open(1, false).unwrap_err(), ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        let Opened::Session(session, taken) = open(1, true).unwrap() else { panic!() };
        assert_eq!(open(2, true).unwrap_err(), ErrorCode::INVALID_FETCH_SESSION_EPOCH, "still at work");
        session.put_back(taken);
        assert!(matches!(open(2, true), Ok(Opened::Session(..))));
        let unknown = sessions.open(id ^ 1, 1, true, 0, |_| ()).unwrap_err();
        assert_eq!(unknown, ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
    }

    #[test]
    fn an_emptied_session_is_gone() {
        let sessions = Sessions::new(10);
        let id = sessions.create(watch(&["a"]), false, false, 0).unwrap();
        let opened = sessions.open(id, 1, false, 0, |watch| watch.forget(&wanted("a").name));
        assert!(matches!(opened, Ok(Opened::Emptied)));
        assert_eq!(sessions.count(), 0);
    }

    #[test]
    fn a_full_table_gives_way_by_age_then_by_size() {
        let sessions = Sessions::new(2);
        let small = sessions.create(watch(&["a"]), false, false, 0).unwrap();
        sessions.create(watch(&["a", "b"]), false, false, 0).unwrap();
        assert!(
            sessions.create(watch(&["a", "b", "c"]), false, false, 1000).is_none(),
            "none has had its two minutes"
        );
        let follower = sessions.create(watch(&["a"]), true, false, 1000);
        assert!(follower.is_some(), "a follower's takes a consumer's place");
        assert!(!sessions.lock().sessions.contains_key(&small));
        let later = EVICTABLE_AFTER_MS + 1;
        assert!(
            sessions.create(watch(&["a"]), false, false, later).is_some(),
            "one was not used for two minutes"
        );
    }

    #[test]
    fn a_place_is_noted_once_until_taken() {
        let watch = watch(&["a", "b"]);
        assert_eq!(watch.moved.take(), [0, 1]);
        watch.moved.moved(1);
        watch.moved.moved(1);
        watch.moved.moved(0);
        assert_eq!(watch.moved.take(), [1, 0]);
        assert!(watch.moved.take().is_empty());
    }
}
