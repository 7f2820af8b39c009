//! A classic group as the log has it: its last generation that was distributed, or that it is empty since a time.

use alloc::vec::Vec;

use base::Str;

use crate::group::record::{GroupMetadataValue, MemberMetadata};

/// The durable part of a classic group. The default is a group that merely commits offsets: no protocol, generation 0.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Generation {
    /// `consumer`, `connect` …; none while nobody has joined.
    pub protocol_type: Option<Str>,
    /// The protocol voted for.
    pub protocol: Option<Str>,
    /// The generation's number.
    pub number: i32,
    /// The leader's member id.
    pub leader: Option<Str>,
    /// When the group entered its state, in milliseconds since 1970, where the log says so.
    pub state_since_ms: Option<i64>,
    /// The members; none when the group is empty.
    pub members: Vec<MemberMetadata>,
}

impl Generation {
    pub(in crate::group) fn from_record(value: &GroupMetadataValue) -> Self {
        Self {
            protocol_type: Some(value.protocol_type.clone()).filter(|name| !name.is_empty()),
            protocol: value.protocol.clone(),
            number: value.generation,
            leader: value.leader.clone(),
            state_since_ms: Some(value.current_state_timestamp_ms).filter(|ms| *ms != -1),
            members: value.members.clone(),
        }
    }
}
