//! Which protocol a classic group speaks: one that all members know, chosen by vote.

use alloc::collections::{BTreeMap, BTreeSet};

use base::Str;
use wire::messages::join_group::JoinGroupRequestProtocol;

use super::{ClassicGroup, Phase};
use crate::partition::java_hash;

/// So many names are looked through one by one.
const FEW: usize = 8;

impl ClassicGroup {
    /// Whether a member with these protocols could be one of the group.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[JoinGroupRequestProtocol]) -> bool {
        if self.phase == Phase::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        if self.protocol_type.as_deref() != Some(protocol_type) {
            return false;
        }
        let Some(common) = self.spoken_by_all() else { return !protocols.is_empty() };
        protocols.iter().any(|protocol| common.contains(&protocol.name))
    }

    /// The protocols that all members speak; nothing without members. Members may come with a million of them.
    fn spoken_by_all(&self) -> Option<BTreeSet<&Str>> {
        let mut members = self.members.values();
        let mut common = members.next()?.names().collect::<BTreeSet<_>>();
        for member in members {
            if member.protocols.len() <= FEW {
                common.retain(|name| member.speaks(name));
            } else {
                let spoken: BTreeSet<&Str> = member.names().collect();
                common.retain(|name| spoken.contains(name));
            }
        }
        Some(common)
    }

    /// The protocol with the most votes among those that all members speak.
    pub(super) fn elect_protocol(&self) -> Option<Str> {
        let candidates = self.spoken_by_all()?;
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
