//! `roundrobin`: all partitions of all topics in turn, each to the next member that wants its topic.

use super::{Assignment, MemberSubscription, PartitionCounts, nothing_for_each, served_order, wanted_topics};
use crate::TopicPartition;

pub(super) fn assign(counts: &PartitionCounts, members: &[MemberSubscription]) -> Assignment {
    let mut assignment = nothing_for_each(members);
    let mut turn = served_order(members).into_iter().cycle();
    for (topic, count) in wanted_topics(counts, members) {
        for partition in 0..count {
            // Somebody wants the topic, so that the search ends within one round.
            if let Some(member) = turn.find(|member| member.topics.contains(&topic)) {
                let place = assignment.entry(member.member_id.clone()).or_default();
                place.push(TopicPartition::new(topic.clone(), partition));
            }
        }
    }
    assignment
}
