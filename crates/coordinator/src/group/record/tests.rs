//! Formats against bytes drawn by hand from Kafka's definitions, and what broken bytes do.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use base::{TopicId, Uuid};

use super::*;

fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn text(text: &str) -> String {
    let mut out = alloc::format!("{:04x}", text.len());
    text.bytes().for_each(|byte| out.push_str(&alloc::format!("{byte:02x}")));
    out
}

fn commit(value: OffsetCommitValue) -> GroupRecord {
    GroupRecord::OffsetCommit { group: "g".into(), topic: "t".into(), partition: 3, value: Some(value) }
}

fn plain_commit() -> OffsetCommitValue {
    OffsetCommitValue {
        offset: 7,
        leader_epoch: 2,
        metadata: "m".into(),
        commit_timestamp_ms: 9,
        expire_timestamp_ms: None,
        topic_id: TopicId::ZERO,
    }
}

fn generation() -> GroupMetadataValue {
    GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 5,
        protocol: Some("range".into()),
        leader: Some("a".into()),
        current_state_timestamp_ms: 11,
        members: vec![MemberMetadata {
            member_id: "a".into(),
            group_instance_id: None,
            client_id: "c".into(),
            client_host: "/h".into(),
            rebalance_timeout_ms: 3,
            session_timeout_ms: 4,
            subscription: Bytes::from_static(&[1]),
            assignment: Bytes::from_static(&[2, 3]),
        }],
    }
}

#[track_caller]
fn check_written(record: &GroupRecord, key: &str, value: Option<&str>) {
    assert_eq!((record.key(), record.value()), (hex(key), value.map(hex)));
    assert_eq!(GroupRecord::decode(record.key(), record.value()), Ok(Decoded::Record(record.clone())));
}

#[test]
fn offset_commits_are_written_as_kafka_writes_them() {
    let key = "0001 000167 000174 00000003";
    check_written(
        &commit(plain_commit()),
        key,
        Some("0004 0000000000000007 00000002 026d 0000000000000009 00"),
    );
    let with_id = OffsetCommitValue { topic_id: TopicId(Uuid([0xab; 16])), ..plain_commit() };
    let id = "ab".repeat(16);
    check_written(
        &commit(with_id.clone()),
        key,
        Some(&alloc::format!("0004 0000000000000007 00000002 026d 0000000000000009 010010{id}")),
    );
    let expiring = OffsetCommitValue { expire_timestamp_ms: Some(10), ..with_id }.storable();
    check_written(
        &commit(expiring),
        key,
        Some("0001 0000000000000007 00016d 0000000000000009 000000000000000a"),
    );
    let tombstone =
        GroupRecord::OffsetCommit { group: "g".into(), topic: "t".into(), partition: 3, value: None };
    check_written(&tombstone, key, None);
}

#[test]
fn generations_are_written_as_kafka_writes_them() {
    let value = alloc::format!(
        "0003 {} 00000005 {} {} 000000000000000b 00000001 {} ffff {} {} 00000003 00000004 00000001 01 00000002 0203",
        text("consumer"),
        text("range"),
        text("a"),
        text("a"),
        text("c"),
        text("/h"),
    );
    let record = GroupRecord::GroupMetadata { group: "g".into(), value: Some(generation()) };
    check_written(&record, "0002 000167", Some(&value));
    check_written(&GroupRecord::GroupMetadata { group: "g".into(), value: None }, "0002 000167", None);
    let empty = GroupMetadataValue { current_state_timestamp_ms: 1, ..Default::default() };
    let record = GroupRecord::GroupMetadata { group: "g".into(), value: Some(empty) };
    check_written(&record, "0002 000167", Some("0003 0000 00000000 ffff ffff 0000000000000001 00000000"));
}

#[test]
fn every_older_version_is_read() {
    let key = hex("0000 000167 000174 00000003");
    let unknown_epoch = OffsetCommitValue { leader_epoch: -1, ..plain_commit() };
    let table = [
        ("0000 0000000000000007 00016d 0000000000000009", unknown_epoch.clone()),
        ("0001 0000000000000007 00016d 0000000000000009 ffffffffffffffff", unknown_epoch.clone()),
        ("0002 0000000000000007 00016d 0000000000000009", unknown_epoch),
        ("0003 0000000000000007 00000002 00016d 0000000000000009", plain_commit()),
        ("0004 0000000000000007 00000002 026d 0000000000000009 01 09 02 ffff", plain_commit()),
    ];
    for (value, expected) in table {
        let decoded = GroupRecord::decode(key.clone(), Some(hex(value)));
        assert_eq!(decoded, Ok(Decoded::Record(commit(expected))), "{value}");
    }
    for version in 0..=4 {
        check_old_generation(version);
    }
}

/// A generation in `version`, with the fields that it lacks at what stands for their absence.
fn check_old_generation(version: i16) {
    let mut expected = generation();
    let flexible = version >= 4;
    let text = |value: &str| match flexible {
        true => alloc::format!("{:02x}{}", value.len() + 1, &text(value)[4..]),
        false => text(value),
    };
    let member = expected.members.first_mut().unwrap();
    let instance = ["", if flexible { "00" } else { "ffff" }][usize::from(version >= 3)];
    let rebalance = ["", "00000003"][usize::from(version >= 1)];
    let state = ["", "000000000000000b"][usize::from(version >= 2)];
    let (count, one, two, tags) = if flexible {
        ("02", "0201", "030203", "00")
    } else {
        ("00000001", "00000001 01", "00000002 0203", "")
    };
    member.rebalance_timeout_ms = if version >= 1 { 3 } else { -1 };
    expected.current_state_timestamp_ms = if version >= 2 { 11 } else { -1 };
    let value = alloc::format!(
        "{version:04x} {} 00000005 {} {} {state} {count} {} {instance} {} {} {rebalance} 00000004 {one} {two} {tags} {tags}",
        text("consumer"),
        text("range"),
        text("a"),
        text("a"),
        text("c"),
        text("/h"),
    );
    let record = GroupRecord::GroupMetadata { group: "g".into(), value: Some(expected) };
    assert_eq!(
        GroupRecord::decode(hex("0002 000167"), Some(hex(&value))),
        Ok(Decoded::Record(record)),
        "{version}"
    );
}

#[test]
fn other_types_are_named_and_broken_bytes_refused() {
    assert_eq!(GroupRecord::decode(hex("0003 000167"), None), Ok(Decoded::Unknown(3)));
    assert_eq!(GroupRecord::decode(hex("00"), None), Err(MalformedRecord { format: "key" }));
    let record = GroupRecord::GroupMetadata { group: "g".into(), value: Some(generation()) };
    let (key, value) = (record.key(), record.value().unwrap());
    for end in 0..value.len() {
        let decoded = GroupRecord::decode(key.clone(), Some(value.slice(..end)));
        assert_eq!(decoded, Err(MalformedRecord { format: "GroupMetadataValue" }), "{end}");
    }
    let value = commit(plain_commit()).value().unwrap();
    for end in 0..value.len() {
        assert!(
            GroupRecord::decode(commit(plain_commit()).key(), Some(value.slice(..end))).is_err(),
            "{end}"
        );
    }
    let endless = hex("0003 0000 00000000 ffff ffff 0000000000000001 7fffffff");
    assert!(GroupRecord::decode(key, Some(endless)).is_err());
}
