//! SyncGroup, versions 0–5: the leader brings the assignment, every member takes its own home.
//!
//! Followers wait for the leader. The generation goes to the log first; its answers follow once it is committed.

use alloc::collections::BTreeMap;

use base::Str;
use bytes::Bytes;
use wire::ErrorCode;
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::rebalance::answer_sync;
use super::{ClassicGroup, Parked, Phase};
use crate::group::record::GroupRecord;
use crate::group::{Fx, Settings, Timer};

impl ClassicGroup {
    /// A member asks for its assignment; the leader brings all of them along.
    pub(in crate::group) fn sync(
        &mut self,
        request: &SyncGroupRequest,
        parked: Parked,
        settings: &Settings,
        fx: &mut Fx<'_>,
    ) {
        if let Err(error_code) = self.validate_sync(request) {
            return answer_sync(parked, SyncGroupResponse { error_code, ..SyncGroupResponse::default() }, fx);
        }
        self.synced(&request.member_id, fx);
        if self.phase == Phase::Stable {
            return answer_sync(parked, self.sync_response(&request.member_id), fx);
        }
        let Some(member) = self.members.get_mut(&request.member_id) else { return };
        if let Some(before) = member.awaiting_sync.replace(parked) {
            // Sent anew, perhaps on another connection; nobody waits without an answer.
            let error_code = ErrorCode::REBALANCE_IN_PROGRESS;
            answer_sync(before, SyncGroupResponse { error_code, ..SyncGroupResponse::default() }, fx);
        }
        if self.is_leader(&request.member_id) {
            self.assign(request, settings, fx);
        }
    }

    fn validate_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        let other = |asked: &Option<Str>, own: &Option<Str>| asked.is_some() && asked != own;
        self.validate_member(&request.member_id, request.group_instance_id.as_ref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::ILLEGAL_GENERATION);
        }
        if other(&request.protocol_type, &self.protocol_type) || other(&request.protocol_name, &self.protocol)
        {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        if self.phase == Phase::PreparingRebalance {
            return Err(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        Ok(())
    }

    /// The member has asked for its assignment in time.
    fn synced(&mut self, member_id: &str, fx: &mut Fx<'_>) {
        if self.pending_sync.remove(member_id) && self.pending_sync.is_empty() {
            fx.cancel(&Timer::Sync(self.id.clone()));
        }
    }

    fn assign(&mut self, request: &SyncGroupRequest, settings: &Settings, fx: &mut Fx<'_>) {
        let own = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
        let assignments: BTreeMap<&Str, Bytes> =
            request.assignments.iter().map(|a| (&a.member_id, own(&a.assignment))).collect();
        let record = self.record(|member| assignments.get(&member.id).cloned().unwrap_or_default());
        if record_bytes(&record) > settings.record_bytes_max {
            return self.refuse_assignment(settings, fx);
        }
        fx.record(record);
        for (id, member) in &mut self.members {
            member.assignment = assignments.get(id).cloned().unwrap_or_default();
        }
        self.enter(Phase::Stable, fx.wall_ms);
        self.hand_out(fx);
    }

    /// The generation does not fit into a record of the log: Kafka names no reason, and calls for another round.
    fn refuse_assignment(&mut self, settings: &Settings, fx: &mut Fx<'_>) {
        self.fail_syncs(ErrorCode::UNKNOWN_SERVER_ERROR, fx);
        self.prepare_rebalance(settings, fx);
    }

    fn hand_out(&mut self, fx: &mut Fx<'_>) {
        let ids: alloc::vec::Vec<Str> = self.members.keys().cloned().collect();
        for id in ids {
            let response = self.sync_response(&id);
            let parked = self.members.get_mut(&id).and_then(|member| member.awaiting_sync.take());
            if let Some(parked) = parked {
                answer_sync(parked, response, fx);
                self.extend_session(&id, fx);
            }
        }
    }

    fn sync_response(&self, member_id: &str) -> SyncGroupResponse {
        let member = self.members.get(member_id);
        SyncGroupResponse {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: member.map(|member| member.assignment.clone()).unwrap_or_default(),
            ..SyncGroupResponse::default()
        }
    }
}

pub(super) fn record_bytes(record: &GroupRecord) -> usize {
    record.key().len() + record.value().map_or(0, |value| value.len())
}
