//! DeleteGroups, versions 0–2 (KIP-229): an empty group goes with all its offsets.

use base::Str;
use wire::ErrorCode;
use wire::messages::delete_groups::DeletableGroupResult;

use super::offset_delete::tombstone;
use super::record::GroupRecord;
use super::{Durable, Fx, Live, Response};
use crate::engine::Waiter;

impl Live {
    pub(super) fn delete_groups(
        &mut self,
        durable: &Durable,
        groups: alloc::vec::Vec<Str>,
        waiter: Waiter,
        fx: &mut Fx<'_>,
    ) {
        let mut results = alloc::vec::Vec::with_capacity(groups.len());
        for group_id in groups {
            let known = durable.group(&group_id).is_some();
            let busy = self.classic.get(&group_id).is_some_and(|live| !live.is_empty());
            let error_code = match (known, busy) {
                (false, _) => ErrorCode::GROUP_ID_NOT_FOUND,
                (true, true) => ErrorCode::NON_EMPTY_GROUP,
                (true, false) => {
                    self.delete_group(durable, &group_id.detached(), fx);
                    ErrorCode::NONE
                }
            };
            results.push(DeletableGroupResult { group_id, error_code });
        }
        fx.answer(waiter, Response::Delete(results));
    }

    /// Drops an empty group with its offsets, those that wait for a transaction too.
    fn delete_group(&mut self, durable: &Durable, group: &Str, fx: &mut Fx<'_>) {
        let commits = durable.offsets().of_group(group).into_iter().flatten();
        for (topic, partitions) in commits {
            partitions.keys().for_each(|partition| fx.record(tombstone(group, topic, *partition)));
        }
        for (topic, partition) in durable.offsets().pending_of_group(group) {
            if durable.offsets().get(group, topic, partition).is_none() {
                fx.record(tombstone(group, topic, partition));
            }
        }
        self.forget(group, fx);
    }

    /// Drops an empty group, of which no offsets are left.
    pub(super) fn forget(&mut self, group: &Str, fx: &mut Fx<'_>) {
        if let Some(live) = self.classic.remove(group) {
            live.cancel_promises(fx);
        }
        fx.record(GroupRecord::GroupMetadata { group: group.clone(), value: None });
    }
}
