//! One member of a classic group while the coordinator runs.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use base::Str;
use bytes::Bytes;
use wire::messages::describe_groups::DescribedGroupMember;
use wire::messages::join_group::{JoinGroupRequestProtocol, JoinGroupResponseMember};

use crate::engine::Waiter;
use crate::group::record::MemberMetadata;

/// A caller whose answer waits inside a group, with the version to answer in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::group) struct Parked {
    pub(in crate::group) waiter: Waiter,
    pub(in crate::group) version: i16,
}

/// A member: what it offers, what it was assigned, and what it waits for.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::group) struct Member {
    pub(in crate::group) id: Str,
    pub(in crate::group) instance_id: Option<Str>,
    pub(in crate::group) client_id: Str,
    pub(in crate::group) client_host: Str,
    pub(in crate::group) rebalance_timeout_ms: i32,
    pub(in crate::group) session_timeout_ms: i32,
    /// The protocols it speaks with its metadata for each, the one it likes best first.
    pub(in crate::group) protocols: Vec<JoinGroupRequestProtocol>,
    pub(in crate::group) assignment: Bytes,
    /// It has never been answered, so that it may expire while it waits.
    pub(in crate::group) is_new: bool,
    pub(in crate::group) awaiting_join: Option<Parked>,
    pub(in crate::group) awaiting_sync: Option<Parked>,
}

impl Member {
    /// The member that a record of the group's generation describes.
    pub(in crate::group) fn restored(member: &MemberMetadata, protocol: Option<&Str>) -> Self {
        let name = protocol.cloned().unwrap_or_default();
        let timeout = member.session_timeout_ms;
        let rebalance_timeout_ms =
            if member.rebalance_timeout_ms == -1 { timeout } else { member.rebalance_timeout_ms };
        Self {
            id: member.member_id.clone(),
            instance_id: member.group_instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms,
            session_timeout_ms: timeout,
            protocols: Vec::from([JoinGroupRequestProtocol { name, metadata: member.subscription.clone() }]),
            assignment: member.assignment.clone(),
            is_new: false,
            awaiting_join: None,
            awaiting_sync: None,
        }
    }

    /// The member as the log keeps it, with its metadata for `protocol` and `assignment`.
    pub(in crate::group) fn recorded(&self, protocol: Option<&Str>, assignment: Bytes) -> MemberMetadata {
        MemberMetadata {
            member_id: self.id.clone(),
            group_instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            session_timeout_ms: self.session_timeout_ms,
            subscription: self.metadata(protocol),
            assignment,
        }
    }

    /// What it sent with `protocol`; nothing when it does not speak it.
    pub(in crate::group) fn metadata(&self, protocol: Option<&Str>) -> Bytes {
        let spoken = self.protocols.iter().find(|spoken| Some(&spoken.name) == protocol);
        spoken.map(|spoken| spoken.metadata.clone()).unwrap_or_default()
    }

    /// The protocols it speaks.
    pub(in crate::group) fn names(&self) -> impl Iterator<Item = &Str> {
        self.protocols.iter().map(|spoken| &spoken.name)
    }

    pub(in crate::group) fn speaks(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|spoken| spoken.name == *protocol)
    }

    /// The candidate that it likes best.
    pub(in crate::group) fn vote(&self, candidates: &BTreeSet<&Str>) -> Option<&Str> {
        self.names().find(|name| candidates.contains(name))
    }

    /// Whether its silence is no sign of death: it waits for us, and has been answered before.
    pub(in crate::group) fn is_excused(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }

    /// Its line in what the leader gets to assign from.
    pub(in crate::group) fn for_leader(&self, protocol: Option<&Str>) -> JoinGroupResponseMember {
        JoinGroupResponseMember {
            member_id: self.id.clone(),
            group_instance_id: self.instance_id.clone(),
            metadata: self.metadata(protocol),
        }
    }

    /// Its line in DescribeGroups; the metadata shows once the group is stable.
    pub(in crate::group) fn described(&self, stable_protocol: Option<&Str>) -> DescribedGroupMember {
        DescribedGroupMember {
            member_id: self.id.clone(),
            group_instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            member_metadata: self.metadata(stable_protocol),
            member_assignment: self.assignment.clone(),
        }
    }
}
