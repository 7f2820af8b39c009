//! Who in a classic group reads which partition.
//!
//! The leader of a group computes the assignment, so that members written in other languages meet ours in one group only if all
//! agree on names, bytes and results. The four assignors here are Java's: `range`, `roundrobin`, `sticky` and
//! `cooperative-sticky`; each is a pure function of what the members said. Racks (KIP-881) are carried but do not steer.

mod constrained;
mod general;
mod java;
mod movements;
mod range;
mod round_robin;
mod sticky;
#[cfg(test)]
mod tests;
mod user_data;

use std::collections::BTreeMap;

use base::Str;
use bytes::Bytes;

use crate::TopicPartition;

/// What one member said when it joined (the wire's `ConsumerProtocolSubscription`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberSubscription {
    /// The member's id, which the coordinator gave.
    pub member_id: Str,
    /// `group.instance.id` of a static member (KIP-345).
    pub group_instance_id: Option<Str>,
    /// The topics the member wants.
    pub topics: Vec<Str>,
    /// What the assignor of the member added.
    pub user_data: Option<Bytes>,
    /// The partitions the member holds while it joins (KIP-429).
    pub owned: Vec<TopicPartition>,
    /// The generation in which the member got `owned`; -1 and absent mean "not told" (KIP-792).
    pub generation: Option<i32>,
    /// `client.rack` of the member.
    pub rack: Option<Str>,
}

/// Which partitions each member gets, by member id; every member stands in it.
pub type Assignment = BTreeMap<Str, Vec<TopicPartition>>;

/// Number of partitions of each topic that exists.
pub type PartitionCounts = BTreeMap<Str, i32>;

/// How a member gives up partitions in a rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebalanceProtocol {
    /// All partitions before joining.
    Eager,
    /// Just those that go to another, after the new assignment is known (KIP-429).
    Cooperative,
}

/// The rules by which a leader shares out partitions (`partition.assignment.strategy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Assignor {
    /// Per topic, runs of partitions in the members' order.
    Range,
    /// All partitions in turn.
    RoundRobin,
    /// Balanced, and as near as possible to what was.
    Sticky,
    /// As `Sticky`, in two steps, so that nobody stops reading what stays with them.
    CooperativeSticky,
}

impl Assignor {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Range, Self::RoundRobin, Self::Sticky, Self::CooperativeSticky];

    /// The name that members send.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The assignor of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Whether members can keep reading through a rebalance.
    pub const fn supports(self, protocol: RebalanceProtocol) -> bool {
        match protocol {
            RebalanceProtocol::Eager => true,
            RebalanceProtocol::Cooperative => matches!(self, Self::CooperativeSticky),
        }
    }

    /// What the member adds to its subscription so that the next leader knows what it had.
    pub fn user_data(self, owned: &[TopicPartition], generation: Option<i32>) -> Option<Bytes> {
        match self {
            Self::Range | Self::RoundRobin => None,
            Self::Sticky => generation.map(|generation| user_data::encode_sticky(owned, generation)),
            Self::CooperativeSticky => Some(user_data::encode_generation(generation.unwrap_or(-1))),
        }
    }

    /// Shares out the partitions of `counts` among `members`.
    pub fn assign(self, counts: &PartitionCounts, members: &[MemberSubscription]) -> Assignment {
        match self {
            Self::Range => range::assign(counts, members),
            Self::RoundRobin => round_robin::assign(counts, members),
            Self::Sticky => sticky::assign(counts, members, user_data::sticky_memory).assignment,
            Self::CooperativeSticky => sticky::assign_in_two_steps(counts, members),
        }
    }
}

/// The members in the order in which Java's assignors serve them: static ones first, by instance id, then the others by id.
fn served_order(members: &[MemberSubscription]) -> Vec<&MemberSubscription> {
    let mut ordered: Vec<&MemberSubscription> = members.iter().collect();
    ordered.sort_by(|left, right| match (&left.group_instance_id, &right.group_instance_id) {
        (Some(left), Some(right)) => java::compare(left, right),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => java::compare(&left.member_id, &right.member_id),
    });
    ordered
}

/// An assignment in which every member has nothing.
fn nothing_for_each(members: &[MemberSubscription]) -> Assignment {
    members.iter().map(|member| (member.member_id.clone(), Vec::new())).collect()
}

/// The topics that exist and that somebody wants, in Java's order.
fn wanted_topics(counts: &PartitionCounts, members: &[MemberSubscription]) -> Vec<(Str, i32)> {
    let wanted: std::collections::BTreeSet<&Str> = members.iter().flat_map(|member| &member.topics).collect();
    let mut topics: Vec<(Str, i32)> = counts
        .iter()
        .filter(|(topic, count)| **count > 0 && wanted.contains(topic))
        .map(|(topic, count)| (topic.clone(), *count))
        .collect();
    topics.sort_by(|left, right| java::compare(&left.0, &right.0));
    topics
}
