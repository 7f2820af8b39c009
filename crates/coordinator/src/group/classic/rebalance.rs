//! Rebalances of a classic group: calling the members to join, closing the call, and what follows when time is up.

use base::Str;
use bytes::Bytes;
use wire::ErrorCode;
use wire::messages::join_group::JoinGroupResponse;
use wire::messages::sync_group::SyncGroupResponse;

use super::{ClassicGroup, InitialDelay, Member, Parked, Phase};
use crate::group::{Fx, Response, Settings, Timer};

/// The shortest time after which a call that nobody answered is looked at again: members may allow no time at all.
const RETRY_MIN_MS: i64 = 100;

impl ClassicGroup {
    /// A change asks for a rebalance, or may have been the last thing that one waited for.
    pub(super) fn rebalance_or_complete(&mut self, settings: &Settings, fx: &mut Fx<'_>) {
        if self.phase == Phase::PreparingRebalance {
            self.complete_join_if_all_did(fx);
        } else {
            self.prepare_rebalance(settings, fx);
        }
    }

    /// Calls all members to join again. The first rebalance of an empty group waits for more to come (KIP-134).
    pub(in crate::group) fn prepare_rebalance(&mut self, settings: &Settings, fx: &mut Fx<'_>) {
        if self.phase == Phase::CompletingRebalance {
            self.fail_syncs(ErrorCode::REBALANCE_IN_PROGRESS, fx);
        }
        fx.cancel(&Timer::Sync(self.id.clone()));
        let initial = self.phase == Phase::Empty;
        self.enter(Phase::PreparingRebalance, fx.wall_ms);
        if initial {
            let delay_ms = i64::from(settings.initial_rebalance_delay_ms);
            let remaining_ms = (self.rebalance_timeout_ms() - delay_ms).max(0);
            self.initial_delay = Some(InitialDelay { delay_ms, remaining_ms });
            fx.schedule(Timer::Join(self.id.clone()), delay_ms);
        } else if self.all_joined() {
            self.complete_join(fx);
        } else {
            fx.schedule(Timer::Join(self.id.clone()), self.rebalance_timeout_ms());
        }
    }

    /// Closes the call when nobody is awaited any more; an initial rebalance is closed by its timer alone.
    pub(super) fn complete_join_if_all_did(&mut self, fx: &mut Fx<'_>) {
        let initial = self.previous == Phase::Empty;
        if self.phase == Phase::PreparingRebalance && !initial && self.all_joined() {
            self.complete_join(fx);
        }
    }

    /// The call's time is up; an initial rebalance to which someone came is drawn out, as far as its members allow.
    pub(in crate::group) fn on_join_timeout(&mut self, settings: &Settings, fx: &mut Fx<'_>) {
        if self.phase != Phase::PreparingRebalance {
            return;
        }
        match self.initial_delay {
            Some(InitialDelay { delay_ms, remaining_ms }) if self.new_member_added && remaining_ms != 0 => {
                self.new_member_added = false;
                let next_ms = i64::from(settings.initial_rebalance_delay_ms).min(remaining_ms);
                let remaining_ms = (remaining_ms - delay_ms).max(0);
                self.initial_delay = Some(InitialDelay { delay_ms: next_ms, remaining_ms });
                fx.schedule(Timer::Join(self.id.clone()), next_ms);
            }
            _ => self.complete_join(fx),
        }
    }

    pub(super) fn all_joined(&self) -> bool {
        self.pending_join.is_empty() && self.members.values().all(|member| member.awaiting_join.is_some())
    }

    pub(super) fn awaiting_join_count(&self) -> usize {
        self.members.values().filter(|member| member.awaiting_join.is_some()).count()
    }

    /// How long a rebalance lasts: as long as the most patient member allows.
    pub(super) fn rebalance_timeout_ms(&self) -> i64 {
        self.members.values().map(|member| i64::from(member.rebalance_timeout_ms)).max().unwrap_or(0)
    }

    /// Closes the call: whoever did not come is out (static members stay), and a new generation begins.
    pub(super) fn complete_join(&mut self, fx: &mut Fx<'_>) {
        fx.cancel(&Timer::Join(self.id.clone()));
        self.drop_absent(fx);
        if !self.elect_leader_among_joined() && !self.members.is_empty() {
            // Only static members are left and none of them came: wait until one does, or sessions end.
            self.initial_delay = None;
            let again_ms = self.rebalance_timeout_ms().max(RETRY_MIN_MS);
            fx.schedule(Timer::Join(self.id.clone()), again_ms);
            return;
        }
        self.begin_generation(fx.wall_ms);
        if self.phase == Phase::Empty {
            let record = self.record(|_| Bytes::new());
            fx.record(record);
        } else {
            self.announce_generation(fx);
        }
    }

    fn drop_absent(&mut self, fx: &mut Fx<'_>) {
        let absent = |member: &&Member| member.awaiting_join.is_none() && member.instance_id.is_none();
        let ids: alloc::vec::Vec<Str> =
            self.members.values().filter(absent).map(|member| member.id.clone()).collect();
        for id in ids {
            fx.cancel(&Timer::Session(self.id.clone(), id.clone()));
            self.take_out(&id);
        }
    }

    /// Keeps the leader if it came, else takes one who did; false when there is none.
    fn elect_leader_among_joined(&mut self) -> bool {
        let came = |member: &Member| member.awaiting_join.is_some();
        let Some(leader) = &self.leader else { return false };
        if self.members.get(leader).is_some_and(came) {
            return true;
        }
        let heir = self.members.values().find(|member| came(member)).map(|member| member.id.clone());
        if heir.is_some() {
            self.leader.clone_from(&heir);
        }
        heir.is_some()
    }

    fn begin_generation(&mut self, now_ms: i64) {
        self.generation = self.generation.wrapping_add(1).max(0);
        self.protocol = self.elect_protocol();
        assert!(self.protocol.is_some() || self.members.is_empty(), "members of one group share a protocol");
        self.subscribed = self.topics_of_members();
        self.initial_delay = None;
        self.new_member_added = false;
        self.pending_sync.clear();
        self.enter(if self.members.is_empty() { Phase::Empty } else { Phase::CompletingRebalance }, now_ms);
    }

    /// Answers every join with the generation, and gives the members their time to sync.
    fn announce_generation(&mut self, fx: &mut Fx<'_>) {
        let ids: alloc::vec::Vec<Str> = self.members.keys().cloned().collect();
        for id in ids {
            let response = self.join_response(&id, self.is_leader(&id));
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.is_new = false;
            answer_join(member.awaiting_join.take(), response, fx);
            self.extend_session(&id, fx);
            self.pending_sync.insert(id);
        }
        fx.schedule(Timer::Sync(self.id.clone()), self.rebalance_timeout_ms());
    }

    /// Members who joined and never asked for their assignment are out.
    pub(in crate::group) fn on_sync_timeout(&mut self, settings: &Settings, fx: &mut Fx<'_>) {
        if !matches!(self.phase, Phase::CompletingRebalance | Phase::Stable) || self.pending_sync.is_empty() {
            return;
        }
        for id in core::mem::take(&mut self.pending_sync) {
            fx.cancel(&Timer::Session(self.id.clone(), id.clone()));
            self.take_out(&id);
        }
        self.prepare_rebalance(settings, fx);
    }

    /// The generation as `member_id` is told it; the leader gets the members to assign to.
    pub(super) fn join_response(&self, member_id: &Str, with_members: bool) -> JoinGroupResponse {
        let members = self.members.values().filter(|_| with_members);
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: member_id.clone(),
            members: members.map(|member| member.for_leader(self.protocol.as_ref())).collect(),
            ..JoinGroupResponse::default()
        }
    }

    /// Takes back the assignments and answers every waiting sync with `error`.
    pub(super) fn fail_syncs(&mut self, error: ErrorCode, fx: &mut Fx<'_>) {
        let ids: alloc::vec::Vec<Str> = self.members.keys().cloned().collect();
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.assignment = Bytes::new();
            if let Some(parked) = member.awaiting_sync.take() {
                answer_sync(
                    parked,
                    SyncGroupResponse { error_code: error, ..SyncGroupResponse::default() },
                    fx,
                );
                self.extend_session(&id, fx);
            }
        }
    }
}

/// Answers a join, if one waits.
pub(in crate::group) fn answer_join(
    parked: Option<Parked>,
    mut response: JoinGroupResponse,
    fx: &mut Fx<'_>,
) {
    let Some(parked) = parked else { return };
    fit(&mut response, parked.version);
    fx.answer(parked.waiter, Response::Join(response));
}

/// No protocol is null from version 7 on, and empty before.
fn fit(response: &mut JoinGroupResponse, version: i16) {
    let name = response.protocol_name.take().filter(|name| !name.is_empty());
    response.protocol_name = if version < 7 { Some(name.unwrap_or_default()) } else { name };
}

/// Answers a sync.
pub(super) fn answer_sync(parked: Parked, response: SyncGroupResponse, fx: &mut Fx<'_>) {
    fx.answer(parked.waiter, Response::Sync(response));
}

/// A join that failed: nothing but whom it concerns and why.
pub(in crate::group) fn refused_join(member_id: &Str, error_code: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse { member_id: member_id.clone(), error_code, ..JoinGroupResponse::default() }
}

/// The answer to a join that no coordinator could take.
pub fn refusal(member_id: &Str, error_code: ErrorCode, version: i16) -> JoinGroupResponse {
    let mut response = refused_join(member_id, error_code);
    fit(&mut response, version);
    response
}
