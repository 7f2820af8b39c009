//! Static members that come back under a new id (KIP-345): the old id is fenced, and in a stable group nothing moves.

use base::Str;
use wire::ErrorCode;
use wire::messages::join_group::JoinGroupResponse;
use wire::messages::sync_group::SyncGroupResponse;

use super::join::Join;
use super::rebalance::{answer_join, answer_sync, refused_join};
use super::sync::record_bytes;
use super::{ClassicGroup, Member, Phase};
use crate::group::{Fx, Settings};

/// The first version that tells a returning leader to skip the assignment (KIP-814).
const SKIP_ASSIGNMENT_SINCE: i16 = 9;

impl ClassicGroup {
    pub(super) fn replace_static_member(
        &mut self,
        join: Join,
        old_id: &Str,
        new_id: Str,
        settings: &Settings,
        fx: &mut Fx<'_>,
    ) {
        if self.phase == Phase::Stable && self.outgrows(&join, old_id, &new_id, settings) {
            return join.refuse(&Str::default(), ErrorCode::UNKNOWN_SERVER_ERROR, fx);
        }
        let leader_before = self.leader.clone();
        let before = self.rename(old_id, &new_id, fx);
        self.update(&new_id, &join, fx);
        // The session is extended by what the member asked for before; Kafka takes the new timeout from the next heartbeat on.
        self.extend_session_by(&new_id, before, fx);
        match self.phase {
            Phase::Stable if self.elect_protocol() == self.protocol => {
                self.resume(&join, &new_id, leader_before, fx);
            }
            // The old id may already be with the leader: what it assigns would not reach the new one.
            Phase::Stable | Phase::CompletingRebalance => self.prepare_rebalance(settings, fx),
            Phase::PreparingRebalance | Phase::Empty => self.complete_join_if_all_did(fx),
        }
    }

    /// Whether no record of the log could hold the generation with what the member now offers. As in Kafka it then stays who it was.
    fn outgrows(&self, join: &Join, old_id: &str, new_id: &str, settings: &Settings) -> bool {
        let offered = join.protocols.iter().find(|offered| Some(&offered.name) == self.protocol.as_ref());
        let more = offered.map_or(0, |offered| offered.metadata.len()) + new_id.len();
        let old = self.members.get(old_id).map_or(0, |old| old.metadata(self.protocol.as_ref()).len());
        let bytes = record_bytes(&self.record(|member| member.assignment.clone()));
        bytes.saturating_sub(old + old_id.len()) + more > settings.record_bytes_max
    }

    /// Puts the member under its new id and fences whoever still waits under the old one. Returns its session timeout.
    fn rename(&mut self, old_id: &Str, new_id: &Str, fx: &mut Fx<'_>) -> i32 {
        let Some(mut member) = self.members.remove(old_id) else { return 0 };
        fence(&mut member, fx);
        let timeout = member.session_timeout_ms;
        member.id = new_id.clone();
        member.is_new = false;
        if self.is_leader(old_id) {
            self.leader = Some(new_id.clone());
        }
        self.pending_sync.remove(old_id);
        if let Some(instance_id) = &member.instance_id {
            self.static_members.insert(instance_id.clone(), new_id.clone());
        }
        fx.cancel(&crate::group::Timer::Session(self.id.clone(), old_id.clone()));
        self.members.insert(new_id.clone(), member);
        timeout
    }

    /// The generation goes on with the new id; the log learns it before the member does.
    fn resume(&mut self, join: &Join, new_id: &Str, leader_before: Option<Str>, fx: &mut Fx<'_>) {
        fx.record(self.record(|member| member.assignment.clone()));
        let leads = self.is_leader(new_id);
        let mut response = self.join_response(new_id, false);
        if join.call.version >= SKIP_ASSIGNMENT_SINCE {
            response = JoinGroupResponse { skip_assignment: leads, ..self.join_response(new_id, leads) };
        } else {
            // An older leader must not assign anew: it is told of its old id as the leader, and takes itself for a follower.
            response.leader = leader_before.unwrap_or_default();
        }
        let parked = self.members.get_mut(new_id).and_then(|member| member.awaiting_join.take());
        answer_join(parked, response, fx);
    }
}

fn fence(member: &mut Member, fx: &mut Fx<'_>) {
    let response = refused_join(&member.id, ErrorCode::FENCED_INSTANCE_ID);
    answer_join(member.awaiting_join.take(), response, fx);
    if let Some(parked) = member.awaiting_sync.take() {
        let error_code = ErrorCode::FENCED_INSTANCE_ID;
        answer_sync(parked, SyncGroupResponse { error_code, ..SyncGroupResponse::default() }, fx);
    }
}
