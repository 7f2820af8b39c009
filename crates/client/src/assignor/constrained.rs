//! Sticky where all members want the same topics: everyone keeps what fits under the quota, the rest is dealt out in turn.
//!
//! With `p` partitions and `m` members, `p mod m` members end with the upper quota `⌈p/m⌉`, the others with `⌊p/m⌋`.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use base::Str;

use super::java;
use super::sticky::{Outcome, Ownership};
use crate::TopicPartition;

struct Builder {
    quota_min: usize,
    quota_max: usize,
    /// How many members may hold more than the lower quota, and how many do.
    over_expected: usize,
    over: usize,
    under_quota: Vec<Str>,
    at_quota: VecDeque<Str>,
    assignment: HashMap<Str, Vec<TopicPartition>>,
    kept: BTreeSet<TopicPartition>,
    /// Partitions that somebody held and that may go to another member, with the former holder.
    revoked: BTreeMap<TopicPartition, Str>,
    disputed: BTreeSet<TopicPartition>,
    transferring: BTreeMap<TopicPartition, Str>,
}

pub(super) fn assign(topics: &[(Str, i32)], ownership: Ownership) -> Outcome {
    let all: Vec<TopicPartition> = topics
        .iter()
        .flat_map(|(topic, count)| (0..*count).map(|partition| TopicPartition::new(topic.clone(), partition)))
        .collect();
    let members = ownership.owned.len().max(1);
    let mut builder = Builder {
        quota_min: all.len() / members,
        quota_max: all.len().div_ceil(members),
        over_expected: all.len() % members,
        over: 0,
        under_quota: Vec::new(),
        at_quota: VecDeque::new(),
        assignment: HashMap::new(),
        kept: BTreeSet::new(),
        revoked: BTreeMap::new(),
        disputed: ownership.disputed,
        transferring: BTreeMap::new(),
    };
    for (member, owned) in ownership.owned {
        builder.keep(member, owned);
    }
    let rest = all.into_iter().filter(|partition| !builder.kept.contains(partition)).collect();
    builder.deal(rest);
    Outcome { assignment: builder.assignment.into_iter().collect(), transferring: Some(builder.transferring) }
}

impl Builder {
    /// Decides how many of its own partitions a member keeps.
    fn keep(&mut self, member: Str, mut owned: Vec<TopicPartition>) {
        owned.sort_by(|left, right| {
            left.partition.cmp(&right.partition).then_with(|| java::compare(&left.topic, &right.topic))
        });
        owned.retain(|partition| !self.disputed.contains(partition));
        let keep = if owned.len() < self.quota_min {
            self.under_quota.push(member.clone());
            owned.len()
        } else if owned.len() >= self.quota_max && self.over < self.over_expected {
            self.over += 1;
            if self.over == self.over_expected {
                self.at_quota.clear();
            }
            self.quota_max
        } else {
            if self.over < self.over_expected {
                self.at_quota.push_back(member.clone());
            }
            self.quota_min
        };
        let lost = owned.split_off(keep.min(owned.len()));
        self.revoked.extend(lost.into_iter().map(|partition| (partition, member.clone())));
        self.kept.extend(owned.iter().cloned());
        self.assignment.insert(member, owned);
    }

    /// Deals the rest round by round, to those under the lower quota first.
    fn deal(&mut self, rest: Vec<TopicPartition>) {
        self.under_quota.sort_by(|left, right| java::compare(left, right));
        self.at_quota.make_contiguous().sort_by(|left, right| java::compare(left, right));
        let mut place = 0;
        for partition in rest {
            if place >= self.under_quota.len() {
                place = 0;
            }
            let waiting = self.under_quota.get(place).cloned();
            let Some(member) = waiting.clone().or_else(|| self.at_quota.pop_front()) else { break };
            let count = self.give(partition, &member);
            if waiting.is_some() && count == self.quota_min {
                self.under_quota.remove(place);
                self.at_quota.push_back(member);
            } else if waiting.is_some() {
                place += 1;
            }
            if count == self.quota_max && count != self.quota_min {
                self.over += 1;
                if self.over == self.over_expected {
                    self.at_quota.clear();
                }
            }
        }
    }

    fn give(&mut self, partition: TopicPartition, member: &Str) -> usize {
        let from_another = self.revoked.get(&partition).is_some_and(|holder| holder != member);
        if from_another || self.disputed.contains(&partition) {
            self.transferring.insert(partition.clone(), member.clone());
        }
        let partitions = self.assignment.entry(member.clone()).or_default();
        partitions.push(partition);
        partitions.len()
    }
}
