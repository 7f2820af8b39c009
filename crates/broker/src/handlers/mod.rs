//! One file per API; how to add one stands in [`crate::dispatch`].

pub(crate) mod acls;
pub(crate) mod alter_configs;
pub(crate) mod alter_partition_reassignments;
pub(crate) mod alter_replica_log_dirs;
pub(crate) mod api_versions;
pub(crate) mod create_partitions;
pub(crate) mod create_topics;
pub(crate) mod delete_groups;
pub(crate) mod delete_records;
pub(crate) mod delete_topics;
pub(crate) mod describe_cluster;
pub(crate) mod describe_configs;
pub(crate) mod describe_groups;
pub(crate) mod describe_log_dirs;
pub(crate) mod describe_producers;
pub(crate) mod describe_quorum;
pub(crate) mod describe_topic_partitions;
pub(crate) mod elect_leaders;
pub(crate) mod fetch;
pub(crate) mod find_coordinator;
pub(crate) mod heartbeat;
pub(crate) mod init_producer_id;
pub(crate) mod join_group;
pub(crate) mod leave_group;
pub(crate) mod list_config_resources;
pub(crate) mod list_groups;
pub(crate) mod list_offsets;
pub(crate) mod list_partition_reassignments;
pub(crate) mod metadata;
pub(crate) mod offset_commit;
pub(crate) mod offset_delete;
pub(crate) mod offset_fetch;
pub(crate) mod offset_for_leader_epoch;
pub(crate) mod produce;
pub(crate) mod raft_voters;
pub(crate) mod sasl;
pub(crate) mod sync_group;
pub(crate) mod unregister_broker;
pub(crate) mod update_features;

/// Keeps the first of those that have one key: a few bytes that are repeated must not be answered with as many whole answers.
fn once<T, K: std::hash::Hash + Eq>(list: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let mut seen = std::collections::HashSet::new();
    list.retain(|one| seen.insert(key(one)));
}

/// Answers that stand once each, in the order in which they came, found by their keys.
struct Answered<K, T> {
    places: std::collections::HashMap<K, usize>,
    all: Vec<T>,
}

impl<K: std::hash::Hash + Eq, T> Default for Answered<K, T> {
    fn default() -> Self {
        Self { places: std::collections::HashMap::new(), all: Vec::new() }
    }
}

impl<K: std::hash::Hash + Eq, T> Answered<K, T> {
    /// Adds an answer, or to the one that is there.
    fn add(&mut self, key: K, answer: T, merge: impl FnOnce(&mut T, T)) {
        let place = *self.places.entry(key).or_insert(self.all.len());
        match self.all.get_mut(place) {
            Some(known) => merge(known, answer),
            None => self.all.push(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_twice_is_answered_once() {
        let mut list = vec![3, 1, 3, 2, 1];
        once(&mut list, |number| *number);
        assert_eq!(list, [3, 1, 2]);
        let mut answered = Answered::default();
        for (key, answer) in [("a", 1), ("b", 2), ("a", 4)] {
            answered.add(key, answer, |known, more| *known += more);
        }
        assert_eq!(answered.all, [5, 2]);
    }
}
