//! The consumer protocol inside JoinGroup and SyncGroup: what members tell and what the leader answers (KIP-429, KIP-792, KIP-881).
//!
//! ```text
//! version i16 | ConsumerProtocolSubscription or ConsumerProtocolAssignment in that version
//! ```
//! A version beyond ours is read as our newest, since later versions only add at the end.

use std::collections::BTreeMap;

use base::Str;
use bytes::{Buf, Bytes};
use wire::messages::consumer_protocol_assignment::{self as assignment, ConsumerProtocolAssignment};
use wire::messages::consumer_protocol_subscription::{self as subscription, ConsumerProtocolSubscription};
use wire::{Decoder, EncodeError, Encoder, Message};

use crate::TopicPartition;
use crate::assignor::MemberSubscription;

/// The newest version of both.
const VERSION: i16 = 3;

/// The bytes of a subscription, topics and partitions in order as Java writes them.
pub(super) fn encode_subscription(member: &MemberSubscription) -> Result<Bytes, EncodeError> {
    let mut topics = member.topics.clone();
    topics.sort_unstable();
    let mut owned = member.owned.clone();
    owned.sort_unstable();
    let message = ConsumerProtocolSubscription {
        topics,
        user_data: member.user_data.clone(),
        owned_partitions: by_topic(owned)
            .into_iter()
            .map(|(topic, partitions)| subscription::TopicPartition { topic, partitions })
            .collect(),
        generation_id: member.generation.unwrap_or(-1),
        rack_id: member.rack.clone(),
    };
    encode(&message)
}

/// Reads what a member told.
pub(super) fn decode_subscription(
    member_id: Str,
    group_instance_id: Option<Str>,
    bytes: Bytes,
) -> Result<MemberSubscription, String> {
    let message: ConsumerProtocolSubscription = decode(bytes)?;
    let owned = message.owned_partitions.into_iter().flat_map(|topic| spread(topic.topic, topic.partitions));
    Ok(MemberSubscription {
        member_id,
        group_instance_id,
        topics: message.topics,
        user_data: message.user_data,
        owned: owned.collect(),
        generation: Some(message.generation_id).filter(|generation| *generation >= 0),
        rack: message.rack_id,
    })
}

/// The bytes of what one member gets.
pub(super) fn encode_assignment(partitions: Vec<TopicPartition>) -> Result<Bytes, EncodeError> {
    let topics = by_topic(partitions).into_iter();
    let assigned_partitions =
        topics.map(|(topic, partitions)| assignment::TopicPartition { topic, partitions }).collect();
    encode(&ConsumerProtocolAssignment { assigned_partitions, user_data: None })
}

/// Reads what this member gets. No bytes at all are nothing.
pub(crate) fn decode_assignment(bytes: Bytes) -> Result<Vec<TopicPartition>, String> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let message: ConsumerProtocolAssignment = decode(bytes)?;
    Ok(message
        .assigned_partitions
        .into_iter()
        .flat_map(|topic| spread(topic.topic.detached(), topic.partitions))
        .collect())
}

fn spread(topic: Str, partitions: Vec<i32>) -> impl Iterator<Item = TopicPartition> {
    partitions.into_iter().map(move |partition| TopicPartition::new(topic.clone(), partition))
}

fn by_topic(partitions: Vec<TopicPartition>) -> BTreeMap<Str, Vec<i32>> {
    let mut topics: BTreeMap<Str, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        topics.entry(partition.topic).or_default().push(partition.partition);
    }
    topics
}

fn encode<M: Message>(message: &M) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::new();
    encoder.put(&VERSION.to_be_bytes());
    message.encode(&mut encoder, VERSION)?;
    Ok(encoder.finish().read().unwrap_or_default())
}

fn decode<M: Message>(mut bytes: Bytes) -> Result<M, String> {
    let version = bytes.try_get_i16().map_err(|_| "no version".to_owned())?;
    if version < 0 {
        return Err(format!("version {version}"));
    }
    M::decode(&mut Decoder::new(bytes), version.min(VERSION)).map_err(|error| error.to_string())
}
