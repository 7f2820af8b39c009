//! LeaveGroup, versions 0–5: members go, many at once from version 3 on, static ones by their instance id (KIP-345).

use alloc::vec::Vec;

use base::Str;
use wire::ErrorCode;
use wire::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse};

use super::{ClassicGroup, Phase};
use crate::group::{Fx, Settings, Timer};

/// The first version that takes more than one member out.
pub(in crate::group) const MANY_MEMBERS_SINCE: i16 = 3;

impl ClassicGroup {
    /// Takes each member out; one rebalance follows for all.
    pub(in crate::group) fn leave(
        &mut self,
        members: Vec<MemberIdentity>,
        settings: &Settings,
        fx: &mut Fx<'_>,
    ) -> Vec<MemberResponse> {
        let answers: Vec<_> = members.into_iter().map(|member| self.leave_one(member, fx)).collect();
        if answers.iter().any(|answer| !answer.error_code.is_error()) {
            match self.phase {
                Phase::Stable | Phase::CompletingRebalance => self.prepare_rebalance(settings, fx),
                Phase::PreparingRebalance => self.complete_join_if_all_did(fx),
                Phase::Empty => {}
            }
        }
        answers
    }

    fn leave_one(&mut self, member: MemberIdentity, fx: &mut Fx<'_>) -> MemberResponse {
        let error_code = match self.leaving(&member, fx) {
            Ok(Some(member_id)) => {
                self.remove(&member_id, fx);
                ErrorCode::NONE
            }
            Ok(None) => ErrorCode::NONE,
            Err(error) => error,
        };
        MemberResponse {
            member_id: member.member_id,
            group_instance_id: member.group_instance_id,
            error_code,
        }
    }

    /// The member to take out; none when only a promised id had to be dropped.
    fn leaving(&mut self, member: &MemberIdentity, fx: &mut Fx<'_>) -> Result<Option<Str>, ErrorCode> {
        if member.member_id.is_empty() {
            let current = member.group_instance_id.as_ref().and_then(|id| self.static_members.get(id));
            return current.cloned().map(Some).ok_or(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        if self.pending_join.remove(&member.member_id) {
            fx.cancel(&Timer::Session(self.id.clone(), member.member_id.clone()));
            return Ok(None);
        }
        self.validate_member(&member.member_id, member.group_instance_id.as_ref())?;
        Ok(Some(member.member_id.clone()))
    }
}

/// The members of a request of any version.
pub(in crate::group) fn members_of(request: &mut LeaveGroupRequest, version: i16) -> Vec<MemberIdentity> {
    if version >= MANY_MEMBERS_SINCE {
        return core::mem::take(&mut request.members);
    }
    let member_id = core::mem::take(&mut request.member_id);
    Vec::from([MemberIdentity { member_id, ..MemberIdentity::default() }])
}

/// The answer in a version; before version 3 the one member's error is the request's.
pub(in crate::group) fn answer(members: Vec<MemberResponse>, version: i16) -> LeaveGroupResponse {
    if version >= MANY_MEMBERS_SINCE {
        return LeaveGroupResponse { members, ..LeaveGroupResponse::default() };
    }
    let error_code = members.iter().map(|member| member.error_code).find(|error| error.is_error());
    LeaveGroupResponse { error_code: error_code.unwrap_or_default(), ..LeaveGroupResponse::default() }
}
