//! The partitions of one fetch or one session, and which of them moved since they were looked at.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use base::{Str, Uuid};

use crate::waiters::{Key, Registration, Waiter, Waiters};

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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn wanted(topic: &'static str) -> Wanted {
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

    pub fn watch(topics: &[&'static str]) -> Watch {
        let mut watch = Watch::default();
        topics.iter().for_each(|topic| watch.want(wanted(topic)));
        watch
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
