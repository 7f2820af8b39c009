//! `GroupMetadataValue`: one generation of a classic group.
//!
//! ```text
//! protocol_type:string generation:i32 protocol:string? leader:string? [v2+ current_state_timestamp:i64]
//! members:[ member_id:string [v3+ group_instance_id:string?] client_id:string client_host:string
//!           [v1+ rebalance_timeout:i32] session_timeout:i32 subscription:bytes assignment:bytes ]
//! ```
//!
//! v4 is flexible. Kafka 4.3 writes v3, and so do we.

use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;

use super::bytes::{Malformed, Reader, Writer};

/// One generation of a classic group, as its leader distributed it; without members, the group is empty.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct GroupMetadataValue {
    /// `consumer`, `connect`, `sr` …; empty before anyone joined.
    pub protocol_type: Str,
    /// The generation's number.
    pub generation: i32,
    /// The protocol that the members voted for.
    pub protocol: Option<Str>,
    /// The leader's member id.
    pub leader: Option<Str>,
    /// When the group entered its state, in milliseconds since 1970; -1 is unknown.
    pub current_state_timestamp_ms: i64,
    /// The members.
    pub members: Vec<MemberMetadata>,
}

/// One member of a generation.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct MemberMetadata {
    /// The id that the coordinator gave it.
    pub member_id: Str,
    /// The name by which a static member is known across restarts (KIP-345).
    pub group_instance_id: Option<Str>,
    /// The client's own name.
    pub client_id: Str,
    /// Where it connected from, as Java writes an address: `/127.0.0.1`.
    pub client_host: Str,
    /// How long a rebalance waits for it, in milliseconds; -1 in v0, where the session timeout stands for it.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// What it sent with the protocol that was chosen.
    pub subscription: Bytes,
    /// What the leader assigned to it.
    pub assignment: Bytes,
}

const MEMBER_BYTES_MIN: usize = 8;

impl GroupMetadataValue {
    pub(super) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(3);
        writer.text(&self.protocol_type);
        writer.i32(self.generation);
        writer.nullable_text(self.protocol.as_ref());
        writer.nullable_text(self.leader.as_ref());
        writer.i64(self.current_state_timestamp_ms);
        writer.count(self.members.len());
        for member in &self.members {
            member.encode(&mut writer);
        }
        writer.finish()
    }

    pub(super) fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let version = reader.i16()?;
        if !(0..=4).contains(&version) {
            return Err(Malformed);
        }
        reader.flexible = version >= 4;
        let mut value = Self {
            protocol_type: reader.text()?,
            generation: reader.i32()?,
            protocol: reader.nullable_text()?,
            leader: reader.nullable_text()?,
            current_state_timestamp_ms: if version >= 2 { reader.i64()? } else { -1 },
            members: Vec::new(),
        };
        for _ in 0..reader.array(MEMBER_BYTES_MIN)? {
            value.members.push(MemberMetadata::decode(&mut reader, version)?);
        }
        reader.tagged(|_, _| Ok(()))?;
        Ok(value)
    }
}

impl MemberMetadata {
    fn encode(&self, writer: &mut Writer) {
        writer.text(&self.member_id);
        writer.nullable_text(self.group_instance_id.as_ref());
        writer.text(&self.client_id);
        writer.text(&self.client_host);
        writer.i32(self.rebalance_timeout_ms);
        writer.i32(self.session_timeout_ms);
        writer.bytes(&self.subscription);
        writer.bytes(&self.assignment);
    }

    fn decode(reader: &mut Reader, version: i16) -> Result<Self, Malformed> {
        let member = Self {
            member_id: reader.text()?,
            group_instance_id: if version >= 3 { reader.nullable_text()? } else { None },
            client_id: reader.text()?,
            client_host: reader.text()?,
            rebalance_timeout_ms: if version >= 1 { reader.i32()? } else { -1 },
            session_timeout_ms: reader.i32()?,
            subscription: reader.bytes()?,
            assignment: reader.bytes()?,
        };
        reader.tagged(|_, _| Ok(()))?;
        Ok(member)
    }
}
