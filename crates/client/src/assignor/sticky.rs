//! The sticky assignors: who owned what, which of the two algorithms applies, and the cooperative second step.
//!
//! Where all members want the same topics, [`super::constrained`] is linear; otherwise [`super::general`] moves partitions until
//! no move improves the balance.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base::Str;

use super::user_data::{self, Memory};
use super::{Assignment, MemberSubscription, PartitionCounts, constrained, general, java, wanted_topics};
use crate::TopicPartition;

/// An assignment and, where the algorithm knows them, the partitions that another member must give up first.
pub(super) struct Outcome {
    pub(super) assignment: Assignment,
    pub(super) transferring: Option<BTreeMap<TopicPartition, Str>>,
}

/// What the members' memories say, conflicts settled by generation.
pub(super) struct Ownership {
    /// In the order of Java's hash map.
    pub(super) owned: Vec<(Str, Vec<TopicPartition>)>,
    /// Claimed twice in one generation: nobody keeps them.
    pub(super) disputed: BTreeSet<TopicPartition>,
    pub(super) generation_max: i32,
    pub(super) memories: HashMap<Str, Memory>,
}

pub(super) fn assign(
    counts: &PartitionCounts,
    members: &[MemberSubscription],
    memory: fn(&MemberSubscription) -> Memory,
) -> Outcome {
    let topics = wanted_topics(counts, members);
    let members = java::hash_order(members.iter().collect(), |member| java::string_hash(&member.member_id));
    let ownership = ownership(&topics, &members, memory);
    if same_topics(&members) {
        constrained::assign(&topics, ownership)
    } else {
        let assignment = general::assign(&topics, &members, ownership);
        Outcome { assignment, transferring: None }
    }
}

/// Leaves out whatever another member still reads; its owner revokes it and joins again, and then it is given (KIP-429).
pub(super) fn assign_in_two_steps(counts: &PartitionCounts, members: &[MemberSubscription]) -> Assignment {
    let outcome = assign(counts, members, user_data::cooperative_memory);
    let mut assignment = outcome.assignment;
    let transferring = outcome.transferring.unwrap_or_else(|| transfers(&assignment, members));
    for (partition, member) in transferring {
        if let Some(partitions) = assignment.get_mut(&member) {
            partitions.retain(|given| *given != partition);
        }
    }
    assignment
}

/// Partitions that are new to one member and lost to another.
fn transfers(assignment: &Assignment, members: &[MemberSubscription]) -> BTreeMap<TopicPartition, Str> {
    let mut added = BTreeMap::new();
    let mut revoked = BTreeSet::new();
    for member in members {
        let owned: BTreeSet<&TopicPartition> = member.owned.iter().collect();
        let given: BTreeSet<&TopicPartition> =
            assignment.get(&member.member_id).into_iter().flatten().collect();
        added.extend(
            given.difference(&owned).map(|partition| ((*partition).clone(), member.member_id.clone())),
        );
        revoked.extend(owned.difference(&given).map(|partition| (*partition).clone()));
    }
    added.retain(|partition, _| revoked.contains(partition));
    added
}

fn same_topics(members: &[&MemberSubscription]) -> bool {
    let mut sets = members.iter().map(|member| member.topics.iter().collect::<BTreeSet<_>>());
    let first = sets.next().unwrap_or_default();
    sets.all(|set| set == first)
}

fn ownership(
    topics: &[(Str, i32)],
    members: &[&MemberSubscription],
    memory: fn(&MemberSubscription) -> Memory,
) -> Ownership {
    let memories: HashMap<Str, Memory> =
        members.iter().map(|member| (member.member_id.clone(), memory(member))).collect();
    let exists: BTreeSet<&Str> = topics.iter().map(|(topic, _)| topic).collect();
    let mut owners: HashMap<TopicPartition, (Str, i32)> = HashMap::new();
    let mut owned: HashMap<Str, Vec<TopicPartition>> = HashMap::new();
    let mut disputed = BTreeSet::new();
    for member in members {
        let mine = memories.get(&member.member_id).cloned().unwrap_or_default();
        let generation = mine.generation.unwrap_or(-1);
        owned.entry(member.member_id.clone()).or_default();
        for partition in mine.partitions.into_iter().filter(|partition| exists.contains(&partition.topic)) {
            match owners.get(&partition) {
                Some((_, other)) if *other > generation => continue,
                Some((loser, other)) => {
                    owned.entry(loser.clone()).or_default().retain(|held| *held != partition);
                    if *other == generation {
                        disputed.insert(partition.clone());
                    }
                }
                None => {}
            }
            // Java compares with what the other's subscription says, even where its user data says otherwise.
            let told = member.generation.unwrap_or(-1);
            owners.insert(partition.clone(), (member.member_id.clone(), told));
            if !disputed.contains(&partition) {
                owned.entry(member.member_id.clone()).or_default().push(partition);
            }
        }
    }
    let generation_max = memories.values().filter_map(|memory| memory.generation).max().unwrap_or(-1).max(-1);
    let owned = members
        .iter()
        .map(|member| (member.member_id.clone(), owned.remove(&member.member_id).unwrap_or_default()))
        .collect();
    Ownership { owned, disputed, generation_max, memories }
}
