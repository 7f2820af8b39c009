//! What the sticky assignors put into a subscription's user data.
//!
//! ```text
//! sticky v0:           topics: i32, { name: i16 + UTF-8, partitions: i32, { partition: i32 } }
//! sticky v1:           v0, then generation: i32
//! cooperative-sticky:  generation: i32
//! ```

use std::collections::BTreeMap;

use base::Str;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::MemberSubscription;
use crate::TopicPartition;

/// What a member remembers: its partitions and the generation in which it got them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) partitions: Vec<TopicPartition>,
    pub(super) generation: Option<i32>,
}

pub(super) fn encode_sticky(owned: &[TopicPartition], generation: i32) -> Bytes {
    let mut by_topic: BTreeMap<&Str, Vec<i32>> = BTreeMap::new();
    for partition in owned {
        by_topic.entry(&partition.topic).or_default().push(partition.partition);
    }
    let mut out = BytesMut::new();
    out.put_i32(length(by_topic.len()));
    for (topic, partitions) in by_topic {
        out.put_i16(i16::try_from(topic.len()).unwrap_or(i16::MAX));
        out.put_slice(topic.as_bytes());
        out.put_i32(length(partitions.len()));
        partitions.into_iter().for_each(|partition| out.put_i32(partition));
    }
    out.put_i32(generation);
    out.freeze()
}

pub(super) fn encode_generation(generation: i32) -> Bytes {
    Bytes::copy_from_slice(&generation.to_be_bytes())
}

fn length(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The eager assignor gives everything up before joining, so that only the user data knows.
pub(super) fn sticky_memory(member: &MemberSubscription) -> Memory {
    match &member.user_data {
        Some(data) if !data.is_empty() => decode_sticky(data.clone()).unwrap_or_default(),
        _ => Memory::default(),
    }
}

/// The owned partitions stand in the subscription; the generation too, since its version 2 (KIP-792).
pub(super) fn cooperative_memory(member: &MemberSubscription) -> Memory {
    let generation = member.generation.filter(|generation| *generation >= 0).or_else(|| {
        let mut data = member.user_data.clone()?;
        Some(data.try_get_i32().unwrap_or(-1))
    });
    Memory { partitions: member.owned.clone(), generation }
}

/// `None` where the bytes are neither version; a foreign member's nonsense costs only its stickiness.
fn decode_sticky(mut data: Bytes) -> Option<Memory> {
    let mut partitions = Vec::new();
    for _ in 0..data.try_get_i32().ok()? {
        let length = usize::try_from(data.try_get_i16().ok()?).ok()?;
        if data.remaining() < length {
            return None;
        }
        let topic = Str::from_utf8(data.split_to(length)).ok()?.detached();
        for _ in 0..data.try_get_i32().ok()? {
            partitions.push(TopicPartition::new(topic.clone(), data.try_get_i32().ok()?));
        }
    }
    Some(Memory { partitions, generation: data.try_get_i32().ok() })
}
