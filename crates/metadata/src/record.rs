//! The records of the metadata log: what the controller decides, and all that a node needs to know the cluster.
//!
//! A record says what became true, not what was asked, so that replaying needs no decision. Kinds for quotas, ACLs and SCRAM
//! stand here from the first day; whoever reads the log keeps them even while nothing acts on them.

use alloc::vec::Vec;

use base::{Str, TopicId, Uuid};
use bytes::Bytes;

use crate::codec::{DecodeError, Field, Reader, fields, put_varint};

/// The version of the frame around a record's fields.
const FORMAT: u8 = 1;

fields! {
    /// The cluster got its identity; the first record of every log.
    ClusterIdRecord {
        /// 22 characters, by Kafka's custom.
        id: Str,
    }

    /// A topic exists; its partitions follow.
    TopicRecord {
        /// The name, legal and unique.
        name: Str,
        /// The identity, never used before.
        topic_id: TopicId,
    }

    /// A partition with all of its state.
    PartitionRecord {
        /// The topic's identity.
        topic_id: TopicId,
        /// The index, from 0.
        partition: i32,
        /// All replicas, the preferred leader first.
        replicas: Vec<i32>,
        /// The log directory of each replica, in the order of `replicas`; zero for "not chosen yet".
        directories: Vec<Uuid>,
        /// The in-sync replicas.
        isr: Vec<i32>,
        /// Replicas that a reassignment takes away.
        removing_replicas: Vec<i32>,
        /// Replicas that a reassignment brings.
        adding_replicas: Vec<i32>,
        /// Eligible leader replicas: out of sync, yet complete up to the high watermark (KIP-966).
        elr: Vec<i32>,
        /// The eligible ones that were lost by an unclean shutdown (KIP-966).
        last_known_elr: Vec<i32>,
        /// The leader, -1 for none.
        leader: i32,
        /// 1 while a leader elected uncleanly recovers, else 0.
        leader_recovery_state: i8,
        /// The count of leaders so far, minus one.
        leader_epoch: i32,
        /// The count of changes so far.
        partition_epoch: i32,
    }

    /// A partition changed in the fields that are given; its partition epoch rises by one, its leader epoch if a leader is given.
    PartitionChangeRecord {
        /// The topic's identity.
        topic_id: TopicId,
        /// The index.
        partition: i32,
        /// New replicas.
        replicas: Option<Vec<i32>>,
        /// New directories, in the order of the replicas.
        directories: Option<Vec<Uuid>>,
        /// New in-sync replicas.
        isr: Option<Vec<i32>>,
        /// New replicas to take away.
        removing_replicas: Option<Vec<i32>>,
        /// New replicas to bring.
        adding_replicas: Option<Vec<i32>>,
        /// New eligible leader replicas.
        elr: Option<Vec<i32>>,
        /// New lost eligible ones.
        last_known_elr: Option<Vec<i32>>,
        /// The next leader (which may be the one before), -1 for none.
        leader: Option<i32>,
        /// New recovery state.
        leader_recovery_state: Option<i8>,
    }

    /// A topic is gone with its partitions and its configs.
    RemoveTopicRecord {
        /// The topic's identity.
        topic_id: TopicId,
    }

    /// Where a node listens.
    Endpoint {
        /// The listener's name.
        name: Str,
        /// What clients connect to.
        host: Str,
        /// The port.
        port: u16,
        /// Kafka's number of the security protocol (0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL).
        security_protocol: i16,
    }

    /// The levels of a feature that a node can work at.
    FeatureRange {
        /// The feature's name.
        name: Str,
        /// The lowest level.
        min: i16,
        /// The highest level.
        max: i16,
    }

    /// A broker registered; replaces an earlier registration of the same id.
    RegisterBrokerRecord {
        /// The node id.
        broker_id: i32,
        /// Drawn anew at each start of the process.
        incarnation_id: Uuid,
        /// Greater than any epoch before.
        broker_epoch: i64,
        /// Where clients and brokers reach it.
        endpoints: Vec<Endpoint>,
        /// What it can work at.
        features: Vec<FeatureRange>,
        /// Its rack, for placement.
        rack: Option<Str>,
        /// Whether it serves nobody yet.
        fenced: bool,
        /// Whether it is giving its leaderships away to stop.
        in_controlled_shutdown: bool,
        /// The identities of its log directories.
        log_dirs: Vec<Uuid>,
        /// Those of them that take no new replica (KIP-1066).
        cordoned_log_dirs: Vec<Uuid>,
    }

    /// A broker's registration changed in the fields that are given.
    BrokerChangeRecord {
        /// The node id.
        broker_id: i32,
        /// The epoch of the registration that changes.
        broker_epoch: i64,
        /// Fenced or unfenced.
        fenced: Option<bool>,
        /// Controlled shutdown began.
        in_controlled_shutdown: Option<bool>,
        /// The directories that are left.
        log_dirs: Option<Vec<Uuid>>,
        /// The directories that take no new replica.
        cordoned_log_dirs: Option<Vec<Uuid>>,
    }

    /// A broker was taken off the books.
    UnregisterBrokerRecord {
        /// The node id.
        broker_id: i32,
        /// The epoch of its last registration.
        broker_epoch: i64,
    }

    /// No broker epoch up to this one is ever given again; stands in snapshots, where the registrations that used it may be gone.
    BrokerEpochRecord {
        /// The greatest epoch given.
        max: i64,
    }

    /// A controller told where it listens and what it can work at.
    RegisterControllerRecord {
        /// The node id.
        controller_id: i32,
        /// Drawn anew at each start.
        incarnation_id: Uuid,
        /// Where it listens.
        endpoints: Vec<Endpoint>,
        /// What it can work at.
        features: Vec<FeatureRange>,
    }

    /// A config was set or, without a value, removed.
    ConfigRecord {
        /// Kafka's number of the resource's type (2 topic, 4 broker, 16 client metrics, 32 group).
        resource_type: i8,
        /// The resource's name; empty for the default of all brokers.
        resource_name: Str,
        /// The config's name.
        name: Str,
        /// Its value, or none to remove it.
        value: Option<Str>,
    }

    /// A feature was finalized at a level; 0 removes it.
    FeatureLevelRecord {
        /// The feature's name.
        name: Str,
        /// The level.
        level: i16,
    }

    /// A block of producer ids was given to a broker; all ids below `next_producer_id` are used up.
    ProducerIdsRecord {
        /// The broker.
        broker_id: i32,
        /// Its epoch.
        broker_epoch: i64,
        /// The first id of the next block.
        next_producer_id: i64,
    }

    /// A client quota was set or, without a value, removed.
    ClientQuotaRecord {
        /// What it applies to, sorted by type.
        entity: Vec<QuotaEntityPart>,
        /// The quota's name, such as `producer_byte_rate`.
        key: Str,
        /// The limit, or none to remove it.
        value: Option<f64>,
    }

    /// An ACL exists.
    AccessControlEntryRecord {
        /// Its identity.
        id: Uuid,
        /// Kafka's number of the resource's type.
        resource_type: i8,
        /// The resource's name.
        resource_name: Str,
        /// Kafka's number of the pattern's type (3 literal, 4 prefixed).
        pattern_type: i8,
        /// The principal, such as `User:alice`.
        principal: Str,
        /// The host, `*` for any.
        host: Str,
        /// Kafka's number of the operation.
        operation: i8,
        /// Kafka's number of the permission (2 deny, 3 allow).
        permission_type: i8,
    }

    /// An ACL is gone.
    RemoveAccessControlEntryRecord {
        /// Its identity.
        id: Uuid,
    }

    /// A user's SCRAM credential was set.
    UserScramCredentialRecord {
        /// The user.
        name: Str,
        /// Kafka's number of the mechanism (1 SHA-256, 2 SHA-512).
        mechanism: i8,
        /// The salt.
        salt: Bytes,
        /// The stored key (RFC 5802).
        stored_key: Bytes,
        /// The server key (RFC 5802).
        server_key: Bytes,
        /// The count of iterations.
        iterations: i32,
    }

    /// A user's SCRAM credential is gone.
    RemoveUserScramCredentialRecord {
        /// The user.
        name: Str,
        /// Kafka's number of the mechanism.
        mechanism: i8,
    }
}

/// One part of what a client quota applies to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct QuotaEntityPart {
    /// `user`, `client-id` or `ip`.
    pub entity_type: Str,
    /// The name, or none for the default.
    pub entity_name: Option<Str>,
}

impl Field for QuotaEntityPart {
    fn put(&self, out: &mut Vec<u8>) {
        self.entity_type.put(out);
        self.entity_name.put(out);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { entity_type: Field::get(from)?, entity_name: Field::get(from)? })
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($record:ident) = $number:literal,)*) => {
        /// One entry of the metadata log.
        #[derive(Clone, PartialEq, Debug)]
        pub enum Record {
            $($(#[$doc])* $kind($record),)*
        }

        impl Record {
            fn kind(&self) -> u32 {
                match self {
                    $(Self::$kind(_) => $number,)*
                }
            }

            fn put_fields(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$kind(record) => record.put(out),)*
                }
            }

            fn get_fields(kind: u32, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match kind {
                    $($number => $record::get(from).map(Self::$kind),)*
                    _ => Err(DecodeError::Newer { kind, version: 0 }),
                }
            }
        }

        $(impl From<$record> for Record {
            fn from(record: $record) -> Self {
                Self::$kind(record)
            }
        })*
    };
}

kinds! {
    /// See [`ClusterIdRecord`].
    ClusterId(ClusterIdRecord) = 1,
    /// See [`TopicRecord`].
    Topic(TopicRecord) = 2,
    /// See [`PartitionRecord`].
    Partition(PartitionRecord) = 3,
    /// See [`PartitionChangeRecord`].
    PartitionChange(PartitionChangeRecord) = 4,
    /// See [`RemoveTopicRecord`].
    RemoveTopic(RemoveTopicRecord) = 5,
    /// See [`RegisterBrokerRecord`].
    RegisterBroker(RegisterBrokerRecord) = 6,
    /// See [`BrokerChangeRecord`].
    BrokerChange(BrokerChangeRecord) = 7,
    /// See [`UnregisterBrokerRecord`].
    UnregisterBroker(UnregisterBrokerRecord) = 8,
    /// See [`RegisterControllerRecord`].
    RegisterController(RegisterControllerRecord) = 9,
    /// See [`ConfigRecord`].
    Config(ConfigRecord) = 10,
    /// See [`FeatureLevelRecord`].
    FeatureLevel(FeatureLevelRecord) = 11,
    /// See [`ProducerIdsRecord`].
    ProducerIds(ProducerIdsRecord) = 12,
    /// See [`ClientQuotaRecord`].
    ClientQuota(ClientQuotaRecord) = 13,
    /// See [`AccessControlEntryRecord`].
    AccessControlEntry(AccessControlEntryRecord) = 14,
    /// See [`RemoveAccessControlEntryRecord`].
    RemoveAccessControlEntry(RemoveAccessControlEntryRecord) = 15,
    /// See [`UserScramCredentialRecord`].
    UserScramCredential(UserScramCredentialRecord) = 16,
    /// See [`RemoveUserScramCredentialRecord`].
    RemoveUserScramCredential(RemoveUserScramCredentialRecord) = 17,
    /// See [`BrokerEpochRecord`].
    BrokerEpoch(BrokerEpochRecord) = 18,
}

impl Record {
    /// Appends the record's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        put_varint(out, u64::from(self.kind()));
        put_varint(out, 0);
        self.put_fields(out);
    }

    /// The record that `bytes` hold, all of them.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader(bytes);
        match from.take(1)? {
            [FORMAT] => {}
            [format] => return Err(DecodeError::Newer { kind: 0, version: u32::from(*format) }),
            _ => return Err(DecodeError::Length),
        }
        let (kind, version) = (from.small()?, from.small()?);
        if version > 0 {
            return Err(DecodeError::Newer { kind, version });
        }
        let record = Self::get_fields(kind, &mut from)?;
        if from.0.is_empty() { Ok(record) } else { Err(DecodeError::Length) }
    }
}

#[cfg(test)]
mod tests;
