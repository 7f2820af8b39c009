//! DescribeGroups, versions 0–6: a group's state and members.

use alloc::format;
use alloc::vec::Vec;

use base::Str;
use wire::ErrorCode;
use wire::messages::describe_groups::DescribedGroup;

use super::classic::{ClassicGroup, Generation, Phase};
use super::{Durable, Group, Live};

/// The first version in which an unknown group is an error (KIP-1043); before, it is `Dead`.
const GROUP_ID_NOT_FOUND_SINCE: i16 = 6;

impl Live {
    pub(super) fn describe(&self, durable: &Durable, groups: Vec<Str>, version: i16) -> Vec<DescribedGroup> {
        groups.into_iter().map(|id| self.describe_group(durable, id, version)).collect()
    }

    fn describe_group(&self, durable: &Durable, group_id: Str, version: i16) -> DescribedGroup {
        let described = match (durable.group(&group_id), self.classic.get(&group_id)) {
            (None, _) => unknown(&group_id, version),
            (Some(_), Some(live)) => describe_live(live),
            (Some(Group::Classic(stored)), None) => describe_empty(stored),
        };
        DescribedGroup { group_id, ..described }
    }
}

fn unknown(group_id: &Str, version: i16) -> DescribedGroup {
    let mut described = DescribedGroup { group_state: Str::from_static("Dead"), ..Default::default() };
    if version >= GROUP_ID_NOT_FOUND_SINCE {
        described.error_code = ErrorCode::GROUP_ID_NOT_FOUND;
        described.error_message = Some(Str::from(format!("Group {group_id} not found.")));
    }
    described
}

fn describe_empty(stored: &Generation) -> DescribedGroup {
    DescribedGroup {
        group_state: Str::from_static(Phase::Empty.name()),
        protocol_type: stored.protocol_type.clone().unwrap_or_default(),
        ..Default::default()
    }
}

/// The protocol and what members said of themselves for it show in a stable group only.
fn describe_live(live: &ClassicGroup) -> DescribedGroup {
    let protocol = live.protocol().filter(|_| live.phase() == Phase::Stable);
    DescribedGroup {
        group_state: Str::from_static(live.phase().name()),
        protocol_type: live.protocol_type().cloned().unwrap_or_default(),
        protocol_data: protocol.cloned().unwrap_or_default(),
        members: live.members().map(|member| member.described(protocol)).collect(),
        ..Default::default()
    }
}
