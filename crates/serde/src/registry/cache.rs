//! What the registry said before: schemas by id and GUID never change, the latest version does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Registered, Resolved};

/// Each of the maps holds so many at most; a full one begins anew.
const KEPT_MAX: usize = 10_000;

/// A map that never outgrows [`KEPT_MAX`].
struct Kept<K, V>(Mutex<BTreeMap<K, V>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<K: Ord, V: Clone> Kept<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: K, value: V) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= KEPT_MAX {
            map.clear();
        }
        map.insert(key, value);
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// All that is remembered.
#[derive(Default)]
pub(super) struct Cache {
    /// By id with its context, or by GUID.
    schemas: Kept<String, Arc<Resolved>>,
    /// By subject, normalization and body.
    registered: Kept<String, Arc<Registered>>,
    latest: Kept<String, (Instant, Arc<Registered>)>,
}

impl Cache {
    pub fn schema(&self, key: &str) -> Option<Arc<Resolved>> {
        self.schemas.get(&key.to_owned())
    }

    pub fn keep_schema(&self, key: String, resolved: &Arc<Resolved>) {
        self.schemas.put(key, Arc::clone(resolved));
    }

    pub fn registered(&self, key: &str) -> Option<Arc<Registered>> {
        self.registered.get(&key.to_owned())
    }

    pub fn keep_registered(&self, key: String, registered: &Arc<Registered>) {
        self.registered.put(key, Arc::clone(registered));
    }

    pub fn latest(&self, subject: &str, ttl: Duration) -> Option<Arc<Registered>> {
        let (since, latest) = self.latest.get(&subject.to_owned())?;
        (since.elapsed() < ttl).then_some(latest)
    }

    pub fn keep_latest(&self, subject: &str, latest: &Arc<Registered>) {
        self.latest.put(subject.to_owned(), (Instant::now(), Arc::clone(latest)));
    }

    /// Something was deleted or changed: only what ids mean stays.
    pub fn forget_subjects(&self) {
        self.registered.clear();
        self.latest.clear();
    }
}
