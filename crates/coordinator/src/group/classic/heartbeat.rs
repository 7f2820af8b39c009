//! Heartbeat, versions 0–4, and what silence leads to.

use base::Str;
use wire::ErrorCode;
use wire::messages::heartbeat::HeartbeatRequest;

use super::rebalance::{answer_join, answer_sync, refused_join};
use super::{ClassicGroup, Member, Phase};
use crate::group::{Fx, Settings, Timer};

impl ClassicGroup {
    /// A member is alive; it learns here that it has to join again.
    pub(in crate::group) fn heartbeat(&self, request: &HeartbeatRequest, fx: &mut Fx<'_>) -> ErrorCode {
        if let Err(error) = self.validate_member(&request.member_id, request.group_instance_id.as_ref()) {
            return error;
        }
        if request.generation_id != self.generation {
            return ErrorCode::ILLEGAL_GENERATION;
        }
        self.extend_session(&request.member_id, fx);
        match self.phase {
            Phase::Empty => ErrorCode::UNKNOWN_MEMBER_ID,
            Phase::PreparingRebalance => ErrorCode::REBALANCE_IN_PROGRESS,
            Phase::CompletingRebalance | Phase::Stable => ErrorCode::NONE,
        }
    }

    /// The member's session begins anew.
    pub(in crate::group) fn extend_session(&self, member_id: &Str, fx: &mut Fx<'_>) {
        if let Some(member) = self.members.get(member_id) {
            self.extend_session_by(member_id, member.session_timeout_ms, fx);
        }
    }

    pub(super) fn extend_session_by(&self, member_id: &Str, timeout_ms: i32, fx: &mut Fx<'_>) {
        fx.schedule(Timer::Session(self.id.clone(), member_id.detached()), i64::from(timeout_ms));
    }

    /// A session ended. Who waits for us is excused; who was only promised an id loses it.
    pub(in crate::group) fn on_session_end(&mut self, member_id: &Str, settings: &Settings, fx: &mut Fx<'_>) {
        if self.pending_join.remove(member_id) {
            self.complete_if_rest_joined(fx);
        } else if self.members.get(member_id).is_some_and(|member| !member.is_excused()) {
            self.remove(member_id, fx);
            match self.phase {
                Phase::Stable | Phase::CompletingRebalance => self.prepare_rebalance(settings, fx),
                Phase::PreparingRebalance => self.complete_if_rest_joined(fx),
                Phase::Empty => {}
            }
        }
    }

    /// Unlike a join, an end of a session also closes an initial rebalance that waits for nobody else.
    fn complete_if_rest_joined(&mut self, fx: &mut Fx<'_>) {
        if self.phase == Phase::PreparingRebalance && self.all_joined() {
            self.complete_join(fx);
        }
    }

    /// Takes a member out for good.
    pub(super) fn remove(&mut self, member_id: &Str, fx: &mut Fx<'_>) {
        fx.cancel(&Timer::Session(self.id.clone(), member_id.clone()));
        if let Some(member) = self.take_out(member_id) {
            self.abandon(member, fx);
        }
    }

    /// Answers whatever a member that is gone still waits for, so that a client that lives starts over.
    pub(super) fn abandon(&self, mut member: Member, fx: &mut Fx<'_>) {
        let error_code = ErrorCode::UNKNOWN_MEMBER_ID;
        answer_join(member.awaiting_join.take(), refused_join(&Str::default(), error_code), fx);
        if let Some(parked) = member.awaiting_sync.take() {
            answer_sync(
                parked,
                wire::messages::sync_group::SyncGroupResponse { error_code, ..Default::default() },
                fx,
            );
        }
    }

    /// The coordinator moves: everyone who waits is told to look for it.
    pub(in crate::group) fn abandon_all(&mut self, fx: &mut Fx<'_>) {
        let error_code = ErrorCode::NOT_COORDINATOR;
        for (id, member) in &mut self.members {
            answer_join(member.awaiting_join.take(), refused_join(id, error_code), fx);
            if let Some(parked) = member.awaiting_sync.take() {
                let refused =
                    wire::messages::sync_group::SyncGroupResponse { error_code, ..Default::default() };
                answer_sync(parked, refused, fx);
            }
        }
    }
}
