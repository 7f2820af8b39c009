//! Incremental fetch sessions (KIP-227): what a consumer reads is remembered, so that a request costs by what changed.
//!
//! A session watches its partitions: each that moves is noted in a queue, and the next fetch looks at those alone. A fetch without a
//! session uses the same structure for the length of one request.
//!
//! Sessions live in slots, of which there is a fixed number. A new one takes the place of one that was not used for two minutes, or,
//! among those that had their two minutes, of a smaller one; followers' sessions give way to no consumer's.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::limits::FETCH_SESSION_PARTITIONS_MAX;
use wire::ErrorCode;

use super::watch::Watch;

/// A session that was not used for this long gives way to any new one (`MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
const EVICTABLE_AFTER_MS: u64 = 120_000;

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
    /// The partitions that consumers' sessions may hold together.
    partitions_max: usize,
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
        Self {
            slots,
            partitions_max: FETCH_SESSION_PARTITIONS_MAX,
            table: Mutex::default(),
            random: RandomState::new(),
        }
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
        // Let go of when nobody waits for the table.
        let mut evicted = Vec::new();
        let mut table = self.lock();
        if !privileged {
            let others = self.partitions_max.checked_sub(watch.len())?;
            evicted.extend(table.make_room(others, now_ms)?);
        }
        if table.sessions.len() >= self.slots {
            let victim = table.victim(privileged, watch.len(), now_ms)?;
            evicted.extend(table.sessions.remove(&victim));
        }
        let id = self.draw(&mut table);
        let state = State { epoch: 1, size: watch.len(), used_ms: now_ms, watch: Some(watch) };
        let session =
            Session { id, uses_topic_ids, privileged, created_ms: now_ms, state: Mutex::new(state) };
        table.sessions.insert(id, Arc::new(session));
        drop(table);
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
        let has_grown = watch.len() > std::mem::replace(&mut state.size, watch.len());
        drop(state);
        if watch.len() == 0 {
            self.remove(id);
            return Ok(Opened::Emptied);
        }
        if has_grown && !session.privileged {
            let evicted = self.lock().make_room(self.partitions_max, now_ms);
            if evicted.is_none() {
                self.remove(id);
                return Err(ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
            }
        }
        Ok(Opened::Session(session, watch))
    }
}

impl Table {
    /// The partitions of all sessions but followers'.
    fn consumers_partitions(&self) -> usize {
        self.sessions.values().filter(|one| !one.privileged).map(|one| one.lock().size).sum()
    }

    /// Ends consumers' sessions that were not used for two minutes, the oldest first, until the others have no more partitions than
    /// that. Nothing if they have more all the same: then none is ended.
    fn make_room(&mut self, partitions: usize, now_ms: u64) -> Option<Vec<Arc<Session>>> {
        let mut left = self.consumers_partitions();
        if left <= partitions {
            return Some(Vec::new());
        }
        let consumers = self.sessions.values().filter(|session| !session.privileged);
        let unused = consumers.filter_map(|session| {
            let state = session.lock();
            let is_old = now_ms.saturating_sub(state.used_ms) > EVICTABLE_AFTER_MS;
            is_old.then_some((state.used_ms, session.id, state.size))
        });
        let mut ended = Vec::new();
        for (_, id, size) in unused.collect::<BTreeSet<(u64, i32, usize)>>() {
            left = left.saturating_sub(size);
            ended.push(id);
            if left <= partitions {
                return Some(ended.iter().filter_map(|id| self.sessions.remove(id)).collect());
            }
        }
        None
    }

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
    use crate::fetch::watch::tests::{wanted, watch};

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
    fn sessions_do_not_grow_beyond_what_all_may_hold_together() {
        let sessions = Sessions { partitions_max: 3, ..Sessions::new(10) };
        let id = sessions.create(watch(&["a", "b"]), false, false, 0).unwrap();
        assert!(sessions.create(watch(&["a", "b"]), false, false, 0).is_none());
        assert!(
            sessions.create(watch(&["a", "b"]), true, false, 0).is_some(),
            "a follower's counts for nothing"
        );
        let grow = |epoch, name| sessions.open(id, epoch, false, 0, |watch| watch.want(wanted(name)));
        let Ok(Opened::Session(session, taken)) = grow(1, "c") else { panic!("there is room for one more") };
        session.put_back(taken);
        assert_eq!(grow(2, "d").unwrap_err(), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        assert_eq!(sessions.count(), 1, "it is gone");
        assert!(sessions.create(watch(&["a", "b"]), false, false, 0).is_some());
    }

    #[test]
    fn sessions_that_nobody_uses_make_room_for_partitions() {
        let sessions = Sessions { partitions_max: 4, ..Sessions::new(10) };
        let follower = sessions.create(watch(&["a", "b"]), true, false, 0).unwrap();
        let stale = sessions.create(watch(&["a", "b"]), false, false, 0).unwrap();
        let used = sessions.create(watch(&["a", "b"]), false, false, 0).unwrap();
        let late = EVICTABLE_AFTER_MS + 1;
        let Ok(Opened::Session(session, taken)) = sessions.open(used, 1, false, late, |_| ()) else {
            panic!()
        };
        session.put_back(taken);
        assert!(sessions.create(watch(&["a"]), false, false, late - 1).is_none(), "not for two minutes yet");
        let new = sessions.create(watch(&["a"]), false, false, late).unwrap();
        let has = |id| sessions.lock().sessions.contains_key(&id);
        assert!(has(follower) && has(used) && has(new) && !has(stale));
        // One that grows has the same room.
        let grow = |names: &'static [&'static str], epoch, now| {
            sessions
                .open(used, epoch, false, now, |watch| names.iter().for_each(|name| watch.want(wanted(name))))
        };
        assert!(grow(&["c"], 2, late).is_ok());
        assert!(has(new));
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
}
