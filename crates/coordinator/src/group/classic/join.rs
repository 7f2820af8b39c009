//! JoinGroup, versions 0–9: a member takes part in the next generation.
//!
//! From version 4 on, a dynamic member first gets its id (MEMBER_ID_REQUIRED, KIP-394) and joins with it; a static member
//! (KIP-345) joins at once. The answer to a join waits for the rebalance to complete.

use alloc::format;

use base::Str;
use bytes::Bytes;
use wire::ErrorCode;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};

use super::rebalance::{answer_join, refused_join};
use super::{ClassicGroup, Member, Parked, Phase};
use crate::group::{Call, Fx, Settings, Timer};

/// The first version whose dynamic members join with an id that they got before (KIP-394).
const MEMBER_ID_REQUIRED_SINCE: i16 = 4;

/// Time that a new member may wait in its first join before it is taken for dead: it cannot send heartbeats yet.
const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 5 * 60 * 1000;

/// A JoinGroup as the group needs it: its own copies, the timeouts settled.
pub(in crate::group) struct Join {
    pub(super) parked: Parked,
    pub(super) call: Call,
    pub(super) member_id: Str,
    pub(super) instance_id: Option<Str>,
    pub(super) protocol_type: Str,
    pub(super) protocols: alloc::vec::Vec<JoinGroupRequestProtocol>,
    pub(super) rebalance_timeout_ms: i32,
    pub(super) session_timeout_ms: i32,
}

impl Join {
    /// What the request says, in allocations of its own, since a group outlives the frame.
    pub(in crate::group) fn new(request: &JoinGroupRequest, parked: Parked, call: Call) -> Self {
        let own = |protocol: &JoinGroupRequestProtocol| JoinGroupRequestProtocol {
            name: protocol.name.detached(),
            metadata: Bytes::copy_from_slice(&protocol.metadata),
        };
        // Version 0 has one timeout for both; Kafka takes it so in every version that leaves the other out.
        let rebalance =
            if call.version == 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms };
        Self {
            parked,
            call,
            member_id: request.member_id.detached(),
            instance_id: request.group_instance_id.as_ref().map(Str::detached),
            protocol_type: request.protocol_type.detached(),
            protocols: request.protocols.iter().map(own).collect(),
            rebalance_timeout_ms: rebalance,
            session_timeout_ms: request.session_timeout_ms,
        }
    }

    pub(super) fn refuse(&self, member_id: &Str, error: ErrorCode, fx: &mut Fx<'_>) {
        answer_join(Some(self.parked), refused_join(member_id, error), fx);
    }

    /// The id of a member that has none: the name it is known by, and 122 random bits.
    fn new_member_id(&self) -> Str {
        let name = self.instance_id.as_ref().unwrap_or(&self.call.client_id);
        let uuid = java_uuid(self.call.random);
        let mut end = name.len().min(usize::from(i16::MAX.unsigned_abs()) - uuid.len() - 1);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        Str::from(format!("{}-{uuid}", name.get(..end).unwrap_or_default()))
    }

    fn member(&self, id: Str) -> Member {
        Member {
            id,
            instance_id: self.instance_id.clone(),
            client_id: self.call.client_id.detached(),
            client_host: self.call.client_host.detached(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            session_timeout_ms: self.session_timeout_ms,
            protocols: self.protocols.clone(),
            assignment: Bytes::new(),
            is_new: true,
            awaiting_join: Some(self.parked),
            awaiting_sync: None,
        }
    }
}

/// A version 4 UUID (RFC 9562) of random bytes, in the hexadecimal form.
fn java_uuid(random: [u8; 16]) -> alloc::string::String {
    let bits = u128::from_be_bytes(base::Uuid::from_random(random).0);
    let digits = format!("{bits:032x}");
    let group = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32))
}

impl ClassicGroup {
    /// A member asks to be part of the next generation.
    pub(in crate::group) fn join(&mut self, join: Join, settings: &Settings, fx: &mut Fx<'_>) {
        let unknown = Str::default();
        if !self.has_room_for(&join.member_id, settings) {
            if let Some(member) = self.take_out(&join.member_id) {
                self.abandon(member, fx);
            }
            join.refuse(&unknown, ErrorCode::GROUP_MAX_SIZE_REACHED, fx);
        } else if !self.supports(&join.protocol_type, &join.protocols) {
            join.refuse(&join.member_id, ErrorCode::INCONSISTENT_GROUP_PROTOCOL, fx);
        } else if join.member_id.is_empty() {
            self.join_new(join, settings, fx);
        } else if self.pending_join.contains(&join.member_id) {
            self.join_pending(join, settings, fx);
        } else {
            self.join_existing(join, settings, fx);
        }
    }

    /// `group.max.size`: who is in stays in, others come in while there is room.
    fn has_room_for(&self, member_id: &str, settings: &Settings) -> bool {
        let known = self.members.get(member_id);
        match self.phase {
            Phase::Empty => true,
            // Those who wait are counted, not the members: so the last to rejoin go when the limit was lowered.
            Phase::PreparingRebalance => {
                known.is_some_and(|member| member.awaiting_join.is_some())
                    || self.awaiting_join_count() < settings.group_max_size
            }
            Phase::CompletingRebalance | Phase::Stable => {
                known.is_some() || self.members.len() < settings.group_max_size
            }
        }
    }

    fn join_new(&mut self, join: Join, settings: &Settings, fx: &mut Fx<'_>) {
        let new_id = join.new_member_id();
        let replaced = join.instance_id.as_ref().and_then(|id| self.static_members.get(id).cloned());
        if let Some(old_id) = replaced {
            self.replace_static_member(join, &old_id, new_id, settings, fx);
        } else if join.instance_id.is_none() && join.call.version >= MEMBER_ID_REQUIRED_SINCE {
            self.pending_join.insert(new_id.clone());
            let timer = Timer::Session(self.id.clone(), new_id.clone());
            fx.schedule(timer, i64::from(join.session_timeout_ms));
            join.refuse(&new_id, ErrorCode::MEMBER_ID_REQUIRED, fx);
        } else {
            self.add(join, new_id, settings, fx);
        }
    }

    fn join_pending(&mut self, join: Join, settings: &Settings, fx: &mut Fx<'_>) {
        if join.instance_id.is_some() {
            // Ids are promised to dynamic members only. Kafka breaks off with an exception, which is this code.
            join.refuse(&Str::default(), ErrorCode::UNKNOWN_SERVER_ERROR, fx);
            return;
        }
        let id = join.member_id.clone();
        self.add(join, id, settings, fx);
    }

    fn add(&mut self, join: Join, member_id: Str, settings: &Settings, fx: &mut Fx<'_>) {
        if self.phase == Phase::PreparingRebalance && self.previous == Phase::Empty {
            self.new_member_added = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type.clone());
        }
        fx.schedule(Timer::Session(self.id.clone(), member_id.clone()), NEW_MEMBER_JOIN_TIMEOUT_MS);
        // Outside of a rebalance the member waits for the one that it brings about.
        self.insert(join.member(member_id));
        self.rebalance_or_complete(settings, fx);
    }

    fn join_existing(&mut self, join: Join, settings: &Settings, fx: &mut Fx<'_>) {
        if let Err(error) = self.validate_member(&join.member_id, join.instance_id.as_ref()) {
            return join.refuse(&join.member_id, error, fx);
        }
        let id = &join.member_id;
        let same = self.members.get(id).is_some_and(|member| member.protocols == join.protocols);
        match self.phase {
            // It may have missed the answer to its first join: this generation still is what it asks for.
            Phase::CompletingRebalance if same => {
                answer_join(Some(join.parked), self.join_response(id, self.is_leader(id)), fx);
            }
            // A leader that joins again has seen something that members' metadata do not show.
            Phase::Stable if same && !self.is_leader(id) => {
                answer_join(Some(join.parked), self.join_response(id, false), fx);
            }
            Phase::Empty => join.refuse(id, ErrorCode::UNKNOWN_MEMBER_ID, fx),
            _ => {
                self.update(&join.member_id.clone(), &join, fx);
                self.rebalance_or_complete(settings, fx);
            }
        }
    }

    /// The member joins anew with what it now offers.
    pub(super) fn update(&mut self, member_id: &Str, join: &Join, fx: &mut Fx<'_>) {
        let Some(member) = self.members.get_mut(member_id) else { return };
        member.protocols.clone_from(&join.protocols);
        member.rebalance_timeout_ms = join.rebalance_timeout_ms;
        member.session_timeout_ms = join.session_timeout_ms;
        // The member gave up on a join that it sends anew, perhaps on another connection; nobody waits without an answer.
        let before = member.awaiting_join.replace(join.parked);
        answer_join(before, refused_join(member_id, ErrorCode::REBALANCE_IN_PROGRESS), fx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_ids_look_like_kafkas() {
        assert_eq!(java_uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(java_uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
