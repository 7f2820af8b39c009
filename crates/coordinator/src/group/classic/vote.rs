//! Which protocol a classic group speaks: one that all members know, chosen by vote.

use alloc::collections::{BTreeMap, BTreeSet};

use base::Str;
use wire::messages::join_group::JoinGroupRequestProtocol;

use super::{ClassicGroup, Phase};
use crate::partition::java_hash;

impl ClassicGroup {
    /// Whether a member with these protocols could be one of the group.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[JoinGroupRequestProtocol]) -> bool {
        if self.phase == Phase::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|protocol| self.all_speak(&protocol.name))
    }

    fn all_speak(&self, protocol: &str) -> bool {
        self.members.values().all(|member| member.speaks(protocol))
    }

    /// The protocol with the most votes among those that all members speak.
    pub(super) fn elect_protocol(&self) -> Option<Str> {
        let first = self.members.values().next()?;
        let names = first.protocols.iter().map(|protocol| &protocol.name);
        let candidates: BTreeSet<Str> = names.filter(|name| self.all_speak(name)).cloned().collect();
        let mut votes: BTreeMap<&Str, usize> = BTreeMap::new();
        for vote in self.members.values().filter_map(|member| member.vote(&candidates)) {
            *votes.entry(vote).or_default() += 1;
        }
        let most = votes.values().copied().max()?;
        let winners = votes.into_iter().filter(|(_, count)| *count == most).map(|(name, _)| name);
        winners.min_by_key(|name| bucket(name)).cloned()
    }
}

/// On a tie Kafka takes what comes first in a Java hash map of 16 places, and so do we: mixed clusters agree.
fn bucket(name: &str) -> u32 {
    let hash = java_hash(name).cast_unsigned();
    (hash ^ (hash >> 16)) & 15
}
