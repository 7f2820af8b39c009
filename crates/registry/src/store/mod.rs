//! The registry's state: what the records of `_schemas` say when applied in order.
//!
//! Nothing changes it but [`Store::apply`]. The first record to claim an id or a version has it: a later one that claims
//! the same for something else is ignored, unless its subject is being imported. So two writers can race and every node
//! agrees on the winner.

mod apply;
mod query;
mod small;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use schema::Guid;

pub use apply::Applied;
pub use query::Live;
pub(crate) use query::has_prefix;

use crate::config::{Config, Mode};
use crate::record::{Content, Key};
use small::SmallMap;

/// A version of a subject.
#[derive(Clone, Debug)]
pub struct Version {
    /// The schema's id in its context.
    pub id: i32,
    /// The schema.
    pub content: Arc<Content>,
    /// Whether it is soft-deleted.
    pub deleted: bool,
    /// When its record was written, in milliseconds.
    pub timestamp: i64,
}

/// The ids of one context.
#[derive(Clone, Debug, Default)]
pub struct Context {
    ids: BTreeMap<i32, Entry>,
    by_guid: HashMap<Guid, i32>,
    max_id: i32,
}

/// Versions, by subject and number.
type Users = SmallMap<(Arc<str>, i32), ()>;

#[derive(Clone, Debug)]
struct Entry {
    content: Arc<Content>,
    uses: Users,
}

/// The state.
#[derive(Clone, Debug, Default)]
pub struct Store {
    subjects: BTreeMap<Arc<str>, SmallMap<i32, Version>>,
    contexts: BTreeMap<String, Context>,
    configs: BTreeMap<Option<String>, Config>,
    modes: BTreeMap<Option<String>, Mode>,
    /// Who refers to a version.
    referrers: BTreeMap<(String, i32), Users>,
    /// Keys that were written in another layout than ours: a tombstone must reach them too.
    other_layouts: BTreeMap<Key, BTreeSet<Vec<u8>>>,
    /// Subjects whose DELETE_SUBJECT record still stands.
    deleted_subjects: BTreeSet<String>,
    next_offset: i64,
}
