//! The registry's state: what the records of `_schemas` say when applied in order.
//!
//! Nothing changes it but [`Store::apply`] and, for records on their way to the log, [`Store::change`]. A copy is cheap, so that what takes long is done on one and holds nobody up. The first record to claim an id or a version has it: a later one that claims
//! the same for something else is ignored, unless its subject is being imported. So two writers can race and every node
//! agrees on the winner.

mod apply;
mod chunked;
mod query;
mod small;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use schema::Guid;

pub use apply::Applied;
pub use query::Live;
pub(crate) use query::has_prefix;

use crate::config::{Config, Mode};
use crate::record::{Content, Key};
use chunked::Chunked;
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
    ids: Chunked<i32, Entry>,
    by_guid: Chunked<Guid, i32>,
    /// The other ids of schemas that were imported under several.
    more_ids: Chunked<Guid, SmallMap<i32, ()>>,
    max_id: i32,
}

/// Versions, by subject and number.
type Users = SmallMap<(Arc<str>, i32), ()>;

#[derive(Clone, Debug)]
struct Entry {
    content: Arc<Content>,
    uses: Users,
}

/// The state. A copy costs little and shares what does not change.
#[derive(Clone, Debug, Default)]
pub struct Store {
    subjects: Chunked<Arc<str>, SmallMap<i32, Version>>,
    contexts: Chunked<String, Context>,
    configs: Chunked<Option<String>, Config>,
    modes: Chunked<Option<String>, Mode>,
    /// Who refers to a version.
    referrers: Chunked<(String, i32), Users>,
    /// Keys that were written in another layout than ours: a tombstone must reach them too.
    other_layouts: Chunked<Key, BTreeSet<Vec<u8>>>,
    /// Subjects whose DELETE_SUBJECT record still stands.
    deleted_subjects: Chunked<String, ()>,
    /// The last version of subjects that have versions which this registry cannot read.
    opaque: Chunked<String, i32>,
    next_offset: i64,
}
