//! ListGroups, versions 0–5: the groups of this shard, by state (KIP-518) and kind (KIP-848).

use alloc::string::String;
use alloc::vec::Vec;

use base::Str;
use wire::messages::list_groups::ListedGroup;

use super::classic::Phase;
use super::{Durable, Group, Live};

/// Kafka's name of the kind of group that the classic protocol makes.
const CLASSIC: &str = "classic";

impl Live {
    pub(super) fn list(&self, durable: &Durable, states: &[Str], types: &[Str]) -> Vec<ListedGroup> {
        let states: Vec<String> = states.iter().map(|state| state.trim().to_lowercase()).collect();
        if !types.is_empty() && !types.iter().any(|kind| kind.to_lowercase() == CLASSIC) {
            return Vec::new();
        }
        let listed = durable.groups().map(|(id, group)| self.line(id, group));
        listed.filter(|line| states.is_empty() || states.contains(&line.group_state.to_lowercase())).collect()
    }

    fn line(&self, id: &Str, Group::Classic(stored): &Group) -> ListedGroup {
        let live = self.classic.get(id);
        let protocol_type = live.map_or(stored.protocol_type.as_ref(), |live| live.protocol_type());
        ListedGroup {
            group_id: id.clone(),
            protocol_type: protocol_type.cloned().unwrap_or_default(),
            group_state: Str::from_static(live.map_or(Phase::Empty, |live| live.phase()).name()),
            group_type: Str::from_static(CLASSIC),
        }
    }
}
