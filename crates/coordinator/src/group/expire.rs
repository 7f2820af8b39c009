//! Offsets that go by themselves: expired ones (KIP-211), and those of topics that were deleted.
//!
//! | group | expires `offsets.retention.minutes` after |
//! |---|---|
//! | empty, once had members | it became empty |
//! | stable consumers, topics known | the commit, for topics that nobody reads any more |
//! | never had members | the commit |
//! | any other | never |
//!
//! A commit that brought its own retention (OffsetCommit 2–4) expires by that. Nothing expires while a transaction holds it.

use base::{Str, TopicId};

use super::classic::{ClassicGroup, Generation, Phase};
use super::offset_delete::tombstone;
use super::offsets::{OffsetAndMetadata, Offsets};
use super::{Durable, Fx, Group, Live, Timer};

/// From when on a group's offsets age.
#[derive(Clone, Copy)]
enum Ages {
    Never,
    SinceCommit,
    Since(i64),
}

impl Live {
    /// Looks through all groups, drops what expired, and groups of which nothing is left.
    pub(super) fn expire_offsets(&mut self, durable: &Durable, fx: &mut Fx<'_>) {
        fx.schedule(Timer::Expiry, self.settings.offsets_retention_check_interval_ms);
        for (id, Group::Classic(stored)) in durable.groups() {
            let live = self.classic.get(id);
            let all_gone = self.expire_group(durable.offsets(), id, ages(stored, live), fx);
            let empty = live.is_none_or(ClassicGroup::is_empty);
            if all_gone && empty {
                self.forget(id, fx);
            }
        }
    }

    /// Whether no offset of the group is left, nor will come of a transaction.
    fn expire_group(&self, offsets: &Offsets, id: &Str, ages: Ages, fx: &mut Fx<'_>) -> bool {
        let Some(topics) = offsets.of_group(id) else { return !offsets.has_any_pending(id) };
        let live = self.classic.get(id);
        let mut all_gone = true;
        for (topic, partitions) in topics {
            let read = live.is_some_and(|live| live.is_subscribed_to(topic));
            for (partition, commit) in partitions {
                let held = read || offsets.has_pending(id, topic, *partition);
                if !held && self.is_expired(commit, ages, fx.wall_ms) {
                    fx.record(tombstone(id, topic, *partition));
                } else {
                    all_gone = false;
                }
            }
        }
        all_gone && !offsets.has_any_pending(id)
    }

    fn is_expired(&self, commit: &OffsetAndMetadata, ages: Ages, now_ms: i64) -> bool {
        let since = match ages {
            Ages::Never => return false,
            Ages::SinceCommit => commit.value.commit_timestamp_ms,
            Ages::Since(ms) => ms,
        };
        match commit.value.expire_timestamp_ms {
            Some(expires) => now_ms >= expires,
            None => now_ms.saturating_sub(since) >= self.settings.offsets_retention_ms,
        }
    }
}

fn ages(stored: &Generation, live: Option<&ClassicGroup>) -> Ages {
    let Some(live) = live else {
        let since = stored.protocol_type.as_ref().and(stored.state_since_ms);
        return since.map_or(Ages::SinceCommit, Ages::Since);
    };
    match live.phase() {
        _ if live.protocol_type().is_none() => Ages::SinceCommit,
        Phase::Empty => Ages::Since(live.since_ms()),
        Phase::Stable if live.uses_consumer_protocol() && live.knows_its_topics() => Ages::SinceCommit,
        _ => Ages::Never,
    }
}

/// Topics are gone: so are the offsets of all groups for them, and what transactions hold.
pub(super) fn delete_topics(durable: &Durable, topics: &[(Str, TopicId)], fx: &mut Fx<'_>) {
    let offsets = durable.offsets();
    for (group, commits) in offsets.groups() {
        for (topic, id) in topics {
            let partitions = commits.get(topic).into_iter().flatten();
            for (partition, _) in partitions.filter(|(_, commit)| !commit.is_of_other_topic(*id)) {
                fx.record(tombstone(group, topic, *partition));
            }
        }
    }
    for group in offsets.groups_with_pending() {
        for (topic, partition) in offsets.pending_of_group(group) {
            let gone = topics.iter().any(|(name, _)| name == topic);
            if gone && offsets.get(group, topic, partition).is_none() {
                fx.record(tombstone(group, topic, partition));
            }
        }
    }
}
