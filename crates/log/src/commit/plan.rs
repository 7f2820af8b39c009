//! Which way each append of a round becomes durable.

use std::collections::BTreeMap;

use base::TopicIdPartition;

use super::queue::{Append, Item};
use crate::planted::{self, Bug};

/// The limits of a committer.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// A segment that gets at least this many bytes in a round is synced itself instead of being copied into the commit log …
    pub sync_file_from_bytes: u64,
    /// … unless more segments than this would be: then all go into the commit log, and one sync does.
    pub sync_files_max: usize,
    /// A commit file is followed by the next generation from this size on. Both files together hold the bytes that recovery
    /// replays.
    pub file_bytes: u64,
    /// A generation also ends after so many bytes went past it, by segments synced or closed: recovery reads those.
    pub passed_bytes: u64,
    /// … or this long after its first round, so that recovery points move in quiet times too.
    pub turn_after_ms: i64,
    /// Segments that are synced behind each round while a generation retires.
    pub retire_syncs: usize,
    /// With more segments than this to sync, the whole file system is synced once instead.
    pub sync_all_from: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            // Producers' batches of 64 KiB come in just below that.
            sync_file_from_bytes: 48 << 10,
            sync_files_max: 8,
            file_bytes: 24 << 20,
            passed_bytes: 128 << 20,
            turn_after_ms: 30_000,
            retire_syncs: 4,
            sync_all_from: 64,
        }
    }
}

/// The segments, by number, that a round syncs themselves.
pub(super) fn files_to_sync(policy: &Policy, items: &[Item], framed: impl Fn(&Append) -> bool) -> Vec<u64> {
    let mut bytes: BTreeMap<u64, u64> = BTreeMap::new();
    let mut excluded = Vec::new();
    let truncated: Vec<_> = items.iter().filter_map(truncated).collect();
    for item in items {
        let Item::Append(append) = item else { continue };
        *bytes.entry(append.segment.id()).or_default() += append.len;
        if framed(append) || truncated.contains(&append.source.shared.key) {
            excluded.push(append.segment.id());
        }
    }
    bytes.retain(|segment, bytes| *bytes >= policy.sync_file_from_bytes && !excluded.contains(segment));
    if bytes.len() > policy.sync_files_max { Vec::new() } else { bytes.into_keys().collect() }
}

/// The partition that this truncates: replaying that must find all that comes behind it in frames.
fn truncated(item: &Item) -> Option<TopicIdPartition> {
    match item {
        Item::Truncate { source, .. } if !planted::has(Bug::TruncatedPastFrames) => Some(source.shared.key),
        _ => None,
    }
}
