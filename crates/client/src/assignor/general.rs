//! Sticky where members want different topics: fill up the least loaded first, then move partitions while that helps.
//!
//! Ends because every move makes the sum of differences between members smaller or returns a partition to a former owner once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use base::Str;

use super::movements::Movements;
use super::sticky::Ownership;
use super::{Assignment, MemberSubscription, java};
use crate::TopicPartition;

/// A member in the order of load: fewest partitions first, then by Java's order of ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Loaded(usize, Vec<u16>, Str);

impl Loaded {
    fn new(count: usize, member: &Str) -> Self {
        Self(count, member.encode_utf16().collect(), member.clone())
    }
}

struct Builder<'a> {
    counts: BTreeMap<&'a Str, i32>,
    /// The topics each member wants and that exist.
    wants: HashMap<&'a Str, Vec<&'a Str>>,
    wanted_by: HashMap<&'a Str, Vec<&'a Str>>,
    current: HashMap<Str, Vec<TopicPartition>>,
    owner: HashMap<TopicPartition, Str>,
    by_load: BTreeSet<Loaded>,
    /// The latest owner before the present one, with its generation.
    previous: HashMap<TopicPartition, (Str, i32)>,
    movements: Movements,
    revocation_required: bool,
}

pub(super) fn assign(
    topics: &[(Str, i32)],
    members: &[&MemberSubscription],
    ownership: Ownership,
) -> Assignment {
    let mut builder = Builder::new(topics, members, &ownership);
    let kept = builder.keep_owned(members);
    let all = builder.sorted_partitions(topics);
    let unassigned: Vec<TopicPartition> = all.iter().filter(|tp| !kept.contains(*tp)).cloned().collect();
    let loads: Vec<Loaded> =
        builder.current.iter().map(|(member, held)| Loaded::new(held.len(), member)).collect();
    builder.by_load.extend(loads);
    builder.balance(all, unassigned);
    builder.current.into_iter().collect()
}

impl<'a> Builder<'a> {
    fn new(topics: &'a [(Str, i32)], members: &[&'a MemberSubscription], ownership: &Ownership) -> Self {
        let counts: BTreeMap<&Str, i32> = topics.iter().map(|(topic, count)| (topic, *count)).collect();
        let mut wanted_by: HashMap<&Str, Vec<&Str>> =
            counts.keys().map(|topic| (*topic, Vec::new())).collect();
        let mut wants = HashMap::new();
        for member in members {
            let exist: Vec<&Str> = member.topics.iter().filter(|topic| counts.contains_key(*topic)).collect();
            for topic in &exist {
                wanted_by.entry(topic).or_default().push(&member.member_id);
            }
            wants.insert(&member.member_id, exist);
        }
        let current: HashMap<Str, Vec<TopicPartition>> = ownership.owned.iter().cloned().collect();
        let owner = ownership
            .owned
            .iter()
            .flat_map(|(m, held)| held.iter().map(|tp| (tp.clone(), m.clone())))
            .collect();
        Self {
            counts,
            wants,
            wanted_by,
            current,
            owner,
            by_load: BTreeSet::new(),
            previous: previous_owners(members, ownership),
            movements: Movements::default(),
            revocation_required: false,
        }
    }

    /// Drops what a member holds and wants no more; returns what stays.
    fn keep_owned(&mut self, members: &[&MemberSubscription]) -> HashSet<TopicPartition> {
        let mut kept = HashSet::new();
        for member in members {
            let Some(held) = self.current.get_mut(&member.member_id) else { continue };
            let before = held.len();
            held.retain(|partition| member.topics.contains(&partition.topic));
            self.revocation_required |= held.len() != before;
            kept.extend(held.iter().cloned());
        }
        kept
    }

    /// Topics with the fewest possible readers first.
    fn sorted_partitions(&self, topics: &[(Str, i32)]) -> Vec<TopicPartition> {
        let readers = |topic: &Str| self.wanted_by.get(topic).map_or(0, Vec::len);
        let mut sorted: Vec<&(Str, i32)> = topics.iter().collect();
        sorted.sort_by(|left, right| {
            readers(&left.0).cmp(&readers(&right.0)).then_with(|| java::compare(&left.0, &right.0))
        });
        sorted
            .into_iter()
            .flat_map(|(topic, count)| {
                (0..*count).map(|partition| TopicPartition::new(topic.clone(), partition))
            })
            .collect()
    }

    fn balance(&mut self, mut all: Vec<TopicPartition>, mut unassigned: Vec<TopicPartition>) {
        let initializing = self.by_load.last().is_none_or(|most| most.0 == 0);
        for partition in &unassigned {
            self.assign_to_least_loaded(partition);
        }
        all.retain(|partition| self.is_movable(&partition.topic));
        unassigned.retain(|partition| self.is_movable(&partition.topic));
        let fixed = self.take_fixed_members();

        let before = (self.current.clone(), self.owner.clone());
        if !self.revocation_required {
            self.reassign_all(&unassigned);
        }
        let moved = self.reassign_all(&all);
        if !initializing && moved && imbalance(&self.current) >= imbalance(&before.0) {
            (self.current, self.owner) = before;
        }
        self.current.extend(fixed);
    }

    fn is_movable(&self, topic: &Str) -> bool {
        self.wanted_by.get(topic).is_some_and(|readers| readers.len() >= 2)
    }

    /// Takes out the members that hold all they can hold, none of it wanted by another.
    fn take_fixed_members(&mut self) -> Vec<(Str, Vec<TopicPartition>)> {
        let fixed: Vec<Str> =
            self.wants.keys().filter(|member| !self.can_change(member)).map(|m| (*m).clone()).collect();
        fixed
            .into_iter()
            .filter_map(|member| {
                let held = self.current.remove(&member)?;
                self.by_load.remove(&Loaded::new(held.len(), &member));
                Some((member, held))
            })
            .collect()
    }

    fn can_change(&self, member: &Str) -> bool {
        let held = self.current.get(member).map(Vec::as_slice).unwrap_or_default();
        held.len() < self.reach(member) || held.iter().any(|partition| self.is_movable(&partition.topic))
    }

    /// The most partitions a member could hold.
    fn reach(&self, member: &Str) -> usize {
        let topics = self.wants.get(member).into_iter().flatten();
        topics
            .filter_map(|topic| self.counts.get(topic))
            .map(|count| usize::try_from(*count).unwrap_or(0))
            .sum()
    }

    fn load(&self, member: &Str) -> usize {
        self.current.get(member).map_or(0, Vec::len)
    }

    fn wants_topic(&self, member: &Str, topic: &Str) -> bool {
        self.wants.get(member).is_some_and(|topics| topics.contains(&topic))
    }

    fn least_loaded(&self, topic: &Str) -> Option<Str> {
        self.by_load.iter().find(|loaded| self.wants_topic(&loaded.2, topic)).map(|loaded| loaded.2.clone())
    }

    fn assign_to_least_loaded(&mut self, partition: &TopicPartition) {
        if let Some(member) = self.least_loaded(&partition.topic) {
            self.give(partition.clone(), &member);
        }
    }

    fn give(&mut self, partition: TopicPartition, member: &Str) {
        let load = self.load(member);
        self.by_load.remove(&Loaded::new(load, member));
        self.owner.insert(partition.clone(), member.clone());
        self.current.entry(member.clone()).or_default().push(partition);
        self.by_load.insert(Loaded::new(load + 1, member));
    }

    fn take(&mut self, partition: &TopicPartition, member: &Str) {
        let load = self.load(member);
        self.by_load.remove(&Loaded::new(load, member));
        if let Some(held) = self.current.get_mut(member) {
            held.retain(|one| one != partition);
        }
        self.by_load.insert(Loaded::new(self.load(member), member));
    }

    /// Whether no single move would help.
    fn is_balanced(&self) -> bool {
        let (Some(least), Some(most)) = (self.by_load.first(), self.by_load.last()) else { return true };
        if least.0 + 1 >= most.0 {
            return true;
        }
        self.by_load
            .iter()
            .all(|Loaded(load, _, member)| *load == self.reach(member) || !self.could_take(member, *load))
    }

    /// Whether a partition that `member` may read lies with one that holds two or more partitions more.
    fn could_take(&self, member: &Str, load: usize) -> bool {
        let topics = self.wants.get(member).into_iter().flatten();
        topics.filter_map(|topic| Some((topic, self.counts.get(topic)?))).any(|(topic, count)| {
            (0..*count).any(|partition| {
                let partition = TopicPartition::new((*topic).clone(), partition);
                self.owner.get(&partition).is_some_and(|owner| owner != member && load + 1 < self.load(owner))
            })
        })
    }

    /// Moves partitions of the list until a whole pass moves none; returns whether any moved.
    fn reassign_all(&mut self, partitions: &[TopicPartition]) -> bool {
        let mut performed = false;
        loop {
            let mut moved = false;
            for partition in partitions {
                if self.is_balanced() {
                    break;
                }
                if let Some(target) = self.better_owner(partition) {
                    self.reassign(partition, target);
                    moved = true;
                }
            }
            performed |= moved;
            if !moved {
                return performed;
            }
        }
    }

    fn better_owner(&self, partition: &TopicPartition) -> Option<Str> {
        let load = self.load(self.owner.get(partition)?);
        if let Some((former, _)) = self.previous.get(partition)
            && load > self.load(former) + 1
        {
            return Some(former.clone());
        }
        let mut readers = self.wanted_by.get(&partition.topic)?.iter();
        readers.any(|reader| load > self.load(reader) + 1).then(|| self.least_loaded(&partition.topic))?
    }

    fn reassign(&mut self, partition: &TopicPartition, target: Str) {
        let Some(from) = self.owner.get(partition).cloned() else { return };
        let partition = self.movements.actual(partition, &from, &target);
        let Some(from) = self.owner.get(&partition).cloned() else { return };
        self.movements.record(&partition, &from, &target);
        self.take(&partition, &from);
        self.give(partition, &target);
    }
}

/// Claims that lost to a later generation, the latest of each partition.
fn previous_owners(
    members: &[&MemberSubscription],
    ownership: &Ownership,
) -> HashMap<TopicPartition, (Str, i32)> {
    let mut previous: HashMap<TopicPartition, (Str, i32)> = HashMap::new();
    for member in members {
        let Some(memory) = ownership.memories.get(&member.member_id) else { continue };
        let generation = match memory.generation {
            Some(generation) if generation < ownership.generation_max => generation,
            None if ownership.generation_max > -1 => -1,
            _ => continue,
        };
        for partition in &memory.partitions {
            if previous.get(partition).is_none_or(|(_, other)| generation > *other) {
                previous.insert(partition.clone(), (member.member_id.clone(), generation));
            }
        }
    }
    previous
}

/// The sum of the differences in load over all pairs of members.
fn imbalance(assignment: &HashMap<Str, Vec<TopicPartition>>) -> usize {
    let loads: Vec<usize> = assignment.values().map(Vec::len).collect();
    loads
        .iter()
        .enumerate()
        .map(|(place, left)| loads.iter().skip(place + 1).map(|right| left.abs_diff(*right)).sum::<usize>())
        .sum()
}
