//! The way of members' requests to their group: checks on ids and timeouts, groups that come into being, groups that are not there.

use base::Str;
use wire::ErrorCode;
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use wire::messages::join_group::JoinGroupRequest;
use wire::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberResponse};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::classic::{self, ClassicGroup, Parked};
use super::record::{GroupMetadataValue, GroupRecord};
use super::{Call, Durable, Fx, Group, Live, Response};
use crate::engine::Waiter;

impl Live {
    pub(super) fn join(
        &mut self,
        durable: &Durable,
        call: Call,
        request: &JoinGroupRequest,
        waiter: Waiter,
        fx: &mut Fx<'_>,
    ) {
        if let Err(error) = self.check_join(durable, request) {
            let refused = classic::refused_join(&request.member_id, error, call.version);
            return fx.answer(waiter, Response::Join(refused));
        }
        let id = request.group_id.detached();
        let parked = Parked { waiter, version: call.version };
        self.enter(durable, &id, fx);
        let join = classic::Join::new(request, parked, call);
        self.with(&id, fx, |group, settings, fx| group.join(join, settings, fx));
    }

    fn check_join(&self, durable: &Durable, request: &JoinGroupRequest) -> Result<(), ErrorCode> {
        let (min, max) = (self.settings.session_timeout_min_ms, self.settings.session_timeout_max_ms);
        let exists = durable.group(&request.group_id).is_some();
        if request.group_id.is_empty() {
            Err(ErrorCode::INVALID_GROUP_ID)
        } else if !(min..=max).contains(&request.session_timeout_ms) {
            Err(ErrorCode::INVALID_SESSION_TIMEOUT)
        } else if !exists && !request.member_id.is_empty() {
            // Only who brings no id may bring a group into being.
            Err(ErrorCode::UNKNOWN_MEMBER_ID)
        } else {
            Ok(())
        }
    }

    /// Gives the group live state; one that is new is written to the log, empty.
    fn enter(&mut self, durable: &Durable, id: &Str, fx: &mut Fx<'_>) {
        if self.classic.contains_key(id) {
            return;
        }
        let group = match durable.group(id) {
            Some(Group::Classic(stored)) => ClassicGroup::restored(id.clone(), stored, fx.wall_ms),
            None => {
                let empty = GroupMetadataValue {
                    current_state_timestamp_ms: fx.wall_ms,
                    ..GroupMetadataValue::default()
                };
                fx.record(GroupRecord::GroupMetadata { group: id.clone(), value: Some(empty) });
                ClassicGroup::new(id.clone(), fx.wall_ms)
            }
        };
        self.classic.insert(id.clone(), group);
    }

    pub(super) fn sync(&mut self, call: &Call, request: &SyncGroupRequest, waiter: Waiter, fx: &mut Fx<'_>) {
        let unnamed =
            call.version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none());
        let error_code = if unnamed {
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL
        } else if request.group_id.is_empty() {
            ErrorCode::INVALID_GROUP_ID
        } else if !self.classic.contains_key(&request.group_id) {
            // A group without live state has no members.
            ErrorCode::UNKNOWN_MEMBER_ID
        } else {
            let parked = Parked { waiter, version: call.version };
            return self.with(&request.group_id, fx, |group, settings, fx| {
                group.sync(request, parked, settings, fx)
            });
        };
        fx.answer(waiter, Response::Sync(SyncGroupResponse { error_code, ..SyncGroupResponse::default() }));
    }

    pub(super) fn heartbeat(&mut self, request: &HeartbeatRequest, waiter: Waiter, fx: &mut Fx<'_>) {
        let error_code = if request.group_id.is_empty() {
            ErrorCode::INVALID_GROUP_ID
        } else if let Some(group) = self.classic.get(&request.group_id) {
            group.heartbeat(request, fx)
        } else {
            ErrorCode::UNKNOWN_MEMBER_ID
        };
        fx.answer(
            waiter,
            Response::Heartbeat(HeartbeatResponse { error_code, ..HeartbeatResponse::default() }),
        );
    }

    pub(super) fn leave(
        &mut self,
        call: &Call,
        mut request: LeaveGroupRequest,
        waiter: Waiter,
        fx: &mut Fx<'_>,
    ) {
        if request.group_id.is_empty() {
            let error_code = ErrorCode::INVALID_GROUP_ID;
            let refused = LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() };
            return fx.answer(waiter, Response::Leave(refused));
        }
        let members = classic::members_of(&mut request, call.version);
        let mut answers = alloc::vec::Vec::new();
        if self.classic.contains_key(&request.group_id) {
            self.with(&request.group_id, fx, |group, settings, fx| {
                answers = group.leave(members, settings, fx)
            });
        } else {
            answers.extend(members.into_iter().map(|member| MemberResponse {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                error_code: ErrorCode::UNKNOWN_MEMBER_ID,
            }));
        }
        fx.answer(waiter, Response::Leave(classic::answer(answers, call.version)));
    }
}
