//! What Java's assignors of Kafka 4.3.1 answered to the same groups, played through several generations.
//!
//! `golden/java.txt` holds per case the partition counts, one line a member (id, instance id, topics, user data, owned partitions,
//! generation) and one line a member with what it got.

use base::Str;
use bytes::Bytes;

use super::{Assignor, MemberSubscription, PartitionCounts};
use crate::TopicPartition;

const JAVA: &str = include_str!("golden/java.txt");

#[derive(Default)]
struct Case {
    line: usize,
    assignor: String,
    counts: PartitionCounts,
    members: Vec<MemberSubscription>,
    expected: Vec<(Str, Vec<TopicPartition>)>,
}

fn dash(text: &str) -> Option<&str> {
    (text != "-").then_some(text)
}

fn list(text: &str) -> Vec<&str> {
    dash(text).map(|text| text.split(',').collect()).unwrap_or_default()
}

fn partitions(text: &str) -> Vec<TopicPartition> {
    list(text)
        .into_iter()
        .map(|one| one.split_once('/').unwrap())
        .map(|(topic, partition)| TopicPartition::new(topic, partition.parse().unwrap()))
        .collect()
}

fn bytes(text: &str) -> Option<Bytes> {
    let hex = text.strip_prefix('x')?.as_bytes();
    hex.chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).ok())
        .collect::<Option<Vec<_>>>()
        .map(Bytes::from)
}

fn member(words: &[&str]) -> MemberSubscription {
    MemberSubscription {
        member_id: words[0].into(),
        group_instance_id: dash(words[1]).map(Str::from),
        topics: list(words[2]).into_iter().map(Str::from).collect(),
        user_data: bytes(words[3]),
        owned: partitions(words[4]),
        generation: Some(words[5].parse().unwrap()).filter(|generation| *generation >= 0),
        rack: None,
    }
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in JAVA.lines().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "case" => cases.push(Case {
                line: number + 1,
                assignor: words[1].to_owned(),
                counts: list(words[2])
                    .into_iter()
                    .map(|one| one.split_once('=').unwrap())
                    .map(|(topic, count)| (Str::from(topic), count.parse().unwrap()))
                    .collect(),
                ..Case::default()
            }),
            "member" => cases.last_mut().unwrap().members.push(member(&words[1..])),
            _ => cases.last_mut().unwrap().expected.push((words[1].into(), partitions(words[2]))),
        }
    }
    cases
}

#[test]
fn results_are_those_of_java() {
    let cases = cases();
    assert!(cases.len() > 200, "the table is whole");
    for case in cases {
        let assignor = Assignor::by_name(&case.assignor).unwrap();
        let mut got = assignor.assign(&case.counts, &case.members);
        for (member, expected) in case.expected {
            let mut partitions = got.remove(&member).unwrap_or_default();
            partitions.sort();
            assert_eq!(partitions, expected, "line {}: {} for {member}", case.line, case.assignor);
        }
    }
}

/// What a member of ours sends next is what a Java member would send.
#[test]
fn user_data_is_that_of_java() {
    for case in cases() {
        for member in &case.members {
            let Some(data) = &member.user_data else { continue };
            let ours = match Assignor::by_name(&case.assignor).unwrap() {
                Assignor::Sticky => {
                    let memory = super::user_data::sticky_memory(member);
                    Assignor::Sticky.user_data(&memory.partitions, memory.generation)
                }
                other => {
                    let generation = i32::from_be_bytes(data[..].try_into().unwrap());
                    other.user_data(&[], Some(generation))
                }
            };
            // Java writes topics in the order of its hash map: the same bytes in another order.
            let sorted = |bytes: &Bytes| {
                let mut bytes = bytes.to_vec();
                bytes.sort_unstable();
                bytes
            };
            assert_eq!(sorted(&ours.unwrap()), sorted(data), "line {}", case.line);
        }
    }
}
