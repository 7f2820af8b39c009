//! Records survive their encoding; nothing else is taken for one.

use alloc::vec;

use super::*;

fn samples() -> Vec<Record> {
    let (id, topic_id) = (Uuid([7; 16]), TopicId(Uuid([9; 16])));
    let endpoint = Endpoint { name: "PLAINTEXT".into(), host: "h".into(), port: 65535, security_protocol: 3 };
    let range = FeatureRange { name: "metadata.version".into(), min: 7, max: 30 };
    let mut all = vec![
        ClusterIdRecord { id: "5L6g3nShT-eMCtK--X86sw".into() }.into(),
        TopicRecord { name: "orders".into(), topic_id }.into(),
        PartitionRecord {
            topic_id,
            partition: 3,
            replicas: vec![1, 2, i32::MAX],
            directories: vec![id; 3],
            isr: vec![1],
            elr: vec![2],
            last_known_elr: vec![3],
            adding_replicas: vec![4],
            removing_replicas: vec![5],
            leader: -1,
            leader_recovery_state: 1,
            leader_epoch: 5,
            partition_epoch: 200,
        }
        .into(),
        PartitionChangeRecord {
            topic_id,
            partition: 1,
            isr: Some(vec![]),
            leader: Some(-1),
            ..Default::default()
        }
        .into(),
        RemoveTopicRecord { topic_id }.into(),
        RegisterBrokerRecord {
            broker_id: 1,
            incarnation_id: id,
            broker_epoch: i64::MAX,
            endpoints: vec![endpoint.clone()],
            features: vec![range.clone()],
            rack: Some("a".into()),
            fenced: true,
            log_dirs: vec![id],
            ..Default::default()
        }
        .into(),
        BrokerChangeRecord { broker_id: 1, broker_epoch: 9, fenced: Some(false), ..Default::default() }
            .into(),
    ];
    all.extend(more_samples());
    all
}

fn more_samples() -> Vec<Record> {
    let id = Uuid([7; 16]);
    let endpoint = Endpoint { name: "PLAINTEXT".into(), host: "h".into(), port: 65535, security_protocol: 3 };
    let range = FeatureRange { name: "metadata.version".into(), min: 7, max: 30 };
    vec![
        UnregisterBrokerRecord { broker_id: -1, broker_epoch: i64::MIN }.into(),
        RegisterControllerRecord {
            controller_id: 1,
            incarnation_id: id,
            endpoints: vec![endpoint],
            features: vec![range],
        }
        .into(),
        ConfigRecord {
            resource_type: 2,
            resource_name: "t".into(),
            name: "retention.ms".into(),
            value: None,
        }
        .into(),
        ConfigRecord {
            resource_type: 4,
            resource_name: "".into(),
            name: "x".into(),
            value: Some("é".into()),
        }
        .into(),
        FeatureLevelRecord { name: "group.version".into(), level: 1 }.into(),
        ProducerIdsRecord { broker_id: 1, broker_epoch: 2, next_producer_id: 3000 }.into(),
        ClientQuotaRecord {
            entity: vec![QuotaEntityPart { entity_type: "user".into(), entity_name: None }],
            key: "producer_byte_rate".into(),
            value: Some(1.5),
        }
        .into(),
        AccessControlEntryRecord { id, resource_type: 2, principal: "User:a".into(), ..Default::default() }
            .into(),
        RemoveAccessControlEntryRecord { id }.into(),
        UserScramCredentialRecord {
            name: "a".into(),
            salt: Bytes::from_static(b"s"),
            iterations: 4096,
            ..Default::default()
        }
        .into(),
        RemoveUserScramCredentialRecord { name: "a".into(), mechanism: 1 }.into(),
        BrokerEpochRecord { max: 7 }.into(),
    ]
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}

#[test]
fn every_kind_survives_its_encoding() {
    for record in samples() {
        assert_eq!(Record::decode(&encoded(&record)), Ok(record));
    }
}

#[test]
fn a_part_or_a_surplus_is_no_record() {
    for record in samples() {
        let mut bytes = encoded(&record);
        for end in 0..bytes.len() {
            assert!(Record::decode(&bytes[..end]).is_err(), "{record:?} cut at {end}");
        }
        bytes.push(0);
        assert_eq!(Record::decode(&bytes), Err(DecodeError::Length));
    }
}

#[test]
fn the_future_is_refused() {
    let newer = |kind, version| Err(DecodeError::Newer { kind, version });
    assert_eq!(Record::decode(&[2, 1, 0]), newer(0, 2));
    assert_eq!(Record::decode(&[1, 99, 0]), newer(99, 0));
    assert_eq!(Record::decode(&[1, 1, 1, 0]), newer(1, 1));
}

#[test]
fn changed_bytes_never_panic() {
    for record in samples() {
        let bytes = encoded(&record);
        for place in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[place] ^= change;
                let _ = Record::decode(&bytes);
            }
        }
    }
}
