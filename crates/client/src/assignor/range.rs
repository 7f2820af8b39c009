//! `range`: each topic by itself, in runs; the first members get one more where it does not divide.

use super::{Assignment, MemberSubscription, PartitionCounts, nothing_for_each, served_order, wanted_topics};
use crate::TopicPartition;

pub(super) fn assign(counts: &PartitionCounts, members: &[MemberSubscription]) -> Assignment {
    let mut assignment = nothing_for_each(members);
    let ordered = served_order(members);
    for (topic, count) in wanted_topics(counts, members) {
        let readers: Vec<_> = ordered.iter().filter(|member| member.topics.contains(&topic)).collect();
        let (each, extra) = shares(count, readers.len());
        let mut next = 0;
        for (place, member) in readers.into_iter().enumerate() {
            let run = each + i32::from(place < extra);
            let partitions =
                (next..next + run).map(|partition| TopicPartition::new(topic.clone(), partition));
            assignment.entry(member.member_id.clone()).or_default().extend(partitions);
            next += run;
        }
    }
    assignment
}

/// How many partitions each of `readers` gets, and how many of them get one more.
fn shares(count: i32, readers: usize) -> (i32, usize) {
    let readers_i32 = i32::try_from(readers).unwrap_or(i32::MAX).max(1);
    (count / readers_i32, usize::try_from(count % readers_i32).unwrap_or(0))
}
